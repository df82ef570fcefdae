/** Cuts what a stdio server prints into messages: one a line, within a size, in UTF-8. */
import { isAscii, isUtf8 } from 'node:buffer';
import type { Octets } from '../../shared/json/octets.ts';

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

const KEPT_BYTES = 256;
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

export class Lines {
  private readonly maxBytes: number;
  private readonly events: LineEvents;
  private parts: string[] = [];
  private length = 0;
  private ascii = true;
  private skipping = false;
  private tail = '';

  constructor(maxBytes: number, events: LineEvents) {
    this.maxBytes = maxBytes;
    this.events = events;
  }

  push(chunk: Buffer): void {
    const text = chunk.toString('latin1');
    const ascii = isAscii(chunk);
    let at = 0;
    for (;;) {
      const end = text.indexOf('\n', at);
      if (end < 0) break;
      this.append(text.slice(at, end), ascii);
      this.endLine();
      at = end + 1;
    }
    if (at < text.length) this.append(at === 0 ? text : text.slice(at), ascii);
  }

  private append(part: string, ascii: boolean): void {
    this.length += part.length;
    if (this.skipping) {
      this.tail = (this.tail + part.slice(-KEPT_BYTES)).slice(-KEPT_BYTES);
      if (this.length > 4 * this.maxBytes) this.events.onEndless();
      return;
    }
    this.parts.push(part);
    if (!ascii) this.ascii = false;
    if (this.length <= this.maxBytes) return;
    const line = this.parts.join('');
    this.parts = [];
    this.skipping = true;
    this.tail = line.slice(-KEPT_BYTES);
    this.events.onTooLong(line.slice(0, KEPT_BYTES) as Octets);
  }

  private endLine(): void {
    const { parts, ascii, skipping, tail } = this;
    this.parts = [];
    this.length = 0;
    this.ascii = true;
    this.skipping = false;
    this.tail = '';
    if (skipping) {
      this.events.onTooLongEnd(tail as Octets);
      return;
    }
    let line = parts.length === 1 ? parts[0]! : parts.join('');
    if (line.startsWith(BYTE_ORDER_MARK)) line = line.slice(BYTE_ORDER_MARK.length);
    if (line.trim() === '') return;
    if (ascii || isUtf8(Buffer.from(line, 'latin1'))) this.events.onLine(line as Octets);
    else this.events.onBadLine();
  }
}
