/**
 * The HTTP server: guard, token, then the door that the path names. Without a valid token nothing is answered but whether we
 * live, how to get a token, and where tokens come from.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { AppError, toAppError } from '../../shared/errors.ts';
import { readBearer } from '../../shared/identity/bearer.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { stringifyOctets } from '../../shared/json/octets.ts';
import { errorAnswer } from '../relay/receive.ts';
import type { Router } from '../router.ts';
import { answerJson } from './http-exchange.ts';
import { type GuardOptions, HttpGuard } from './http-guard.ts';
import { HttpSseDoor } from './http-sse.ts';
import type { RestDoor } from './rest.ts';
import { StreamableHttpDoor } from './streamable-http.ts';

export interface HttpServerOptions extends GuardOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly rest: RestDoor;
}

export interface HttpServer {
  /** Such as `http://127.0.0.1:8083`. */
  readonly url: string;
  close(): Promise<void>;
}

const LIMITS = {
  /** Slow heads and bodies are cut (D09); answers may take as long as they need. */
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16_384,
};
const ENDPOINT = /^\/mcp(?:\/([A-Za-z0-9_-]{1,64}))?$/;
const METADATA = '/.well-known/oauth-protected-resource';

/** Listens; rejects with what to do when the port is taken. */
export async function startHttpServer(router: Router, options: HttpServerOptions): Promise<HttpServer> {
  const scheme = options.tls === undefined ? 'http' : 'https';
  const server =
    options.tls === undefined
      ? http.createServer(LIMITS)
      : https.createServer({ ...LIMITS, ...options.tls, minVersion: 'TLSv1.3' });
  const handler = new Handler(router, options, scheme);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => void handler.handle(request, response));
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
  private readonly streamable: StreamableHttpDoor;
  private readonly sse: HttpSseDoor;
  private readonly rest: RestDoor;
  private readonly scheme: string;

  constructor(router: Router, options: HttpServerOptions, scheme: string) {
    this.router = router;
    this.guard = new HttpGuard(options);
    this.streamable = new StreamableHttpDoor(router);
    this.sse = new HttpSseDoor(router);
    this.rest = options.rest;
    this.scheme = scheme;
  }

  close(): void {
    this.streamable.close();
    this.sse.close();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      this.guard.check(request);
      const url = request.url!;
      const query = url.indexOf('?');
      const path = query < 0 ? url : url.slice(0, query);
      if (this.answerOpenly(request, response, path)) return;
      if (await this.rest.handleOpenly(request, response, path)) return;
      const found = this.router.identity.verify(readBearer(request.rawHeaders));
      const caller = found instanceof Promise ? await found : found;
      await this.route(request, response, caller, path);
    } catch (error) {
      this.refuse(request, response, toAppError(error));
    }
  }

  private route(request: IncomingMessage, response: ServerResponse, caller: Caller, path: string): Promise<void> {
    const endpoint = ENDPOINT.exec(path);
    if (endpoint !== null) return this.streamable.handle(request, response, caller, endpoint[1]);
    if (path === '/sse' || path === '/messages') return this.sse.handle(request, response, caller, path);
    return this.rest.handle(request, response, caller, path);
  }

  /** RFC 9728: what a client must know to get a token for us. */
  private answerOpenly(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    if (request.method !== 'GET' || (path !== METADATA && !path.startsWith(`${METADATA}/mcp`))) return false;
    const resource = `${this.origin(request)}${path.slice(METADATA.length) || '/mcp'}`;
    answerJson(
      response,
      200,
      stringifyOctets({ resource, bearer_methods_supported: ['header'], resource_name: this.router.name }),
    );
    return true;
  }

  private refuse(request: IncomingMessage, response: ServerResponse, error: AppError): void {
    if (error.kind === 'INTERNAL') this.router.log.error({ err: error.cause }, 'a request failed inside the router');
    if (error.kind === 'UNAUTHENTICATED') this.recordRefusal(request, error);
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const headers: Record<string, string> = {};
    if (error.httpStatus === 401) {
      headers['WWW-Authenticate'] = `Bearer resource_metadata="${this.origin(request)}${METADATA}"`;
    }
    const retryAfterMs = error.data?.retryAfterMs;
    if (typeof retryAfterMs === 'number') headers['Retry-After'] = String(Math.ceil(retryAfterMs / 1000));
    // A body that was not read to its end must not be taken for the next request.
    if (!request.complete) headers.Connection = 'close';
    answerJson(response, error.httpStatus === 200 ? 400 : error.httpStatus, errorAnswer('null', error), headers);
    if (!request.complete) response.on('finish', () => request.destroy());
  }

  private recordRefusal(request: IncomingMessage, error: AppError): void {
    const why = error.cause instanceof Error ? error.cause.message : 'no usable Authorization header';
    this.router.audit
      .append({ kind: 'auth_denied', method: request.method, reason: why })
      .catch(() => this.router.log.error('a refusal could not be recorded'));
  }

  /** The guard has seen the Host header. */
  private origin(request: IncomingMessage): string {
    const host = request.headers.host ?? 'localhost';
    return /^[\w.:[\]-]+$/.test(host) ? `${this.scheme}://${host}` : `${this.scheme}://localhost`;
  }
}
