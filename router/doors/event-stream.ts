/**
 * One stream of server-sent events to one client, resumable: its latest events are kept, so that a client whose connection
 * broke goes on behind the last one it saw (MCP, "Resumability and Redelivery"; P7). A client that does not read is cut off.
 */
import type { ServerResponse } from 'node:http';
import type { Octets } from '../../shared/json/octets.ts';
import type { Holding } from '../upstreams/undelivered.ts';
import type { Backlog } from './backlog.ts';
import { deliver } from './deliver.ts';
import type { KeptEvents } from './kept-events.ts';

/** Bytes waiting for a client from which on its connection is cut; it may resume. */
const MAX_QUEUED_BYTES = 2 * 1024 * 1024;
/** Events kept for a resumption; the newest is always kept. */
const MAX_KEPT_EVENTS = 1_000;

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

interface Kept {
  readonly number: number;
  readonly text: string;
}

/** What all streams of a process share. */
export interface Shared {
  readonly backlog: Backlog;
  readonly kept: KeptEvents;
}

export class EventStream {
  readonly id: string;
  /** performance.now() of its end; undefined while more may come. */
  endedAt: number | undefined;
  /** Bytes of the events that could be sent again. */
  keptBytes = 0;
  /** The id of the token whose GET the connection is; undefined while it is that of the call's own POST. */
  openedBy: string | undefined;
  /** The client understands an event without data. */
  private readonly priming: () => boolean;
  private readonly kept: Kept[] = [];
  private last = 0;
  /** The newest event that went to a connection. */
  private written = 0;
  private response: ServerResponse | undefined;
  private readonly shared: Shared;
  private isForgotten = false;

  /** @param priming whether to tell the client an event id at once, so that it can resume before the first message (2025-11-25) */
  constructor(id: string, shared: Shared, priming: () => boolean) {
    this.id = id;
    this.shared = shared;
    this.priming = priming;
  }

  get attached(): boolean {
    return this.response !== undefined;
  }

  /**
   * Writes to this response from now on, beginning with what was kept behind event `after`; without one, with what went to
   * no connection yet. An older connection of the same stream is ended: the client left it.
   */
  attach(response: ServerResponse, after: number | undefined, openedBy: string | undefined): void {
    this.response?.end();
    this.response = response;
    this.openedBy = openedBy;
    response.writeHead(200, HEADERS);
    response.on('close', () => {
      if (this.response === response) this.response = undefined;
      this.shared.backlog.forget(response);
    });
    if (after === undefined && this.priming()) response.write(`id: ${this.id}.${this.written}\ndata: \n\n`);
    else response.write(': open\n\n');
    const from = after ?? this.written;
    for (const event of this.kept) if (event.number > from) this.write(event);
    if (this.endedAt !== undefined) this.finish();
  }

  /** @param holding of a large answer: the last event of the stream, which ends its connection too */
  send(message: Octets, holding?: Holding): void {
    const number = ++this.last;
    const text = `id: ${this.id}.${number}\nevent: message\n${dataLines(message)}\n\n`;
    const event = { number, text };
    if (!this.isForgotten) this.keep(event);
    if (holding === undefined) this.write(event);
    else if (this.response === undefined) holding.release();
    else {
      this.written = number;
      const { response } = this;
      this.response = undefined;
      deliver(response, text as Octets, holding);
    }
  }

  /** A sign of life that is no event. */
  keepAlive(): void {
    this.response?.write(': alive\n\n');
  }

  /** Nothing follows. What was kept stays until the stream is forgotten. */
  end(now: number): void {
    this.endedAt = now;
    this.finish();
  }

  /** Ends the connection, but not the stream: the client is to come back for the rest after so long (SEP-1699). */
  pause(retryMs: number): void {
    this.response?.write(`retry: ${retryMs}\n\n`);
    this.detach();
  }

  /** Cuts the connection, if there is one; the stream goes on without. */
  detach(): void {
    this.finish();
  }

  /** Nobody can come back for it: nothing is kept any more. */
  forget(): void {
    this.isForgotten = true;
    this.kept.length = 0;
    this.shared.kept.change(-this.keptBytes);
    this.keptBytes = 0;
  }

  private keep(event: Kept): void {
    const { kept } = this.shared;
    const maxBytes = kept.maxOfStream;
    const before = this.keptBytes;
    this.kept.push(event);
    this.keptBytes += event.text.length;
    while (this.kept.length > 1 && (this.keptBytes > maxBytes || this.kept.length > MAX_KEPT_EVENTS)) {
      this.keptBytes -= this.kept.shift()!.text.length;
    }
    kept.change(this.keptBytes - before);
  }

  private finish(): void {
    const { response } = this;
    this.response = undefined;
    response?.end();
  }

  private write({ number, text }: Kept): void {
    const { response } = this;
    if (response === undefined) return;
    this.written = Math.max(this.written, number);
    response.write(text, 'latin1');
    // One large message may wait as a whole; it is what comes on top of a full queue that shows a client that does not read.
    if (response.writableLength - text.length > MAX_QUEUED_BYTES) {
      this.response = undefined;
      response.destroy();
    } else this.shared.backlog.wrote(response, text.length);
  }
}

/** A message as `data:` lines; JSON has line breaks only between its tokens, so the client reads the same octets again. */
function dataLines(message: Octets): string {
  if (!message.includes('\n') && !message.includes('\r')) return `data: ${message}`;
  return message
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}`)
    .join('\n');
}
