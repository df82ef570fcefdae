/** The event streams of one session: its own, for what belongs to no call, and one for each call that needs one. */
import type { ServerResponse } from 'node:http';
import type { Octets } from '../../shared/json/octets.ts';
import type { Outlet } from '../session.ts';
import { LARGE_BYTES } from '../upstreams/undelivered.ts';
import { EventStream, type Shared } from './event-stream.ts';
import type { KeptAnswers } from './kept-answers.ts';

/** How long a stream that ended can still be resumed, and how much of such streams is kept; the newest always is. */
const KEPT_MS = 30_000;
const KEPT_BYTES = 4 * 1024 * 1024;
const KEPT_STREAMS = 1_000;
const OWN = '0';

export class SessionStreams implements Outlet {
  /** Set after initialize: the client understands an event without data. */
  priming = false;
  private readonly own: EventStream;
  private readonly ofCalls = new Map<string, EventStream>();
  /** Those of them that ended, oldest first, and what they keep. */
  private readonly ended: EventStream[] = [];
  private endedBytes = 0;
  private next = 1;
  /** The session is over: nobody can come back for what it kept. */
  private isClosed = false;
  private readonly kept: KeptAnswers;
  private readonly shared: Shared;

  constructor(kept: KeptAnswers, shared: Shared) {
    this.kept = kept;
    this.shared = shared;
    this.own = new EventStream(OWN, shared, () => this.priming);
  }

  get open(): boolean {
    if (this.own.attached) return true;
    for (const stream of this.ofCalls.values()) if (stream.attached) return true;
    return false;
  }

  /** What belongs to no call; kept while the client has no stream open. */
  send(message: Octets): void {
    this.own.send(message);
  }

  /** The stream that answers one POST from now on. */
  forCall(response: ServerResponse): EventStream {
    const stream = new EventStream(String(this.next++), this.shared, () => this.priming);
    this.ofCalls.set(stream.id, stream);
    stream.attach(response, undefined, undefined);
    return stream;
  }

  /**
   * A GET: opens the session's own stream, or goes on with the one that the event id names.
   * @param tokenId of the token that the GET bears
   * @returns false when the event id is unknown, or too old
   */
  attach(response: ServerResponse, lastEventId: string | undefined, tokenId: string): boolean {
    if (lastEventId === undefined) {
      this.own.attach(response, undefined, tokenId);
      return true;
    }
    const [id, number] = lastEventId.split('.', 2);
    const stream = id === OWN ? this.own : this.ofCalls.get(id ?? '');
    if (stream === undefined || number === undefined || !/^\d{1,15}$/.test(number)) return false;
    stream.attach(response, Number(number), tokenId);
    return true;
  }

  keepAlive(now: number): void {
    this.forget(now);
    this.own.keepAlive();
    for (const stream of this.ofCalls.values()) stream.keepAlive();
  }

  /** Streams that a GET opened. Those of calls end with the answer of their call. */
  cut(tokenId: string | undefined): void {
    for (const stream of [this.own, ...this.ofCalls.values()]) {
      if (stream.openedBy !== undefined && (tokenId === undefined || stream.openedBy === tokenId)) stream.detach();
    }
  }

  close(): void {
    this.isClosed = true;
    this.cut(undefined);
    for (const stream of this.ended) this.kept.remove(stream);
    for (const stream of [this.own, ...this.ofCalls.values()]) stream.forget();
  }

  /** Nothing follows on this stream of a call; for a while it can be resumed. */
  end(stream: EventStream): void {
    const now = performance.now();
    stream.end(now);
    if (this.isClosed) {
      this.ofCalls.delete(stream.id);
      return;
    }
    this.ended.push(stream);
    this.endedBytes += stream.keptBytes;
    this.forget(now);
    if (stream.keptBytes >= LARGE_BYTES) {
      this.kept.add(stream, stream.keptBytes, () => this.drop(stream));
    }
  }

  private drop(stream: EventStream): void {
    const at = this.ended.indexOf(stream);
    if (at >= 0) this.ended.splice(at, 1);
    this.endedBytes -= stream.keptBytes;
    this.ofCalls.delete(stream.id);
    stream.forget();
  }

  private forget(now: number): void {
    for (let oldest = this.ended[0]; oldest !== undefined; oldest = this.ended[0]) {
      const isOver = now - oldest.endedAt! > KEPT_MS;
      const isTooMuch = this.ended.length > 1 && (this.endedBytes > KEPT_BYTES || this.ended.length > KEPT_STREAMS);
      if (!isOver && !isTooMuch) return;
      this.kept.remove(oldest);
      this.drop(oldest);
    }
  }
}
