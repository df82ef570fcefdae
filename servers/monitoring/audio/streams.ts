/** Raw PCM that callers send piece by piece, each under a name of its own: measured as it comes, bounded in number and in time. */
import { AppError } from '../../../shared/errors.ts';
import { type Figures, Meter } from './meter.ts';
import type { PcmFormat } from './pcm.ts';

export interface Arrival {
  readonly pieces: number;
  /** Longest time between two pieces. */
  readonly longestGapMs: number;
  /** How far the sound that came is behind the time since its first piece; above 0 a player would have run dry. */
  readonly behindMs: number;
}

interface Stream {
  readonly meter: Meter;
  readonly startedMs: number;
  lastMs: number;
  pieces: number;
  longestGapMs: number;
  behindMs: number;
}

const MAX_STREAMS = 32;
const IDLE_MS = 5 * 60_000;

export class AudioStreams {
  private readonly streams = new Map<string, Stream>();
  private readonly nowMs: () => number;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  /**
   * Adds to the stream, which begins with its first piece; with `isLast` it ends and its figures come back.
   * @param owner nobody else's streams are found
   * @throws AppError INVALID_PARAMS when it has no form yet or another one, RATE_LIMITED when there are too many
   */
  add(
    owner: string,
    id: string,
    format: PcmFormat | undefined,
    piece: Buffer,
    isLast: boolean,
  ): {
    readonly seconds: number;
    readonly format: PcmFormat;
    readonly arrival: Arrival;
    readonly figures: Figures | undefined;
  } {
    const now = this.nowMs();
    for (const [key, { lastMs }] of this.streams) if (now - lastMs > IDLE_MS) this.streams.delete(key);
    const key = `${owner}\0${id}`;
    const stream = this.streams.get(key) ?? this.begin(key, format, now);
    if (format !== undefined && !isSame(format, stream.meter.format))
      throw new AppError('INVALID_PARAMS', {
        text: 'The stream began with another format; end it first, or name another',
      });
    const soundMs = stream.meter.seconds * 1_000;
    stream.behindMs = Math.max(stream.behindMs, now - stream.startedMs - soundMs);
    if (stream.pieces > 0) stream.longestGapMs = Math.max(stream.longestGapMs, now - stream.lastMs);
    else stream.behindMs = 0;
    stream.pieces++;
    stream.lastMs = now;
    stream.meter.add(piece);
    if (isLast) this.streams.delete(key);
    const { pieces, longestGapMs, behindMs, meter } = stream;
    return {
      seconds: meter.seconds,
      format: meter.format,
      arrival: { pieces, longestGapMs, behindMs },
      figures: isLast ? meter.finish() : undefined,
    };
  }

  private begin(key: string, format: PcmFormat | undefined, now: number): Stream {
    if (format === undefined)
      throw new AppError('INVALID_PARAMS', {
        text: 'There is no such stream; the first piece of one says its `format`',
      });
    if (this.streams.size >= MAX_STREAMS)
      throw new AppError('RATE_LIMITED', { text: `${MAX_STREAMS} streams are open; end one with end: true` });
    const stream = { meter: new Meter(format), startedMs: now, lastMs: now, pieces: 0, longestGapMs: 0, behindMs: 0 };
    this.streams.set(key, stream);
    return stream;
  }
}

function isSame(a: PcmFormat, b: PcmFormat): boolean {
  return a.sampleRate === b.sampleRate && a.channels === b.channels && a.encoding === b.encoding;
}
