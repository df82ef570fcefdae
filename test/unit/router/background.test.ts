import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Background } from '../../../router/background.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

/** Works for `pieces` times 10 ms, all of it in one go unless it is told to rest. */
async function job(background: Background, pieces: number): Promise<number> {
  const work = background.begin();
  work.start(0);
  for (let n = 0; n < pieces; n++) {
    vi.advanceTimersByTime(10);
    if (work.isLong) await work.rest();
  }
  work.stop();
  return work.tookMs;
}

it('[R6] D04: long work leaves three quarters of the time to others, however many jobs there are', async () => {
  const background = new Background();
  const startedAt = performance.now();
  const jobs = Promise.all([job(background, 10), job(background, 10), job(background, 10)]);
  await vi.runAllTimersAsync();
  const took = await jobs;
  const whole = performance.now() - startedAt;
  for (const each of took) expect(each).toBeGreaterThanOrEqual(100);
  expect(took.reduce((sum, ms) => sum + ms)).toBeLessThan(whole / 3);
});

it('work that is short is done at once', async () => {
  const work = new Background().begin();
  work.start(0);
  expect(work.isLong).toBe(false);
  work.start(9);
  expect(work.isLong).toBe(true);
});
