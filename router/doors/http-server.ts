/**
 * The HTTP server: guard, token, then the door that the path names. Without a valid token nothing is answered but whether we
 * live, how to get a token, and where tokens come from.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError, ERRORS, toAppError } from '../../shared/errors.ts';
import { readBearer } from '../../shared/identity/bearer.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { stringifyOctets, toOctets } from '../../shared/json/octets.ts';
import { ConsolePage } from '../console/serve.ts';
import { Limited } from '../limits/limits.ts';
import { held } from '../limits/slow-down.ts';
import { errorAnswer } from '../relay/receive.ts';
import type { Router } from '../router.ts';
import { ConnectionCallers } from './connection-callers.ts';
import { answerJson, writeJsonHead } from './http-exchange.ts';
import { FramingRefusal, type GuardOptions, HttpGuard, isAnyDoubled } from './http-guard.ts';
import { HttpSseDoor } from './http-sse.ts';
import { answerOnSocket, endLast, hasLastAnswer, refuseBroken } from './last-answer.ts';
import { Newcomers } from './newcomers.ts';
import { recordRefusal } from './record-refusal.ts';
import type { RestDoor } from './rest.ts';
import { StreamableHttpDoor } from './streamable-http.ts';
import type { TlsTexts } from './tls-files.ts';
import { WEBSOCKET_PATH, WebSocketDoor } from './websocket.ts';
import { readWebSocketToken } from './websocket-token.ts';

export interface HttpServerOptions extends GuardOptions {
  /** 0 = any free one. */
  readonly port: number;
  readonly tls: TlsTexts | undefined;
  /** Absent on the door of our own servers. */
  readonly rest?: RestDoor;
  /** Whether WebSockets are served too. */
  readonly websocket?: boolean;
  /** Who presents a token at this door; unless given, as everywhere. */
  readonly verify?: (token: string) => Caller | Promise<Caller>;
  /** `iss` of the tokens that we take. */
  readonly issuer: string;
}

export interface HttpServer {
  /** Such as `http://127.0.0.1:8083`. */
  readonly url: string;
  close(): Promise<void>;
}

const OPTIONS = {
  /** Slow heads and bodies are cut (D09); answers may take as long as they need. */
  headersTimeout: 10_000,
  requestTimeout: 13_000,
  keepAliveTimeout: 65_000,
  // Often, so that few are cut at a time.
  connectionsCheckingInterval: 200,
  maxHeaderSize: 16_384,
  // Other upgrades that clients may offer, such as h2c, are passed over: RFC 9110 §7.8.
  shouldUpgradeCallback: (request: IncomingMessage) => pathOf(request) === WEBSOCKET_PATH,
};
const ENDPOINT = /^\/mcp(?:\/([A-Za-z0-9_-]{1,64}))?$/;
const METADATA = '/.well-known/oauth-protected-resource';

/** Listens; rejects with what to do when the port is taken. */
export async function startHttpServer(router: Router, options: HttpServerOptions): Promise<HttpServer> {
  const scheme = options.tls === undefined ? 'http' : 'https';
  const server =
    options.tls === undefined
      ? http.createServer(OPTIONS)
      : https.createServer({
          ...OPTIONS,
          ...options.tls,
          minVersion: 'TLSv1.3',
          handshakeTimeout: OPTIONS.headersTimeout,
        });
  const newcomers = new Newcomers(server, options.tls !== undefined);
  const handler = new Handler(router, options, scheme);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    newcomers.remove(request.socket);
    void handler.handle(request, response);
  });
  server.on('clientError', refuseBroken);
  if (options.websocket === true)
    server.on('upgrade', (request, socket, head) => {
      newcomers.remove(request.socket);
      void handler.upgrade(request, socket, head);
    });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `${scheme}://${host}:${port}`,
    close: async () => {
      handler.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      // Answers under way get a moment to leave.
      setTimeout(() => server.closeAllConnections(), 500).unref();
      await closed;
    },
  };
}

