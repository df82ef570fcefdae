/**
 * Measures sound while it passes by: levels of each channel, peaks, clipping, offset, noise, silence, drop-outs. Keeps sums and
 * a few windows, however long the sound is. Knows no files.
 */
import { Levels } from './levels.ts';
import { decode, frameBytes, type PcmFormat } from './pcm.ts';
import { type Span, Spans } from './spans.ts';
import { TruePeak } from './true-peak.ts';

export interface ChannelFigures {
  /** A square wave at full scale has 0 dB, a sine -3.01. Null for silence. */
  readonly rmsDbfs: number | null;
  readonly peakDbfs: number | null;
  /** ITU-R BS.1770. */
  readonly truePeakDbtp: number | null;
  /** Of full scale, -1 to 1. */
  readonly dcOffset: number;
  /** In runs of three and more at full scale. */
  readonly clippedSamples: number;
  readonly clips: number;
}

export interface Figures {
  readonly seconds: number;
  readonly frames: number;
  readonly channels: readonly ChannelFigures[];
  readonly noiseFloorDbfs: number | null;
  /** Null when nothing stands out of the noise, as in a tone without pauses. */
  readonly snrDb: number | null;
  readonly firstSoundSeconds: number | null;
  readonly silentSeconds: number;
  readonly silences: readonly Span[];
  readonly dropOutCount: number;
  readonly dropOuts: readonly Span[];
  /** Values that are no numbers, or beyond any sound; taken for 0. */
  readonly invalidSamples: number;
}

const WINDOW_SECONDS = 0.05;
const CLIP_RUN = 3;
/** Nothing that was ever sound is larger. */
const LARGEST = 1e6;
/** Full scale of 16 bits is one step below 1. */
const FULL_SCALE = 1 - 1.5 / 2 ** 15;
export const SILENCE_DBFS = -60;

class Channel {
  sum = 0;
  squares = 0;
  peak = 0;
  clipped = 0;
  clips = 0;
  readonly truePeak = new TruePeak();
  private run = 0;

  add(sample: number): void {
    const size = Math.abs(sample);
    this.sum += sample;
    this.squares += sample * sample;
    if (size > this.peak) this.peak = size;
    this.truePeak.add(sample);
    if (size < FULL_SCALE) {
      this.run = 0;
      return;
    }
    this.run++;
    if (this.run === CLIP_RUN) {
      this.clips++;
      this.clipped += CLIP_RUN;
    } else if (this.run > CLIP_RUN) this.clipped++;
  }
}

export class Meter {
  readonly format: PcmFormat;
  private readonly channels: readonly Channel[];
  private readonly levels = new Levels();
  private readonly spans: Spans;
  private readonly windowFrames: number;
  private readonly frameSize: number;
  private samples = new Float64Array(0);
  /** Bytes of a frame that has not come whole. */
  private rest = Buffer.alloc(0);
  private frames = 0;
  private windowPower = 0;
  private windowFilled = 0;
  private invalid = 0;

  constructor(format: PcmFormat, silenceDbfs = SILENCE_DBFS) {
    this.format = format;
    this.channels = Array.from({ length: format.channels }, () => new Channel());
    this.spans = new Spans(format.sampleRate, 10 ** (silenceDbfs / 20));
    this.windowFrames = Math.max(1, Math.round(WINDOW_SECONDS * format.sampleRate));
    this.frameSize = frameBytes(format);
  }

  get seconds(): number {
    return this.frames / this.format.sampleRate;
  }

  add(bytes: Buffer): void {
    const all = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    const whole = all.length - (all.length % this.frameSize);
    this.rest = Buffer.from(all.subarray(whole));
    const needed = (whole / this.frameSize) * this.format.channels;
    if (this.samples.length < needed) this.samples = new Float64Array(needed);
    this.measure(decode(all.subarray(0, whole), this.format.encoding, this.samples));
  }

  private measure(count: number): void {
    const { channels, samples, spans } = this;
    for (let at = 0; at < count; ) {
      let sum = 0;
      let peak = 0;
      for (const channel of channels) {
        let sample = samples[at++]!;
        if (!(Math.abs(sample) <= LARGEST)) {
          this.invalid++;
          sample = 0;
        }
        channel.add(sample);
        this.windowPower += sample * sample;
        sum += sample;
        const size = Math.abs(sample);
        if (size > peak) peak = size;
      }
      spans.add(sum, peak);
      this.frames++;
      if (++this.windowFilled === this.windowFrames) this.endWindow();
    }
  }

  private endWindow(): void {
    this.levels.add(this.windowPower / (this.windowFilled * this.channels.length));
    this.windowPower = 0;
    this.windowFilled = 0;
  }

  /** The figures of all that came; nothing may be added afterwards. */
  finish(): Figures {
    this.spans.finish();
    const { noise, signal } = this.levels.result();
    const { frames, spans } = this;
    return {
      seconds: this.seconds,
      frames,
      channels: this.channels.map((channel) => ({
        rmsDbfs: frames === 0 ? null : powerDb(channel.squares / frames),
        peakDbfs: amplitudeDb(channel.peak),
        truePeakDbtp: amplitudeDb(channel.truePeak.finish()),
        dcOffset: frames === 0 ? 0 : channel.sum / frames,
        clippedSamples: channel.clipped,
        clips: channel.clips,
      })),
      noiseFloorDbfs: noise === null ? null : powerDb(noise),
      snrDb: noise === null || signal === null ? null : powerDb(Math.max(signal - noise, Number.MIN_VALUE) / noise),
      firstSoundSeconds: spans.firstSoundSeconds ?? null,
      silentSeconds: spans.silentSeconds,
      silences: spans.silences,
      dropOutCount: spans.dropOutCount,
      dropOuts: spans.dropOuts,
      invalidSamples: this.invalid,
    };
  }
}

function powerDb(power: number): number | null {
  return power > 0 ? 10 * Math.log10(power) : null;
}

function amplitudeDb(amplitude: number): number | null {
  return amplitude > 0 ? 20 * Math.log10(amplitude) : null;
}
