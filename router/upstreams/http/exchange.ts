/**
 * One HTTP request and its answer, in the form that undici's dispatch wants: no streams, no promises. Reads the body as the
 * listener says, within the limit. Knows nothing of messages.
 */
import type { Dispatcher } from 'undici';
import { Gather } from './gather.ts';
import { LARGE_READ_BYTES, type LargeRead, type LargeReads } from './large-reads.ts';
import { type SseEvents, SseParser } from './sse-parser.ts';

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** How to read a body: as one text, as events, or only to be done with it. */
export type BodyForm = 'text' | 'events' | 'skip';

export interface ExchangeListener extends SseEvents {
  onHead(status: number, headers: Headers): BodyForm;
  /** The whole body, when it is read as text. */
  onText(bytes: Buffer): void;
  /** Last and once. `error` unless the body ended as it should. */
  onOver(error: Error | undefined): void;
}

/** Where exchanges are counted. */
export interface Tally {
  /** Requests that no socket has taken. */
  unsent: number;
  /** Exchanges that nobody waits for, and when (performance.now) they are to be ended. */
  readonly lingering: Map<Exchange, number>;
}

/** A body that nobody wants is read this far to keep the connection, then the connection is dropped. */
const MAX_SKIPPED_BYTES = 65_536;

export class Exchange implements Dispatcher.DispatchHandler, LargeRead {
  /** True once a socket has taken the request: the server may have seen it. */
  wasSent = false;
  isOver = false;
  private readonly listener: ExchangeListener;
  private readonly maxBytes: number;
  private readonly tally: Tally;
  private readonly reads: LargeReads;
  private controller: Dispatcher.DispatchController | undefined;
  private givenUp = false;
  private form: BodyForm = 'skip';
  private text: Gather | undefined;
  /** By Content-Length; 0 when it does not tell. */
  private textBytes = 0;
  private parser: SseParser | undefined;
  private skippedBytes = 0;

  constructor(listener: ExchangeListener, maxBytes: number, tally: Tally, reads: LargeReads) {
    this.listener = listener;
    this.maxBytes = maxBytes;
    this.tally = tally;
    this.reads = reads;
    tally.unsent++;
  }

  /** Id of the last whole event of the body, in octets. */
  get lastEventId(): string | undefined {
    return this.parser?.lastEventId;
  }

  get retryMs(): number | undefined {
    return this.parser?.retryMs;
  }

  /** Ends it: the connection is destroyed, or the request never sent. The listener hears only onOver. */
  abort(): void {
    if (this.isOver || this.givenUp) return;
    this.givenUp = true;
    this.parser?.stop();
    this.controller?.abort(new Error('the request was given up'));
  }

  pauseReading(): void {
    this.controller?.pause();
  }

  startReading(): void {
    this.text?.expect(this.textBytes);
    this.controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // To throw here drops the request and keeps the connection.
    if (this.givenUp) throw new Error('the request was given up before it was sent');
    this.controller = controller;
    this.wasSent = true;
    this.tally.unsent--;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.form = this.listener.onHead(status, headers);
    if (this.form === 'events') this.parser = new SseParser(this.maxBytes, this.listener);
    else if (this.form === 'text') {
      const length = Number(headers['content-length'] ?? 0) || 0;
      if (length > this.maxBytes) this.refuseSize();
      else {
        this.textBytes = length;
        this.text = new Gather(length > LARGE_READ_BYTES ? 0 : length);
      }
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.givenUp) return;
    if (this.text !== undefined) {
      if (this.text.length + chunk.length > this.maxBytes) this.refuseSize();
      else {
        if (Math.max(this.textBytes, this.text.length + chunk.length) > LARGE_READ_BYTES) this.reads.enter(this);
        this.text.append(chunk);
      }
    } else if (this.parser !== undefined) {
      this.parser.push(chunk);
      if (this.parser.pendingBytes > LARGE_READ_BYTES) this.reads.enter(this);
      else this.reads.leave(this);
    } else {
      this.skippedBytes += chunk.length;
      if (this.skippedBytes > MAX_SKIPPED_BYTES) this.abort();
    }
  }

  onResponseEnd(): void {
    if (this.isOver) return;
    this.leave();
    if (this.text !== undefined && !this.givenUp) this.listener.onText(this.text.take());
    this.listener.onOver(undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.isOver) return;
    this.leave();
    this.text = undefined;
    this.listener.onOver(error);
  }

  private refuseSize(): void {
    this.listener.onOversize(this.text?.view() ?? Buffer.alloc(0), false);
    this.abort();
  }

  private leave(): void {
    this.isOver = true;
    this.reads.leave(this);
    if (!this.wasSent) this.tally.unsent--;
    this.tally.lingering.delete(this);
  }
}
