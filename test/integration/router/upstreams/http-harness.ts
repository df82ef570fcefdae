/** For the tests of HTTP transports: a real server answering as each test says, and a listener that can be waited for. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpOptions } from '../../../../router/upstreams/http/connection.ts';
import { streamableHttp } from '../../../../router/upstreams/streamable-http.ts';
import type { Transport, TransportEvents } from '../../../../router/upstreams/transport.ts';
import { AppError } from '../../../../shared/errors.ts';
import { decodeOctets, encodeOctets, type Octets } from '../../../../shared/json/octets.ts';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export type Answer = (request: Received, response: http.ServerResponse) => void;

export interface TestServer {
  readonly url: string;
  readonly origin: string;
  readonly received: Received[];
  readonly connections: () => number;
  /** Waits until a request came that fits, also one that has come already. */
  request(fits: (request: Received) => boolean): Promise<Received>;
  close(): Promise<void>;
}

export async function startServer(answer: Answer): Promise<TestServer> {
  const received: Received[] = [];
  const waiters = new Waiters<Received>(received);
  let connections = 0;
  const server = http.createServer((incoming, response) => {
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    incoming.on('end', () => {
      const request = {
        method: incoming.method ?? '',
        url: incoming.url ?? '',
        headers: incoming.headers,
        body: Buffer.concat(pieces).toString(),
      };
      answer(request, response);
      waiters.add(request);
    });
    incoming.on('error', () => {});
    response.on('error', () => {});
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/mcp`,
    origin,
    received,
    connections: () => connections,
    request: (fits) => waiters.first(fits),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a transport told: messages as text with their carrier, failures by kind, the end. */
export class Heard implements TransportEvents {
  readonly messages: [text: string, carrier: number | undefined][] = [];
  readonly failures: { id: number; kind: string; text: string }[] = [];
  readonly pauses: [id: number, retryMs: number][] = [];
  readonly closes: (Error | undefined)[] = [];
  private readonly messageWaiters = new Waiters(this.messages);
  private readonly failureWaiters = new Waiters(this.failures);
  private readonly closeWaiters = new Waiters(this.closes);

  onMessage(message: Octets, carrier: number | undefined): void {
    this.messageWaiters.add([decodeOctets(message), carrier]);
  }

  onBadMessage(): void {}

  onRequestFailed(id: number, error: Error): void {
    this.failureWaiters.add({
      id,
      kind: error instanceof AppError ? error.kind : 'not an AppError',
      text: error.message,
    });
  }

  onPaused(id: number, retryMs: number): void {
    this.pauses.push([id, retryMs]);
  }

  onClose(error: Error | undefined): void {
    this.closeWaiters.add(error);
  }

  async message(count = 1): Promise<[string, number | undefined]> {
    return this.messageWaiters.nth(count);
  }

  async failure(count = 1): Promise<{ id: number; kind: string; text: string }> {
    return this.failureWaiters.nth(count);
  }

  async close(): Promise<Error | undefined> {
    return this.closeWaiters.nth(1);
  }
}

class Waiters<T> {
  private readonly seen: T[];
  private waiting: (() => boolean)[] = [];

  constructor(seen: T[]) {
    this.seen = seen;
  }

  add(value: T): void {
    this.seen.push(value);
    this.waiting = this.waiting.filter((check) => !check());
  }

  nth(count: number): Promise<T> {
    return this.when(
      () => this.seen.length >= count,
      () => this.seen[count - 1] as T,
    );
  }

  first(fits: (value: T) => boolean): Promise<T> {
    return this.when(
      () => this.seen.some(fits),
      () => this.seen.find(fits) as T,
    );
  }

  private when(isThere: () => boolean, get: () => T): Promise<T> {
    if (isThere()) return Promise.resolve(get());
    return new Promise((resolve) => {
      this.waiting.push(() => {
        if (!isThere()) return false;
        resolve(get());
        return true;
      });
    });
  }
}

export interface Logged {
  readonly text: string;
  readonly fields: object;
}

export function options(url: string, more: Partial<HttpOptions> = {}): HttpOptions & { logged: Logged[] } {
  const logged: Logged[] = [];
  return {
    url,
    maxMessageBytes: 1_000_000,
    lingerMs: 40,
    reconnection: { firstMs: 50, maxMs: 200, maxTries: 3 },
    log: { debug: () => {}, warn: (fields, text) => logged.push({ fields, text }) },
    logged,
    ...more,
  };
}

export type StreamableHttp = ReturnType<typeof streamableHttp>;

/** A started server of the test's own, and the transport to it. */
export async function startPair(
  answer: Answer,
  more: Partial<HttpOptions> = {},
): Promise<{ server: TestServer; transport: StreamableHttp; heard: Heard; logged: Logged[] }> {
  const server = await startServer(answer);
  const heard = new Heard();
  const settings = options(server.url, more);
  const transport = streamableHttp(settings);
  await transport.start(heard);
  return { server, transport, heard, logged: settings.logged };
}

export function request(transport: Transport, id: number, method = 'tools/call'): void {
  transport.send(encodeOctets(JSON.stringify({ jsonrpc: '2.0', id, method, params: {} })), id);
}

export function notify(transport: Transport, method = 'notifications/initialized'): void {
  transport.send(encodeOctets(JSON.stringify({ jsonrpc: '2.0', method })));
}

export function json(
  response: http.ServerResponse,
  text: string | Buffer,
  headers: http.OutgoingHttpHeaders = {},
): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(text);
}

export function events(
  response: http.ServerResponse,
  text: string | Buffer,
  headers: http.OutgoingHttpHeaders = {},
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  response.write(text);
}

export function answerText(id: number, result: unknown = {}): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

export function idOf(body: string): number {
  return Number(/"id":(\d+)/.exec(body)?.[1] ?? Number.NaN);
}

/** Resolves when the other side of an answer has gone. */
export function gone(response: http.ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once('close', resolve));
}
