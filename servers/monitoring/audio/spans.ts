/** Finds silence and drop-outs while frames pass by: stretches of time, counted whole and listed up to a bound. */

export interface Span {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

export const MAX_SPANS = 100;
const SILENCE_SECONDS = 0.5;
/** Shorter than a drop-out is a coincidence, longer is silence. */
const DROP_OUT_SECONDS = [0.002, 0.5] as const;
/** What lies around a drop-out. */
const AROUND_SECONDS = 0.01;
/** Beside a drop-out there is sound of at least this amplitude (-50 dBFS). */
const SOUND = 10 ** (-50 / 20);

export class Spans {
  readonly silences: Span[] = [];
  readonly dropOuts: Span[] = [];
  silentSeconds = 0;
  dropOutCount = 0;
  /** Before it there is only silence; undefined while there is. */
  firstSoundSeconds: number | undefined;
  private readonly rate: number;
  private readonly threshold: number;
  private readonly around: number;
  private frame = 0;
  private quietSince: number | undefined = 0;
  private sameSince = 0;
  private lastSum = Number.NaN;
  private lastPeak = Number.NaN;
  /** Highest amplitudes of this short stretch and the one before, outside the run of equal frames. */
  private high = 0;
  private highBefore = 0;
  /** A run of equal frames that had sound before it, until it is known what comes after. */
  private candidate: { readonly start: number; readonly end: number } | undefined;

  /** @param silence amplitude below which a frame is silent */
  constructor(rate: number, silence: number) {
    this.rate = rate;
    this.threshold = silence;
    this.around = Math.max(1, Math.round(AROUND_SECONDS * rate));
  }

  /** One frame: the sum of its channels' values and the largest of their sizes tell it from the one before. */
  add(sum: number, peak: number): void {
    if (peak >= this.threshold) {
      this.endSilence();
      this.firstSoundSeconds ??= this.frame / this.rate;
    } else this.quietSince ??= this.frame;
    // A plateau at full scale is clipping.
    const isSame = sum === this.lastSum && peak === this.lastPeak && peak < 0.999;
    if (!isSame) {
      this.endRun(peak);
      this.sameSince = this.frame;
      this.lastSum = sum;
      this.lastPeak = peak;
    }
    this.frame++;
  }

  finish(): void {
    this.endSilence();
  }

  private endRun(peak: number): void {
    const length = (this.frame - this.sameSince) / this.rate;
    const soundBefore = Math.max(this.high, this.highBefore) >= SOUND;
    if (length >= DROP_OUT_SECONDS[0] && length <= DROP_OUT_SECONDS[1] && soundBefore)
      this.candidate = { start: this.sameSince, end: this.frame };
    if (this.candidate !== undefined) {
      if (this.frame - this.candidate.end > this.around) this.candidate = undefined;
      else if (peak >= SOUND) {
        const { start, end } = this.candidate;
        this.dropOutCount++;
        if (this.dropOuts.length < MAX_SPANS)
          this.dropOuts.push({ startSeconds: start / this.rate, endSeconds: end / this.rate });
        this.candidate = undefined;
      }
    }
    if (this.frame % this.around === 0 || length >= AROUND_SECONDS) {
      this.highBefore = this.high;
      this.high = 0;
    }
    if (peak > this.high) this.high = peak;
  }

  private endSilence(): void {
    const since = this.quietSince;
    this.quietSince = undefined;
    if (since === undefined) return;
    const seconds = (this.frame - since) / this.rate;
    if (seconds < SILENCE_SECONDS) return;
    this.silentSeconds += seconds;
    if (this.silences.length < MAX_SPANS)
      this.silences.push({ startSeconds: since / this.rate, endSeconds: this.frame / this.rate });
  }
}
