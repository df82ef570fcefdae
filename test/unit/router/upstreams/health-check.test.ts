import { afterEach, expect, it, vi } from 'vitest';
import { CoarseTimer } from '../../../../router/coarse-timer.ts';
import { HealthCheck } from '../../../../router/upstreams/health-check.ts';
import type { Answer } from '../../../../router/upstreams/peer.ts';
import type { Octets } from '../../../../shared/json/octets.ts';

afterEach(() => vi.useRealTimers());

it('[O8] tells when a server stops answering and when it answers again, and only then', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const answers = [true, false, false, true];
  const request = vi.fn(async (): Promise<Answer> => {
    if (answers.shift() === false) throw new Error('no answer');
    return { ok: true, octets: '{}' as Octets };
  });
  const pinged = { request };
  const seen: boolean[] = [];
  const check = new HealthCheck({
    timer: new CoarseTimer(),
    intervalMs: 1_000,
    peer: () => pinged,
    onChange: (now) => seen.push(now),
  });
  for (let i = 0; i < 4; i++) await vi.advanceTimersByTimeAsync(1_100);
  check.stop();
  expect(request).toHaveBeenCalledTimes(4);
  expect(seen).toEqual([false, true]);
});
