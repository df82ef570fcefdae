/**
 * Owns village time: milliseconds since the epoch that never go back, so that a deadline once passed stays passed when
 * somebody sets the computer's clock back. It follows the wall clock forward and runs on by itself while that is behind.
 */

export interface Clock {
  now(): number;
  /** Moves the clock to `ms` when it is behind, and returns its time: another process, or an earlier run, was there already. */
  atLeast(ms: number): number;
}

/**
 * @param wall milliseconds since the epoch, such as Date.now; may jump
 * @param monotonic milliseconds from any start, such as performance.now; may not
 */
export function createClock(wall: () => number, monotonic: () => number): Clock {
  let time = Math.floor(wall());
  let readAt = monotonic();
  const atLeast = (ms: number): number => {
    const tick = monotonic();
    time = Math.max(time + Math.max(0, tick - readAt), wall(), ms);
    readAt = tick;
    return Math.floor(time);
  };
  return { now: () => atLeast(0), atLeast };
}
