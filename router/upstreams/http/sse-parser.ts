/**
 * Reads an event stream (WHATWG HTML, "Server-sent events") as bytes, in whatever pieces it comes, so that a character or a
 * line end split between pieces changes nothing and data leaves as the bytes that came. Does not decode or check UTF-8.
 */
import { Gather } from './gather.ts';

export interface SseEvents {
  /** One event. `type` is `message` unless named; `data` may be empty. Both are the bytes that came (`type` as octets). */
  onEvent(type: string, data: Buffer): void;
  /**
   * An event is over the limit; the rest of it is passed over, then the stream goes on.
   * @param part its first bytes when that is noticed, its last bytes when it has ended: enough to look for an id
   */
  onOversize(part: Buffer, ended: boolean): void;
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const EMPTY = Buffer.alloc(0);
/** A line may be this much longer than the data: the field's name. */
const FIELD_NAME_BYTES = 64;
/** Kept of an event over the limit. */
const HEAD_BYTES = 256;
const TAIL_BYTES = 64;
/** A longer id is not remembered: it goes into a header. */
const MAX_ID_BYTES = 1024;
const MAX_TYPE_BYTES = 128;

export class SseParser {
  /** Id of the last whole event, in octets; it stands until another one comes. */
  lastEventId: string | undefined;
  /** What the server last asked to wait before a reconnection. */
  retryMs: number | undefined;

  private readonly events: SseEvents;
  private readonly maxBytes: number;
  private readonly line = new Gather();
  private data: Buffer | undefined;
  private more: Gather | undefined;
  private type = '';
  private id: string | undefined;
  private firstLine = true;
  private skipLf = false;
  private stopped = false;
  /** Last bytes of an event over the limit, while it is passed over. */
  private tail: Buffer | undefined;
  private tailLineEmpty = true;

  /** @param maxBytes largest data of one event */
  constructor(maxBytes: number, events: SseEvents) {
    this.maxBytes = maxBytes;
    this.events = events;
  }

  /** Bytes of the event that is not whole yet. */
  get pendingBytes(): number {
    return this.line.length + (this.more?.length ?? this.data?.length ?? 0);
  }

  /** Nothing is reported any more, also of bytes that are in already. */
  stop(): void {
    this.stopped = true;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    let at = this.skipLf && chunk[0] === LF ? 1 : 0;
    this.skipLf = false;
    let cr = chunk.indexOf(CR, at);
    let lf = chunk.indexOf(LF, at);
    while (at < chunk.length && !this.stopped) {
      if (cr !== -1 && cr < at) cr = chunk.indexOf(CR, at);
      if (lf !== -1 && lf < at) lf = chunk.indexOf(LF, at);
      const end = cr === -1 ? lf : lf === -1 ? cr : Math.min(cr, lf);
      if (end === -1) {
        this.part(chunk.subarray(at));
        return;
      }
      this.endLine(chunk.subarray(at, end));
      at = end + 1;
      if (end !== cr) continue;
      if (at === chunk.length) this.skipLf = true;
      else if (chunk[at] === LF) at++;
    }
  }

  /** A piece of a line whose end has not come. */
  private part(piece: Buffer): void {
    if (this.tail !== undefined) {
      this.passOver(piece);
      return;
    }
    this.line.append(piece);
    if (this.line.length > this.maxBytes + FIELD_NAME_BYTES) this.overflow(this.line.take());
  }

  private endLine(piece: Buffer): void {
    if (this.tail !== undefined) {
      this.passOver(piece);
      if (this.tailLineEmpty) this.endOversize();
      this.tailLineEmpty = true;
      return;
    }
    let line = piece;
    if (this.line.length > 0) {
      this.line.append(piece);
      line = this.line.take();
    }
    if (line.length > this.maxBytes + FIELD_NAME_BYTES) {
      this.overflow(line);
      this.tailLineEmpty = true;
      return;
    }
    if (this.firstLine) {
      this.firstLine = false;
      if (line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) line = line.subarray(3);
    }
    if (line.length === 0) this.dispatch();
    else this.field(line);
  }

  private field(line: Buffer): void {
    const colon = line.indexOf(COLON);
    if (colon === 0) return;
    const name = line.toString('latin1', 0, colon === -1 ? Math.min(line.length, FIELD_NAME_BYTES) : colon);
    const value = colon === -1 ? EMPTY : line.subarray(line[colon + 1] === SPACE ? colon + 2 : colon + 1);
    if (name === 'data') this.addData(value);
    else if (name === 'event') this.type = value.length > MAX_TYPE_BYTES ? '?' : value.toString('latin1');
    else if (name === 'id') {
      if (value.length <= MAX_ID_BYTES && !value.includes(0)) this.id = value.toString('latin1');
    } else if (name === 'retry') {
      const digits = value.length <= 15 ? value.toString('latin1') : '';
      if (/^[0-9]+$/.test(digits)) this.retryMs = Number(digits);
    }
  }

  private addData(value: Buffer): void {
    if (this.data === undefined) this.data = value;
    else {
      if (this.more === undefined) {
        this.more = new Gather();
        this.more.append(this.data);
      }
      this.more.append(LINE_FEED);
      this.more.append(value);
    }
    if ((this.more?.length ?? value.length) > this.maxBytes) {
      this.overflow(this.data);
      this.tailLineEmpty = true;
    }
  }

  private dispatch(): void {
    if (this.id !== undefined) this.lastEventId = this.id === '' ? undefined : this.id;
    const { data, more, type } = this;
    this.clear();
    if (data !== undefined) this.events.onEvent(type === '' ? 'message' : type, more?.take() ?? data);
  }

  private clear(): void {
    this.data = undefined;
    this.more = undefined;
    this.type = '';
    this.id = undefined;
  }

  private overflow(line: Buffer): void {
    this.firstLine = false;
    const head = this.data ?? line;
    const start = head.toString('latin1', 0, 5) === 'data:' ? (head[5] === SPACE ? 6 : 5) : 0;
    const seen = (this.more?.view() ?? line).subarray(-TAIL_BYTES);
    this.tail = Buffer.from(seen);
    this.tailLineEmpty = false;
    const part = Buffer.from(head.subarray(start, start + HEAD_BYTES));
    this.clear();
    this.events.onOversize(part, false);
  }

  private passOver(piece: Buffer): void {
    if (piece.length === 0 || this.tail === undefined) return;
    this.tailLineEmpty = false;
    this.tail =
      piece.length >= TAIL_BYTES
        ? Buffer.from(piece.subarray(-TAIL_BYTES))
        : Buffer.concat([this.tail, piece]).subarray(-TAIL_BYTES);
  }

  private endOversize(): void {
    const tail = this.tail ?? EMPTY;
    this.tail = undefined;
    if (!this.stopped) this.events.onOversize(tail, true);
  }
}

const LINE_FEED = Buffer.from([LF]);
