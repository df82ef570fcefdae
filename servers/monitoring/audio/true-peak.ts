/**
 * The highest level between samples, by four times oversampling with the interpolator of ITU-R BS.1770-4, Annex 2 (48 taps in
 * four phases). Stretches that cannot hold a higher peak than the one found are passed over.
 */

const PHASE_0 = [
  0.001708984375, 0.010986328125, -0.0196533203125, 0.033203125, -0.0594482421875, 0.1373291015625, 0.97216796875,
  -0.102294921875, 0.047607421875, -0.026611328125, 0.014892578125, -0.00830078125,
];
const PHASE_1 = [
  -0.0291748046875, 0.029296875, -0.0517578125, 0.089111328125, -0.16650390625, 0.465087890625, 0.77978515625,
  -0.2003173828125, 0.1015625, -0.0582275390625, 0.0330810546875, -0.0189208984375,
];
const PHASES = [PHASE_0, PHASE_1, PHASE_1.toReversed(), PHASE_0.toReversed()].map((taps) => Float64Array.from(taps));
const TAPS = 12;
/** No interpolated value is larger than the largest sample under the taps times this. */
const GAIN = Math.max(...PHASES.map((taps) => taps.reduce((sum, tap) => sum + Math.abs(tap), 0)));
const BLOCK = 64;

export class TruePeak {
  /** Of the absolute value; at least that of the samples. */
  peak = 0;
  /** The last samples of the block before, then the block. */
  private readonly window = new Float64Array(TAPS - 1 + BLOCK);
  private filled = TAPS - 1;
  private high = 0;
  private highBefore = 0;

  add(sample: number): void {
    this.window[this.filled++] = sample;
    const size = Math.abs(sample);
    if (size > this.high) this.high = size;
    if (this.filled === this.window.length) this.flush();
  }

  /** What stands behind the last sample is silence. */
  finish(): number {
    for (let n = 0; n < TAPS; n++) this.add(0);
    this.flush();
    return this.peak;
  }

  private flush(): void {
    if (this.high > this.peak) this.peak = this.high;
    if (Math.max(this.high, this.highBefore) * GAIN > this.peak) this.interpolate();
    this.window.copyWithin(0, this.filled - (TAPS - 1), this.filled);
    this.filled = TAPS - 1;
    this.highBefore = this.high;
    this.high = 0;
  }

  private interpolate(): void {
    const { window, filled } = this;
    for (let at = TAPS - 1; at < filled; at++) {
      for (const taps of PHASES) {
        let sum = 0;
        for (let tap = 0; tap < TAPS; tap++) sum += taps[tap]! * window[at - tap]!;
        const size = Math.abs(sum);
        if (size > this.peak) this.peak = size;
      }
    }
  }
}
