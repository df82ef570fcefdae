/** Owns how long to wait before the next attempt: twice as long each time, up to a bound, and never all clients at once. */

export interface BackOffOptions {
  readonly firstMs: number;
  readonly longestMs: number;
}

export class BackOff {
  private readonly options: BackOffOptions;
  private readonly random: () => number;
  private waitMs: number;

  /** @param random from 0 to 1, as Math.random */
  constructor(options: BackOffOptions, random: () => number = Math.random) {
    this.options = options;
    this.random = random;
    this.waitMs = options.firstMs;
  }

  /** Milliseconds to wait now: half of the step for certain, the other half by chance. */
  next(): number {
    const waitMs = this.waitMs / 2 + (this.waitMs / 2) * this.random();
    this.waitMs = Math.min(this.waitMs * 2, this.options.longestMs);
    return waitMs;
  }

  /** It worked: the next failure begins anew. */
  reset(): void {
    this.waitMs = this.options.firstMs;
  }
}
