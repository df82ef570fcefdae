/** Counts the power of short windows in classes of a tenth of a decibel: from them the noise floor and the signal above it. */

const LOWEST_DB = -200;
const HIGHEST_DB = 20;
const CLASSES_PER_DB = 10;
/** The quietest twentieth of the windows is taken for the noise. */
const NOISE_SHARE = 0.05;
/** So far above the noise floor a window is signal. */
const SIGNAL_ABOVE_DB = 6;

export class Levels {
  private readonly counts = new Float64Array((HIGHEST_DB - LOWEST_DB) * CLASSES_PER_DB);
  private readonly powers = new Float64Array(this.counts.length);
  private total = 0;

  /** Windows without any sound at all are not counted: nothing was recorded there. */
  add(power: number): void {
    if (!(power > 0)) return;
    const index = Math.floor((10 * Math.log10(power) - LOWEST_DB) * CLASSES_PER_DB);
    const at = Math.min(this.counts.length - 1, Math.max(0, index));
    this.counts[at]!++;
    this.powers[at]! += power;
    this.total++;
  }

  /** Powers; null where they cannot be told: no sound, or nothing that stands out of the noise. */
  result(): { readonly noise: number | null; readonly signal: number | null } {
    let seen = 0;
    let at = 0;
    while (at < this.counts.length && seen + this.counts[at]! < NOISE_SHARE * this.total) seen += this.counts[at++]!;
    if (this.total === 0 || at === this.counts.length) return { noise: null, signal: null };
    const noise = this.powers[at]! / this.counts[at]!;
    let count = 0;
    let power = 0;
    for (let above = at + SIGNAL_ABOVE_DB * CLASSES_PER_DB; above < this.counts.length; above++) {
      count += this.counts[above]!;
      power += this.powers[above]!;
    }
    return { noise, signal: count === 0 ? null : power / count };
  }
}
