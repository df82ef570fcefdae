/**
 * The sockets to one HTTP upstream: two undici pools, the headers every request bears, and the exchanges that are to end
 * soon. Calls have a pool of their own, so that answers to the server and cancellations pass when all of it is waiting.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { LookupFunction } from 'node:net';
import { Pool } from 'undici';
import { AppError } from '../../../shared/errors.ts';
import type { Octets } from '../../../shared/json/octets.ts';
import { Exchange, type ExchangeListener, type Tally } from './exchange.ts';
import { LargeReads } from './large-reads.ts';

/** What is used of pino. */
export interface Log {
  debug(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

export interface HttpOptions {
  /** http or https. One that is not from the owner's own file goes through `checkUrl` first. */
  readonly url: string | URL;
  /** Sent with every request. Those that the transport itself sets are refused. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Value of the Authorization header for a request (its id), or for all else (undefined); wins over `headers`. */
  readonly authorization?: (requestId: number | undefined) => string | undefined;
  /** Largest message taken from the server. */
  readonly maxMessageBytes: number;
  readonly log: Log;
  /** Resolves the host, where the addresses were checked before (`checkUrl`). */
  readonly lookup?: LookupFunction;
  /** Connections for calls; as many calls may be in flight at a time. */
  readonly maxConnections?: number;
  /** Calls that wait for a connection before the server counts as not taking in what it is sent. */
  readonly maxBacklog?: number;
  /** How long an exchange that is answered or abandoned may take to end by itself. */
  readonly lingerMs?: number;
  readonly reconnection?: Reconnection;
}

export interface Reconnection {
  /** Wait before the first try; doubled for each further one, unless the server names a time. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** Tries in a row that bring nothing before a call is given up. */
  readonly maxTries: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** For messages that have no time limit above: notifications and answers to the server. */
const NOTE_TIMEOUT_MS = 30_000;
/** Opened as calls need them. */
const DEFAULT_CONNECTIONS = 256;
/** Of calls that wait for a connection: a burst waits for all of its own to be opened. */
const DEFAULT_BACKLOG = 1_024;
const SIDE_CONNECTIONS = 8;
const MAX_SIDE_BACKLOG = 1_000;
const REPORT_EVERY_MS = 10_000;
const SERVER_RETRY_MS = { min: 50, max: 60_000 };

const OWN_HEADERS = new Set(
  'accept accept-encoding connection content-encoding content-length content-type expect host keep-alive last-event-id mcp-protocol-version mcp-session-id proxy-authorization proxy-connection te trailer transfer-encoding upgrade'.split(
    ' ',
  ),
);

export class HttpConnection {
  readonly url: URL;
  readonly maxMessageBytes: number;
  readonly reads = new LargeReads();
  private readonly calls: Pool;
  private readonly side: Pool;
  private readonly lingering = new Map<Exchange, number>();
  private readonly callTally: Tally = { unsent: 0, lingering: this.lingering };
  private readonly sideTally: Tally = { unsent: 0, lingering: this.lingering };
  private readonly path: string;
  private readonly authorization: HttpOptions['authorization'];
  private readonly log: Log;
  private readonly maxBacklog: number;
  private readonly lingerMs: number;
  private readonly reconnection: Reconnection;
  private readonly reports = new Map<string, { atMs: number; suppressed: number }>();
  private sweep: NodeJS.Timeout | undefined;
  private readonly common: string[];
  private postHeaders: readonly string[];

  /** @throws AppError CONNECTION_FAILED when the URL or a header cannot be used */
  constructor(options: HttpOptions) {
    this.url = parseUrl(options.url);
    this.path = this.url.pathname + this.url.search;
    this.maxMessageBytes = options.maxMessageBytes;
    this.authorization = options.authorization;
    this.log = options.log;
    this.maxBacklog = options.maxBacklog ?? DEFAULT_BACKLOG;
    this.lingerMs = options.lingerMs ?? 1_000;
    this.reconnection = options.reconnection ?? { firstMs: 1_000, maxMs: 30_000, maxTries: 5 };
    this.common = [
      'accept-encoding',
      'identity',
      ...checkHeaders(options.headers ?? {}, this.authorization !== undefined),
    ];
    this.postHeaders = this.makePostHeaders();
    const pool = (connections: number): Pool =>
      new Pool(this.url.origin, {
        connections,
        pipelining: 1,
        allowH2: false,
        headersTimeout: 0,
        bodyTimeout: 0,
        connect: { timeout: CONNECT_TIMEOUT_MS, ...(options.lookup === undefined ? {} : { lookup: options.lookup }) },
      });
    this.calls = pool(options.maxConnections ?? DEFAULT_CONNECTIONS);
    this.side = pool(SIDE_CONNECTIONS);
  }

  /** True while as many messages wait for a connection as may. */
  get congested(): boolean {
    return this.callTally.unsent >= this.maxBacklog || this.sideTally.unsent >= MAX_SIDE_BACKLOG;
  }

  /** From now on every request bears this header too. */
  addHeader(name: string, value: string): void {
    this.common.push(name, value);
    this.postHeaders = this.makePostHeaders();
  }

  /** An exchange to give to one of the methods below: made before, because they may end it at once. */
  newExchange(listener: ExchangeListener, isCall: boolean): Exchange {
    return new Exchange(listener, this.maxMessageBytes, isCall ? this.callTally : this.sideTally, this.reads);
  }

  /** @param path another path than the URL's, on the same origin */
  post(exchange: Exchange, message: Octets, requestId: number | undefined, path = this.path): void {
    const value = this.authorization?.(requestId);
    const request = {
      path,
      method: 'POST',
      headers: (value === undefined ? this.postHeaders : [...this.postHeaders, 'authorization', value]) as string[],
      body: Buffer.from(message, 'latin1'),
    };
    if (requestId !== undefined) this.calls.dispatch(request, exchange);
    else if (this.sideTally.unsent > MAX_SIDE_BACKLOG) {
      exchange.onResponseError(null, new Error('too many messages wait for the server to take them'));
    } else this.side.dispatch({ ...request, headersTimeout: NOTE_TIMEOUT_MS }, exchange);
  }

  /** Opens an event stream, for a call whose own stream ended (its id) or for the server's own messages. */
  openStream(exchange: Exchange, requestId: number | undefined, lastEventId: string | undefined): void {
    const headers = [...this.common, 'accept', 'text/event-stream'];
    if (lastEventId !== undefined) headers.push('last-event-id', lastEventId);
    this.authorize(headers, requestId);
    const pool = requestId === undefined ? this.side : this.calls;
    pool.dispatch({ path: this.path, method: 'GET', headers }, exchange);
  }

  deleteSession(exchange: Exchange, timeoutMs: number): void {
    const headers = [...this.common];
    this.authorize(headers, undefined);
    this.side.dispatch({ path: this.path, method: 'DELETE', headers, headersTimeout: timeoutMs }, exchange);
  }

  /** Lets an exchange end by itself for a while, so that its connection can be used again, then ends it. */
  linger(exchange: Exchange): void {
    if (exchange.isOver) return;
    if (!exchange.wasSent) {
      exchange.abort();
      return;
    }
    this.lingering.set(exchange, performance.now() + this.lingerMs);
    this.sweep ??= setInterval(() => this.sweepLingering(), Math.max(10, this.lingerMs / 4)).unref();
  }

  /**
   * How long to wait before a stream is opened again.
   * @param tries that brought nothing so far
   * @returns undefined when there were enough
   */
  reconnectDelayMs(tries: number, serverMs: number | undefined): number | undefined {
    const { firstMs, maxMs, maxTries } = this.reconnection;
    if (tries >= maxTries) return undefined;
    return this.delayMs(serverMs ?? firstMs, tries, maxMs);
  }

  /** The same without an end. */
  endlessDelayMs(tries: number, serverMs: number | undefined): number {
    return this.delayMs(serverMs ?? this.reconnection.firstMs, tries, this.reconnection.maxMs);
  }

  /** Logs what went wrong; the same text at most once in ten seconds, with the number of those left out. */
  report(text: string, fields: object): void {
    const now = performance.now();
    const last = this.reports.get(text);
    if (last !== undefined && now - last.atMs < REPORT_EVERY_MS) {
      last.suppressed++;
      return;
    }
    this.reports.set(text, { atMs: now, suppressed: 0 });
    this.log.warn(last === undefined ? fields : { ...fields, suppressed: last.suppressed }, text);
  }

  debug(text: string, fields: object): void {
    this.log.debug(fields, text);
  }

  /** Ends every exchange and closes every socket. */
  async destroy(): Promise<void> {
    clearInterval(this.sweep);
    this.lingering.clear();
    const error = new Error('the connection was closed');
    await Promise.all([this.calls.destroy(error), this.side.destroy(error)]);
  }

  private authorize(headers: string[], requestId: number | undefined): void {
    const value = this.authorization?.(requestId);
    if (value !== undefined) headers.push('authorization', value);
  }

  private makePostHeaders(): readonly string[] {
    return [...this.common, 'accept', 'application/json, text/event-stream', 'content-type', 'application/json'];
  }

  private delayMs(firstMs: number, tries: number, maxMs: number): number {
    const first = Math.min(Math.max(firstMs, SERVER_RETRY_MS.min), SERVER_RETRY_MS.max);
    return Math.max(first, Math.min(first * 2 ** Math.min(tries, 16), maxMs));
  }

  private sweepLingering(): void {
    const now = performance.now();
    for (const [exchange, endMs] of this.lingering) {
      if (endMs > now) continue;
      this.lingering.delete(exchange);
      exchange.abort();
    }
    if (this.lingering.size > 0) return;
    clearInterval(this.sweep);
    this.sweep = undefined;
  }
}

function parseUrl(text: string | URL): URL {
  const url = URL.parse(String(text));
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new AppError('CONNECTION_FAILED', { text: 'The address of a server must be an http or https URL' });
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('CONNECTION_FAILED', {
      text: 'The URL of a server must not hold a user name or password; put them into its headers',
    });
  }
  return url;
}

function checkHeaders(headers: Readonly<Record<string, string>>, ownAuthorization: boolean): string[] {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (OWN_HEADERS.has(lower)) {
      throw new AppError('CONNECTION_FAILED', { text: `The header "${lower}" is set by the router; remove it` });
    }
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch (cause) {
      throw new AppError('CONNECTION_FAILED', {
        text: 'The name or value of a configured header has characters that HTTP does not allow',
        cause,
      });
    }
    if (lower !== 'authorization' || !ownAuthorization) pairs.push(lower, value);
  }
  return pairs;
}