function listen(server: http.Server, { host, port }: HttpServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const text = taken
        ? `Port ${port} of ${host} is taken. Stop what listens there, or set MCP_PORT to another port.`
        : `Cannot listen on ${host}:${port} (${error.code}). Check MCP_HOST and MCP_PORT.`;
      reject(new AppError('CONNECTION_FAILED', { text, cause: error }));
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      server.on('error', () => {});
      resolve();
    });
  });
}

class Handler {
  private readonly router: Router;
  private readonly guard: HttpGuard;
  private readonly callers = new ConnectionCallers();
  private readonly streamable: StreamableHttpDoor;
  private readonly sse: HttpSseDoor;
  private readonly websocket: WebSocketDoor | undefined;
  private readonly page: ConsolePage | undefined;
  private readonly rest: RestDoor | undefined;
  private readonly verify: HttpServerOptions['verify'];
  private readonly scheme: string;
  private readonly issuer: string;

  constructor(router: Router, options: HttpServerOptions, scheme: string) {
    this.router = router;
    this.guard = new HttpGuard(options);
    this.streamable = new StreamableHttpDoor(router);
    this.sse = new HttpSseDoor(router);
    this.websocket = options.websocket === true ? new WebSocketDoor(router) : undefined;
    this.page = options.rest === undefined ? undefined : new ConsolePage();
    this.rest = options.rest;
    this.verify = options.verify;
    this.scheme = scheme;
    this.issuer = options.issuer;
  }

  close(): void {
    this.streamable.close();
    this.sse.close();
    this.websocket?.close();
  }

  /** A request for a WebSocket: the same checks, and the answer goes to the bare socket. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    try {
      this.guard.check(request);
      if (pathOf(request) !== WEBSOCKET_PATH || this.websocket === undefined) throw nothingThere();
      const caller = await this.router.identity.verify(readWebSocketToken(request.rawHeaders));
      this.websocket.accept(request, socket, head, caller);
    } catch (thrown) {
      const error = toAppError(thrown);
      this.note(request, error);
      answerOnSocket(socket, statusOf(error), this.headersOf(request, error), errorAnswer('null', error));
    }
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Read from the same packet, perhaps: nothing of it may run.
    if (hasLastAnswer(request.socket)) return;
    try {
      this.guard.check(request);
      const path = pathOf(request);
      const endpoint = ENDPOINT.exec(path);
      if (endpoint === null && (await this.answerOpenly(request, response, path))) return;
      const found = this.callerOf(request);
      const caller = found instanceof Promise ? await found : found;
      if (endpoint !== null) await this.streamable.handle(request, response, caller, endpoint[1]);
      else await this.route(request, response, caller, path);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error instanceof Limited) await held();
      this.refuse(request, response, error);
    }
  }

  private route(request: IncomingMessage, response: ServerResponse, caller: Caller, path: string): Promise<void> {
    if (path === '/metrics') return this.answerMetrics(request, response, caller);
    if (path === '/sse' || path === '/messages') return this.sse.handle(request, response, caller, path);
    if (path === WEBSOCKET_PATH && this.websocket !== undefined) {
      throw new AppError('INVALID_REQUEST', {
        text: 'Here are WebSockets only; ask for one, with the subprotocol "mcp"',
      });
    }
    if (this.rest !== undefined) return this.rest.handle(request, response, caller, path);
    throw nothingThere();
  }

  /** Who may not read them learns what it would of any other path. */
  private async answerMetrics(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    const { metrics } = this.router;
    if (request.method !== 'GET' || !metrics.mayRead(caller))
      throw new AppError('METHOD_NOT_FOUND', { text: 'There is nothing at this path' });
    const text = await metrics.text();
    answerJson(response, 200, toOctets(Buffer.from(text)), { 'content-type': metrics.contentType });
  }

