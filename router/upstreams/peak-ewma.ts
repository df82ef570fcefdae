/**
 * What a call to a copy costs now, in milliseconds: a moving average that jumps up at once and comes down slowly, so that a
 * copy that becomes slow is left alone before many calls wait there (Finagle, "Peak EWMA").
 */

/** After so long an old answer counts for a third. */
const DECAY_MS = 10_000;

export class PeakEwma {
  private cost = 0;
  private at = 0;

  /** @param now of the same clock as every other `now` here */
  observe(tookMs: number, now: number): void {
    const weight = this.weight(now);
    this.cost = tookMs > this.cost ? tookMs : this.cost * weight + tookMs * (1 - weight);
    this.at = now;
  }

  /** Falls while nothing is observed, so that a copy that was slow is tried again. */
  value(now: number): number {
    return this.cost * this.weight(now);
  }

  private weight(now: number): number {
    return Math.exp(Math.min(0, this.at - now) / DECAY_MS);
  }
}
