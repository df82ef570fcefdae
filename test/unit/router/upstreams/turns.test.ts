import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Call } from '../../../../router/call.ts';
import { CoarseTimer } from '../../../../router/coarse-timer.ts';
import { Turns } from '../../../../router/upstreams/turns.ts';
import { AppError } from '../../../../shared/errors.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => vi.useRealTimers());

const aCall = () => ({ waiting: undefined }) as Pick<Call, 'waiting'> as Call;

describe('turns', () => {
  it('[M6] runs so many at a time, and the rest in the order in which they came', async () => {
    const turns = new Turns(2, new CoarseTimer());
    expect(turns.take(aCall(), 1_000)).toBeUndefined();
    expect(turns.take(aCall(), 1_000)).toBeUndefined();
    const order: string[] = [];
    void turns.take(aCall(), 1_000)?.then(() => order.push('third'));
    void turns.take(aCall(), 1_000)?.then(() => order.push('fourth'));
    await vi.advanceTimersByTimeAsync(100);
    expect(order).toEqual([]);
    turns.give();
    await vi.advanceTimersByTimeAsync(0);
    expect(order).toEqual(['third']);
    turns.give();
    await vi.advanceTimersByTimeAsync(0);
    expect(order).toEqual(['third', 'fourth']);
    turns.give();
    turns.give();
    expect(turns.take(aCall(), 1_000)).toBeUndefined();
    turns.stop();
  });

  it('[M6] refuses who waited too long, and who comes when enough wait', async () => {
    const turns = new Turns(1, new CoarseTimer());
    void turns.take(aCall(), 1_000);
    const ends = Array.from({ length: 16 }, () => turns.take(aCall(), 1_000)!.catch((error: AppError) => error.kind));
    expect(() => turns.take(aCall(), 1_000)).toThrow(/as many wait as may/);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(new Set(await Promise.all(ends))).toEqual(new Set(['RATE_LIMITED']));
    expect(turns.waiting).toBe(0);
    turns.stop();
  });

  it('[M6] [E2] a call that ends while it waits leaves the queue', async () => {
    const turns = new Turns(1, new CoarseTimer());
    void turns.take(aCall(), 1_000);
    const call = aCall();
    const waits = turns.take(call, 1_000)!.catch((error: AppError) => error.kind);
    call.waiting!(new AppError('EMERGENCY_STOP'));
    expect(await waits).toBe('EMERGENCY_STOP');
    expect(turns.waiting).toBe(0);
    turns.give();
    expect(turns.take(aCall(), 1_000)).toBeUndefined();
    turns.stop();
  });
});