  private callerOf(request: IncomingMessage): Caller | Promise<Caller> {
    if (this.verify !== undefined) return this.verify(readBearer(request.rawHeaders));
    const { identity } = this.router;
    const known = isAnyDoubled(request) ? undefined : this.callers.get(request);
    if (known !== undefined) {
      identity.check(known);
      return known;
    }
    const found = identity.verify(readBearer(request.rawHeaders));
    if (!(found instanceof Promise)) this.callers.set(request, found);
    return found;
  }

  /** What needs no token. True when it was answered. */
  private async answerOpenly(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    if (this.answerMetadata(request, response, path)) return true;
    if (this.page?.answer(request, response, path)) return true;
    return this.rest !== undefined && (await this.rest.handleOpenly(request, response, path));
  }

  /** RFC 9728: what a client must know to get a token for us. It tells no more of `/mcp/<id>` than its own question. */
  private answerMetadata(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    if (request.method !== 'GET' || !path.startsWith(METADATA)) return false;
    const endpoint = path.slice(METADATA.length);
    if (endpoint !== '' && !ENDPOINT.test(endpoint)) return false;
    const metadata = {
      resource: `${this.origin(request)}${endpoint || '/mcp'}`,
      // An issuer that is an address tells its clients itself how to get a token (RFC 8414); ours is only a name.
      ...(this.issuer.startsWith('https://') ? { authorization_servers: [this.issuer] } : {}),
      bearer_methods_supported: ['header'],
      resource_name: this.router.name,
    };
    answerJson(response, 200, stringifyOctets(metadata));
    return true;
  }

  private refuse(request: IncomingMessage, response: ServerResponse, error: AppError): void {
    this.note(request, error);
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const headers = this.headersOf(request, error);
    const status = statusOf(error);
    const body = errorAnswer('null', error);
    if (request.complete && !(error instanceof FramingRefusal)) answerJson(response, status, body, headers);
    else {
      // A body that was not read to its end must not be taken for the next request.
      writeJsonHead(response, status, body, { ...headers, Connection: 'close' });
      endLast(request, response, body);
    }
  }

  private note(request: IncomingMessage, error: AppError): void {
    if (error.kind === 'INTERNAL') this.router.log.error({ err: error.cause }, 'a request failed inside the router');
    this.router.figures.failed(ERRORS[error.kind].reason);
    if (error.kind !== 'UNAUTHENTICATED') return;
    recordRefusal(this.router, { method: request.method, from: request.socket.remoteAddress ?? '' }, error);
  }

  private headersOf(request: IncomingMessage, error: AppError): Record<string, string> {
    const headers: Record<string, string> = {};
    if (error.httpStatus === 401) headers['WWW-Authenticate'] = this.challenge(request);
    const retryAfterMs = error.data?.retryAfterMs;
    if (typeof retryAfterMs === 'number') headers['Retry-After'] = String(Math.ceil(retryAfterMs / 1000));
    return headers;
  }

  /** Names the metadata of the very endpoint that was asked for (RFC 9728 §3.3, §5.1), and a token that was of no use (RFC 6750 §3.1). */
  private challenge(request: IncomingMessage): string {
    const path = pathOf(request);
    const metadata = `${this.origin(request)}${METADATA}${ENDPOINT.test(path) ? path : ''}`;
    const error = request.headers.authorization === undefined ? '' : 'error="invalid_token", ';
    return `Bearer ${error}resource_metadata="${metadata}"`;
  }

  /** The guard has seen the Host header. */
  private origin(request: IncomingMessage): string {
    const host = request.headers.host ?? 'localhost';
    return /^[\w.:[\]-]+$/.test(host) ? `${this.scheme}://${host}` : `${this.scheme}://localhost`;
  }
}

function statusOf({ httpStatus }: AppError): number {
  return httpStatus === 200 ? 400 : httpStatus;
}

function nothingThere(): AppError {
  return new AppError('METHOD_NOT_FOUND', { text: 'There is nothing at this path' });
}

function pathOf(request: IncomingMessage): string {
  const url = request.url!;
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
