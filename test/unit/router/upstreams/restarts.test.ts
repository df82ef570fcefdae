import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Restarts } from '../../../../router/upstreams/restarts.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => vi.useRealTimers());

it('[R5] E05: starts one after the other, and does not wait for one that hangs', async () => {
  const restarts = new Restarts();
  const started: string[] = [];
  const first = Promise.withResolvers<void>();
  restarts.ask(() => {
    started.push('first');
    return first.promise;
  });
  restarts.ask(() => {
    started.push('fails');
    return Promise.reject(new Error('it fails'));
  });
  restarts.ask(() => {
    started.push('hangs');
    return new Promise(() => {});
  });
  restarts.ask(async () => void started.push('last'));
  await vi.advanceTimersByTimeAsync(0);
  expect(started).toEqual(['first']);
  first.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(started).toEqual(['first', 'fails', 'hangs']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(started).toEqual(['first', 'fails', 'hangs', 'last']);
});
