import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startHeartbeat } from '../../../../shared/p2p/heartbeat.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

it('[N6] measures who answers, forgives two silences, and gives up at the third in a row', async () => {
  const [measured, givenUp]: [string[], string[]] = [[], []];
  let beats = 0;
  const end = startHeartbeat({
    connected: () => ['well', 'moody', 'dead'],
    ping: async (peerId) => {
      if (peerId === 'well') beats += 1;
      if (peerId === 'dead' || (peerId === 'moody' && beats % 3 !== 0)) throw new Error('silent');
      return 7;
    },
    measured: (peerId) => measured.push(peerId),
    giveUp: (peerId) => givenUp.push(peerId),
  });
  await vi.advanceTimersByTimeAsync(18_100);
  expect(givenUp).toEqual(['dead']);
  await vi.advanceTimersByTimeAsync(72_000);
  expect(new Set(givenUp)).toEqual(new Set(['dead']));
  expect(new Set(measured)).toEqual(new Set(['well', 'moody']));
  end();
});
