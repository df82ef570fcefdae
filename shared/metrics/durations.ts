/** Counts how long things took, in plain arrays, so that counting costs next to nothing. Knows no names and no library. */

/** Upper bounds in milliseconds: from a step of the line to a call that takes as long as it may. */
export const BOUNDS_MS: readonly number[] = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 60_000,
];

export class Durations {
  /** How many fell under each bound and over the one before it; the last is what is over all. */
  readonly counts = new Float64Array(BOUNDS_MS.length + 1);
  sumMs = 0;
  count = 0;

  observe(ms: number): void {
    let at = 0;
    while (at < BOUNDS_MS.length && ms > BOUNDS_MS[at]!) at++;
    this.counts[at]!++;
    this.sumMs += ms;
    this.count++;
  }
}
