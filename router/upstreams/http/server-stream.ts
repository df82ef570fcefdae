/**
 * The stream on which a Streamable HTTP server sends messages of its own accord: opened by GET, kept open, resumed where it
 * broke. A server may have none (405).
 */
import { isUtf8 } from 'node:buffer';
import { type Octets, toOctets } from '../../../shared/json/octets.ts';
import type { HttpConnection } from './connection.ts';
import type { BodyForm, Exchange, ExchangeListener, Headers } from './exchange.ts';
import { isEncoded, mediaType } from './refusals.ts';

/** A stream that lasted so long was a good one, even if nothing came. */
const LASTED_MS = 60_000;

export interface StreamOwner {
  readonly connection: HttpConnection;
  readonly hasSession: boolean;
  sessionLost(): void;
  onServerMessage(message: Octets): void;
}

export class ServerStream implements ExchangeListener {
  private readonly owner: StreamOwner;
  private exchange: Exchange | undefined;
  private isStopped = false;
  private timer: NodeJS.Timeout | undefined;
  private lastEventId: string | undefined;
  private retryMs: number | undefined;
  private tries = 0;
  private openedAtMs = 0;

  constructor(owner: StreamOwner) {
    this.owner = owner;
  }

  open(): void {
    if (this.isStopped) return;
    this.openedAtMs = performance.now();
    this.exchange = this.owner.connection.newExchange(this, false);
    this.owner.connection.openStream(this.exchange, undefined, this.lastEventId);
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.exchange?.abort();
  }

  onHead(status: number, headers: Headers): BodyForm {
    if (this.isStopped) return 'skip';
    const type = mediaType(headers['content-type']);
    if (status === 200 && type === 'text/event-stream' && !isEncoded(headers['content-encoding'])) return 'events';
    if (status === 404 && this.owner.hasSession) this.owner.sessionLost();
    else if (status >= 500 || status === 409 || status === 429) {
      // May pass: tried again when the exchange is over.
      this.owner.connection.debug('the stream for messages of the server could not be opened', { status, type });
    } else if (status === 400 && this.lastEventId !== undefined) this.lastEventId = undefined;
    else {
      this.isStopped = true;
      if (status !== 405) {
        this.owner.connection.report('the server has no stream for its own messages, as HTTP status and type say', {
          status,
          type,
        });
      }
    }
    return 'skip';
  }

  onText(): void {}

  onEvent(type: string, data: Buffer): void {
    this.tries = 0;
    if (this.isStopped || type !== 'message' || data.length === 0) return;
    if (isUtf8(data)) this.owner.onServerMessage(toOctets(data));
    else
      this.owner.connection.report('a message of the server is not valid UTF-8 and is dropped', { bytes: data.length });
  }

  onOversize(_part: Buffer, ended: boolean): void {
    if (ended) return;
    const { maxMessageBytes } = this.owner.connection;
    this.owner.connection.report('a message of the server is over the limit and is dropped', { maxMessageBytes });
  }

  onOver(error: Error | undefined): void {
    this.lastEventId = this.exchange?.lastEventId ?? this.lastEventId;
    this.retryMs = this.exchange?.retryMs ?? this.retryMs;
    if (this.isStopped) return;
    if (performance.now() - this.openedAtMs > LASTED_MS) this.tries = 0;
    const delayMs = this.owner.connection.endlessDelayMs(this.tries, this.retryMs);
    this.owner.connection.debug('the stream for messages of the server ended; it is opened again', {
      delayMs,
      cause: error?.message,
    });
    this.tries++;
    this.timer = setTimeout(() => this.open(), delayMs);
  }
}
