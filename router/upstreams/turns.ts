/**
 * Lets a server run so many calls at a time (M6 `max_concurrent_operations`); the rest wait in the order in which they came, a
 * bounded number of them and each for a bounded time. Knows nothing of copies.
 */
import { AppError } from '../../shared/errors.ts';
import type { Call } from '../call.ts';
import type { CoarseTimer } from '../coarse-timer.ts';

interface Waiting {
  readonly until: number;
  readonly go: () => void;
  readonly fail: (error: AppError) => void;
}

/** For each call that may run so many may wait. */
const WAITING_EACH = 16;

export class Turns {
  readonly stop: () => void;
  private readonly max: number;
  private readonly timer: CoarseTimer;
  private readonly queue = new Set<Waiting>();
  private running = 0;

  constructor(max: number, timer: CoarseTimer) {
    this.max = max;
    this.timer = timer;
    this.stop = timer.add((now) => this.expire(now));
  }

  get waiting(): number {
    return this.queue.size;
  }

  /**
   * Takes a turn, which `give` gives back.
   * @returns undefined when there is one at once
   * @throws AppError RATE_LIMITED when too many wait already, at once or when none came in `waitMs`; what ended the call
   */
  take(call: Call, waitMs: number): Promise<void> | undefined {
    if (this.running < this.max) {
      this.running++;
      return undefined;
    }
    if (this.queue.size >= this.max * WAITING_EACH) throw this.full('and as many wait as may');
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.queue.delete(waiting);
        call.waiting = undefined;
      };
      const waiting: Waiting = {
        until: this.timer.now() + waitMs,
        go: () => {
          leave();
          resolve();
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      call.waiting = waiting.fail;
      this.queue.add(waiting);
    });
  }

  /** The turn is over: the next has it. */
  give(): void {
    const [next] = this.queue;
    if (next === undefined) this.running--;
    else next.go();
  }

  private expire(now: number): void {
    for (const waiting of this.queue) {
      if (now < waiting.until) return;
      waiting.fail(this.full('and none ended in time'));
    }
  }

  private full(why: string): AppError {
    return new AppError('RATE_LIMITED', {
      text: `The server runs as many calls at a time as it may (${this.max}), ${why}; nothing was run, try again later`,
      data: { retryAfterMs: 1_000 },
    });
  }
}
