/**
 * When a relay lets go of a cell: each waits a time of its own, exponentially distributed, so that cells of different circuits
 * leave in another order than they came. Within one circuit the order stays, for its counters ask for it. Pure.
 */
import { randomInt } from 'node:crypto';

/** A cell waits at most this many mean delays, so that one unlucky cell does not hold up its circuit. */
const LONGEST_MEANS = 8;
const STEPS = 2 ** 40;

/** In (0, 1]. */
export type Uniform = () => number;

/** From the system's generator: delays that could be predicted would mix nothing. */
export const secureUniform: Uniform = () => (randomInt(STEPS) + 1) / STEPS;

export function exponential(mean: number, uniform: Uniform): number {
  return Math.min(-Math.log(uniform()) * mean, mean * LONGEST_MEANS);
}

/** The times at which the cells of one direction of one circuit leave. */
export class MixingTimes {
  readonly #meanMs: number;
  readonly #uniform: Uniform;
  #last = 0;

  /** A mean of 0 delays nothing. */
  constructor(meanMs: number, uniform: Uniform = secureUniform) {
    this.#meanMs = meanMs;
    this.#uniform = uniform;
  }

  /** When a cell that comes `now` leaves; never before the one before it. */
  leavesAt(now: number): number {
    if (this.#meanMs === 0) return now;
    this.#last = Math.max(this.#last, now + exponential(this.#meanMs, this.#uniform));
    return this.#last;
  }
}
