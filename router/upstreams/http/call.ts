/**
 * One request over Streamable HTTP until its answer: the POST, the stream that may answer it, and, when that ends early and
 * had event ids, its resumption by GET with Last-Event-ID (SEP-1699 for servers that end it on purpose).
 */
import { isUtf8 } from 'node:buffer';
import { AppError } from '../../../shared/errors.ts';
import { type Octets, toOctets } from '../../../shared/json/octets.ts';
import { answeredId } from './answers.ts';
import type { HttpConnection } from './connection.ts';
import type { BodyForm, Exchange, ExchangeListener, Headers } from './exchange.ts';
import { broken, encodedAnswer, isEncoded, mediaType, noAnswer, notUtf8, refusal, tooLarge } from './refusals.ts';

/** What a call tells its transport. */
export interface CallOwner {
  readonly connection: HttpConnection;
  /** True when the answer of a server bears a session; a 404 then means that it forgot it. */
  readonly hasSession: boolean;
  takeSession(headers: Headers): void;
  sessionLost(): void;
  /** A message on the call's stream. */
  onMessage(message: Octets, call: Call, answers: number | undefined): void;
  onFailed(call: Call, error: AppError): void;
  /** The server ended the stream in order, before the answer, and named a time to ask again. */
  onPaused(call: Call, retryMs: number): void;
}

export class Call implements ExchangeListener {
  readonly id: number;
  private readonly owner: CallOwner;
  private exchange: Exchange;
  /** Answered, failed or abandoned: nothing more is told. */
  private isDone = false;
  private isResumed = false;
  /** The exchange at hand is read as events. */
  private isStreaming = false;
  private resumeTimer: NodeJS.Timeout | undefined;
  private lastEventId: string | undefined;
  private retryMs: number | undefined;
  private tries = 0;
  /** Status of an error whose JSON may yet be an answer. */
  private errorStatus: number | undefined;

  constructor(owner: CallOwner, id: number) {
    this.owner = owner;
    this.id = id;
    this.exchange = owner.connection.newExchange(this, true);
  }

  post(message: Octets): void {
    this.owner.connection.post(this.exchange, message, this.id);
  }

  /** Nothing more is told of it; what it holds ends soon. */
  settle(): void {
    if (this.isDone) return;
    this.isDone = true;
    clearTimeout(this.resumeTimer);
    this.owner.connection.linger(this.exchange);
  }

  /** The same, and what it holds ends now. */
  end(): void {
    this.settle();
    this.exchange.abort();
  }

  onHead(status: number, headers: Headers): BodyForm {
    if (this.isDone) return 'skip';
    const type = mediaType(headers['content-type']);
    const isJson = type === 'application/json';
    if (status === 404 && this.owner.hasSession) {
      this.fail(
        this.isResumed
          ? broken(true, undefined)
          : new AppError('UPSTREAM_UNAVAILABLE', { text: 'The server forgot the session; the request was not run' }),
      );
      this.owner.sessionLost();
    } else if (isEncoded(headers['content-encoding'])) {
      this.fail(encodedAnswer());
      this.exchange.abort();
    } else if (this.isResumed) return this.onResumedHead(status, type);
    else if (status < 300) {
      this.owner.takeSession(headers);
      if (isJson) return 'text';
      if (type === 'text/event-stream') {
        this.isStreaming = true;
        return 'events';
      }
      this.fail(refusal(status, type));
    } else if (status >= 400 && isJson) {
      this.errorStatus = status;
      return 'text';
    } else this.fail(refusal(status, type));
    return 'skip';
  }

  onText(bytes: Buffer): void {
    if (this.isDone) return;
    if (!isUtf8(bytes)) {
      this.fail(notUtf8());
      return;
    }
    const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    const message = toOctets(hasMark ? bytes.subarray(3) : bytes);
    const answers = answeredId(message);
    if (answers === this.id) this.owner.onMessage(message, this, answers);
    else if (this.errorStatus !== undefined) this.fail(refusal(this.errorStatus, 'application/json'));
    else {
      this.owner.onMessage(message, this, answers);
      this.fail(noAnswer());
    }
  }

  onEvent(type: string, data: Buffer): void {
    this.tries = 0;
    if (this.isDone || type !== 'message' || data.length === 0) return;
    if (!isUtf8(data)) {
      this.fail(notUtf8());
      return;
    }
    const message = toOctets(data);
    this.owner.onMessage(message, this, answeredId(message));
  }

  onOversize(): void {
    this.fail(tooLarge(this.owner.connection.maxMessageBytes));
    this.exchange.abort();
  }

  onOver(error: Error | undefined): void {
    if (this.isDone) return;
    const { lastEventId = this.lastEventId, retryMs = this.retryMs } = this.exchange;
    if (lastEventId !== this.lastEventId) this.tries = 0;
    this.lastEventId = lastEventId;
    this.retryMs = retryMs;
    if (this.errorStatus !== undefined) {
      this.fail(refusal(this.errorStatus, 'application/json'));
      return;
    }
    if (lastEventId === undefined) {
      this.fail(broken(this.exchange.wasSent, error));
      return;
    }
    const delayMs = this.owner.connection.reconnectDelayMs(this.tries, this.retryMs);
    if (delayMs === undefined) {
      this.fail(broken(true, error));
      return;
    }
    // A server that names a time and ends the stream in order wants to be asked again: that is no failure.
    if (error !== undefined || !this.isStreaming || retryMs === undefined) this.tries++;
    else this.owner.onPaused(this, retryMs);
    this.resumeTimer = setTimeout(() => this.resume(), delayMs);
  }

  private resume(): void {
    this.isResumed = true;
    this.isStreaming = false;
    this.exchange = this.owner.connection.newExchange(this, true);
    this.owner.connection.openStream(this.exchange, this.id, this.lastEventId);
  }

  private onResumedHead(status: number, type: string): BodyForm {
    if (status === 200 && type === 'text/event-stream') {
      this.isStreaming = true;
      return 'events';
    }
    // What may pass is tried again, when the exchange is over.
    if (status >= 500 || status === 429 || status === 409) return 'skip';
    this.fail(
      new AppError('CONNECTION_LOST', {
        text: `The stream of the answer ended early and could not be resumed: got HTTP status ${status} with ${type}`,
      }),
    );
    return 'skip';
  }

  private fail(error: AppError): void {
    if (this.isDone) return;
    this.settle();
    this.owner.onFailed(this, error);
  }
}
