/**
 * The transport to an upstream over HTTP+SSE (MCP 2024-11-05): one event stream brings everything, messages are posted to the
 * endpoint that its first event names. When the stream ends the connection is gone; it is not opened again here.
 */
import { isUtf8 } from 'node:buffer';
import { AppError } from '../../shared/errors.ts';
import { decodeOctets, type Octets, toOctets } from '../../shared/json/octets.ts';
import { idOfHead, idOfTail, startsWithOutcome } from './http/answers.ts';
import { HttpConnection, type HttpOptions } from './http/connection.ts';
import type { BodyForm, Exchange, ExchangeListener, Headers } from './http/exchange.ts';
import { Note } from './http/note.ts';
import { broken, encodedAnswer, isEncoded, mediaType, refusal, tooLarge } from './http/refusals.ts';
import type { Transport, TransportEvents } from './transport.ts';

export interface HttpSseOptions extends HttpOptions {
  /** How long the server may take to name its endpoint. */
  readonly startTimeoutMs?: number;
}

/** @throws AppError CONNECTION_FAILED when the URL or a header cannot be used */
export function httpSse(options: HttpSseOptions): Transport & Required<Pick<Transport, 'abandon'>> {
  return new HttpSseTransport(options);
}

class HttpSseTransport implements Transport, ExchangeListener {
  private readonly connection: HttpConnection;
  private readonly startTimeoutMs: number;
  private readonly stream: Exchange;
  private readonly posts = new Map<number, Exchange>();
  private events: TransportEvents | undefined;
  private onStarted: ((error: AppError | undefined) => void) | undefined;
  private endpoint: string | undefined;
  private isClosed = false;
  private ended: Promise<void> | undefined;
  /** The message over the limit that is being passed over is a response; its id comes last. */
  private isOversizeResponse = false;

  constructor(options: HttpSseOptions) {
    this.connection = new HttpConnection(options);
    this.startTimeoutMs = options.startTimeoutMs ?? 10_000;
    this.stream = this.connection.newExchange(this, false);
  }

  get congested(): boolean {
    return this.connection.congested;
  }

  /** @throws AppError when the server cannot be reached, answers otherwise, or names no endpoint in time */
  async start(events: TransportEvents): Promise<void> {
    this.events = events;
    const started = new Promise<void>((resolve, reject) => {
      const text = 'The server named no endpoint on its event stream in time (HTTP+SSE of 2024-11-05)';
      const timer = setTimeout(
        () => this.onStarted?.(new AppError('CONNECTION_FAILED', { text })),
        this.startTimeoutMs,
      );
      this.onStarted = (error) => {
        this.onStarted = undefined;
        clearTimeout(timer);
        if (error === undefined) resolve();
        else {
          this.isClosed = true;
          this.ended ??= this.release();
          reject(error);
        }
      };
    });
    this.connection.openStream(this.stream, undefined, undefined);
    await started;
  }

  send(message: Octets, requestId?: number): void {
    if (this.isClosed || this.endpoint === undefined) {
      throw new AppError('UPSTREAM_UNAVAILABLE', { text: 'The connection to the server is closed' });
    }
    const onOutcome = (status: number | undefined, headers: Headers, error: Error | undefined): void => {
      this.connection.linger(exchange);
      this.onPosted(exchange, requestId, status, headers, error);
    };
    const exchange = this.connection.newExchange(new Note({ onOutcome }), requestId !== undefined);
    if (requestId !== undefined) this.posts.set(requestId, exchange);
    this.connection.post(exchange, message, requestId, this.endpoint);
  }

  abandon(requestId: number): void {
    const exchange = this.posts.get(requestId);
    this.posts.delete(requestId);
    if (exchange !== undefined) this.connection.linger(exchange);
  }

  close(): Promise<void> {
    return this.end(undefined);
  }

  onHead(status: number, headers: Headers): BodyForm {
    const type = mediaType(headers['content-type']);
    if (isEncoded(headers['content-encoding'])) this.onStarted?.(encodedAnswer());
    else if (status === 200 && type === 'text/event-stream') return 'events';
    else this.onStarted?.(refusal(status, type));
    return 'skip';
  }

  onText(): void {}

  onEvent(type: string, data: Buffer): void {
    if (type === 'endpoint') this.onEndpoint(data);
    else if (type === 'message' && data.length > 0 && !this.isClosed) {
      if (isUtf8(data)) this.events?.onMessage(toOctets(data), undefined);
      else this.connection.report('a message of the server is not valid UTF-8 and is dropped', { bytes: data.length });
    }
  }

  onOversize(part: Buffer, ended: boolean): void {
    const text = toOctets(part);
    let id: number | undefined;
    if (ended) id = this.isOversizeResponse ? idOfTail(text) : undefined;
    else {
      this.isOversizeResponse = startsWithOutcome(text);
      id = idOfHead(text);
      const { maxMessageBytes } = this.connection;
      this.connection.report('a message of the server is over the limit and is dropped', { maxMessageBytes });
    }
    if (id !== undefined && !this.isClosed) this.events?.onRequestFailed(id, tooLarge(this.connection.maxMessageBytes));
  }

  onOver(error: Error | undefined): void {
    if (this.onStarted !== undefined) this.onStarted(broken(false, error));
    else void this.end(broken(true, error));
  }

  private onEndpoint(data: Buffer): void {
    if (this.onStarted === undefined) return;
    const url = isUtf8(data) ? URL.parse(decodeOctets(toOctets(data)), this.connection.url.href) : null;
    if (url === null || url.origin !== this.connection.url.origin) {
      const text = 'The server named an endpoint of another origin than its own, which is refused';
      this.onStarted(new AppError('CONNECTION_FAILED', { text }));
      return;
    }
    this.endpoint = url.pathname + url.search;
    this.onStarted(undefined);
  }

  private onPosted(
    exchange: Exchange,
    requestId: number | undefined,
    status: number | undefined,
    headers: Headers,
    error: Error | undefined,
  ): void {
    const isAwaited = requestId !== undefined && this.posts.get(requestId) === exchange;
    if (isAwaited) this.posts.delete(requestId);
    if (this.isClosed || (status !== undefined && status >= 200 && status < 300)) return;
    const type = mediaType(headers['content-type']);
    if (isAwaited) {
      const failure = status === undefined ? broken(exchange.wasSent, error) : refusal(status, type);
      this.events?.onRequestFailed(requestId, failure);
    } else {
      this.connection.report('the server did not take a message', { status, type, cause: error?.message });
    }
    if (status === 404) void this.end(new AppError('CONNECTION_LOST', { text: 'The server forgot the session' }));
  }

  private end(error: Error | undefined): Promise<void> {
    if (this.ended !== undefined) return this.ended;
    this.isClosed = true;
    this.ended = this.release();
    this.events?.onClose(error);
    return this.ended;
  }

  private async release(): Promise<void> {
    // Not from within a callback of the pool.
    await Promise.resolve();
    await this.connection.destroy();
  }
}
