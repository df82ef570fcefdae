/** Cuts what a stdio server prints into messages: one a line, within a size, in UTF-8. */
import { isAscii, isUtf8 } from 'node:buffer';
import type { Octets } from '../../shared/json/octets.ts';
import { Gather } from './http/gather.ts';

export interface LineEvents {
  onLine(line: Octets): void;
  /** A line that cannot be a message: not UTF-8. It was skipped. */
  onBadLine(): void;
  /**
   * The line outgrew the limit; the rest of it is skipped.
   * @param head its first bytes: an id may stand there
   */
  onTooLong(head: Octets): void;
  /** The end of a skipped line: its last bytes, an id may stand there too. */
  onTooLongEnd(tail: Octets): void;
  /** A skipped line does not end: it is longer than four times the limit. */
  onEndless(): void;
}

const LF = 0x0a;
const KEPT_BYTES = 256;
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

export class Lines {
  private readonly maxBytes: number;
  private readonly events: LineEvents;
  /** The bytes so far of a line whose end has not come. */
  private readonly begun = new Gather();
  /** Of that line, with what was skipped of it. */
  private length = 0;
  private ascii = true;
  private skipping = false;
  private tail = '';

  constructor(maxBytes: number, events: LineEvents) {
    this.maxBytes = maxBytes;
    this.events = events;
  }

  push(chunk: Buffer): void {
    const ascii = isAscii(chunk);
    let at = 0;
    let end = chunk.indexOf(LF);
    if (end >= 0 && this.length > 0) {
      this.append(chunk.subarray(0, end), ascii);
      this.endBegun();
      at = end + 1;
      end = chunk.indexOf(LF, at);
    }
    if (end >= 0) {
      // Lines that came whole are cut from one string: most are small, and many come at once.
      const text = chunk.toString('latin1');
      for (; end >= 0; end = text.indexOf('\n', at)) {
        this.endWhole(text.slice(at, end), ascii);
        at = end + 1;
      }
    }
    if (at < chunk.length) this.append(chunk.subarray(at), ascii);
  }

  /** A long line is gathered as bytes: as pieces of strings it would cost the heap several times its size. */
  private append(part: Buffer, ascii: boolean): void {
    this.length += part.length;
    if (this.skipping) {
      this.tail = (this.tail + latin1Tail(part)).slice(-KEPT_BYTES);
      if (this.length > 4 * this.maxBytes) this.events.onEndless();
      return;
    }
    this.begun.append(part);
    if (!ascii) this.ascii = false;
    if (this.length <= this.maxBytes) return;
    const line = this.begun.take();
    this.skipping = true;
    this.tail = latin1Tail(line);
    this.events.onTooLong(line.toString('latin1', 0, KEPT_BYTES) as Octets);
  }

  private endBegun(): void {
    const { ascii, skipping, tail } = this;
    this.length = 0;
    this.ascii = true;
    this.skipping = false;
    this.tail = '';
    if (skipping) this.events.onTooLongEnd(tail as Octets);
    else this.tell(this.begun.take().toString('latin1'), ascii);
  }

  private endWhole(line: string, ascii: boolean): void {
    if (line.length <= this.maxBytes) {
      this.tell(line, ascii);
      return;
    }
    this.events.onTooLong(line.slice(0, KEPT_BYTES) as Octets);
    this.events.onTooLongEnd(line.slice(-KEPT_BYTES) as Octets);
  }

  private tell(line: string, ascii: boolean): void {
    const text = line.startsWith(BYTE_ORDER_MARK) ? line.slice(BYTE_ORDER_MARK.length) : line;
    if (text.trim() === '') return;
    if (ascii || isUtf8(Buffer.from(text, 'latin1'))) this.events.onLine(text as Octets);
    else this.events.onBadLine();
  }
}

function latin1Tail(bytes: Buffer): string {
  return bytes.toString('latin1', Math.max(0, bytes.length - KEPT_BYTES));
}
