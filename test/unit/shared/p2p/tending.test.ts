import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createTending, type TendingParts } from '../../../../shared/p2p/tending.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

function tending(more: Partial<TendingParts> = {}, bootstrap: string[] = []) {
  const dialled: { target: string; at: number }[] = [];
  const connected = new Set<string>();
  const made = createTending(bootstrap, {
    now: Date.now,
    dial: async (target) => {
      dialled.push({ target, at: Date.now() });
      throw new Error('off');
    },
    isConnected: (target) => connected.has(target),
    isRefused: () => false,
    hasRoom: () => true,
    log,
    ...more,
  });
  made.begin();
  return { made, dialled, connected };
}

it('[N3] dials a peer that was lost at least every two and a quarter seconds', async () => {
  const { made, dialled } = tending();
  made.lost('p');
  await vi.advanceTimersByTimeAsync(60_000);
  const gaps = dialled.slice(1).map(({ at }, n) => at - dialled[n]!.at);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(2_250);
  expect(dialled.length).toBeGreaterThan(20);
  made.close();
});

it('[N1] leaves a peer alone once it is there, and dials it again when it is lost', async () => {
  const { made, dialled, connected } = tending();
  made.want('p');
  await vi.advanceTimersByTimeAsync(100);
  connected.add('p');
  await vi.advanceTimersByTimeAsync(30_000);
  const before = dialled.length;
  connected.delete('p');
  made.lost('p');
  await vi.advanceTimersByTimeAsync(300);
  expect(before).toBeLessThanOrEqual(2);
  expect(dialled.length).toBeGreaterThan(before);
  made.close();
});

it('[N1] never dials a refused peer, and none but bootstrap addresses when there are connections enough', async () => {
  const { made, dialled } = tending({ isRefused: (target) => target === 'bad', hasRoom: () => false }, ['/boot']);
  made.want('bad');
  made.want('more');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(new Set(dialled.map(({ target }) => target))).toEqual(new Set(['/boot']));
  made.close();
});

it('[N1] dials at most six at once', async () => {
  let open = 0;
  const { made } = tending({
    dial: () => {
      open += 1;
      return new Promise(() => undefined);
    },
  });
  for (let n = 0; n < 100; n += 1) made.want(`p${n}`);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(open).toBe(6);
  made.close();
});
