/** How many calls ended in each of the last seconds, and how long they took: what a live chart shows. Bounded, and cheap to add to. */

export interface Second {
  /** Seconds since the epoch. */
  readonly at: number;
  readonly calls: number;
  /** Of these: failed where they ran, and refused before. */
  readonly failed: number;
  readonly refused: number;
  /** Milliseconds that half of them, and 99 of 100, did not exceed. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Seconds that are kept. */
const KEPT = 120;
/** Durations of one second that its quantiles are made of: the last ones where there are more. */
const SAMPLES = 2_048;

export class Pulse {
  private readonly ring: Second[] = [];
  private readonly samples = new Float64Array(SAMPLES);
  private at = 0;
  private calls = 0;
  private failed = 0;
  private refused = 0;

  /** @param nowMs milliseconds since the epoch */
  note(nowMs: number, durationMs: number, end: 'well' | 'failed' | 'refused'): void {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.at) this.begin(second);
    this.samples[this.calls++ % SAMPLES] = durationMs;
    if (end === 'failed') this.failed++;
    else if (end === 'refused') this.refused++;
  }

  /** Oldest first; seconds without calls are left out, and so is the one that still runs. */
  last(nowMs: number): Second[] {
    const now = Math.floor(nowMs / 1_000);
    if (this.at !== now) this.begin(now);
    return this.ring.filter(({ at }) => at >= now - KEPT).sort((a, b) => a.at - b.at);
  }

  private begin(second: number): void {
    if (this.calls > 0) {
      const sorted = this.samples.slice(0, Math.min(this.calls, SAMPLES)).sort();
      const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
      const { at, calls, failed, refused } = this;
      this.ring[at % KEPT] = { at, calls, failed, refused, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
    }
    this.at = second;
    this.calls = 0;
    this.failed = 0;
    this.refused = 0;
  }
}
