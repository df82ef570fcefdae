/**
 * One server of ours over HTTP on 127.0.0.1: Streamable HTTP at `/mcp`, HTTP+SSE of 2024-11-05 at `/sse` and `/messages`, by
 * the SDK's transports. Every request passes the same door: Host, Origin, path, token, body.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  isInitializeRequest,
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js';
import { AppError, toAppError } from '../errors.ts';
import type { Caller } from '../identity/caller.ts';
import type { Gate } from '../request.ts';
import type { HttpLimits, Serving } from '../serve.ts';
import { openSession, type VillageServer } from '../village-server.ts';
import { openServerMetrics } from './figures.ts';
import { bearerOf, checkOrigin, readJson, sendError } from './http-request.ts';
import { Sessions } from './sessions.ts';

const DEFAULTS: HttpLimits = { maxBodyBytes: 4 * 1024 * 1024, idleSessionMs: 30 * 60_000, maxSessions: 1_000 };
/** A request's head and body must be here within this time. */
const RECEIVE_TIMEOUT_MS = 15_000;
const METRICS = { kind: 'resource', uri: 'village://metrics' } as const;
const BATCH_VERSION = '2025-03-26';

export interface HttpOptions extends Partial<HttpLimits> {
  readonly port: number;
  /** False behind the router, whose one session serves many callers. */
  readonly bindsSessions: boolean;
}

interface Visitor {
  readonly token: string;
  readonly owner: string | undefined;
}

interface StreamableSession {
  readonly transport: StreamableHTTPServerTransport;
  readonly version: string;
}

export async function serveHttp(village: VillageServer, bareGate: Gate, options: HttpOptions): Promise<Serving> {
  const limits = { ...DEFAULTS, ...options };
  const streamable = new Sessions<StreamableSession>(limits);
  const legacy = new Sessions<SSEServerTransport>(limits);
  const metrics = openServerMetrics(village.id, () => streamable.size + legacy.size);
  const gate: Gate = { ...bareGate, figures: metrics };

  const routes = new Map<string, (req: IncomingMessage, res: ServerResponse, visitor: Visitor) => Promise<void>>([
    ['/mcp', handleStreamable],
    ['/sse', openLegacy],
    ['/messages', postLegacy],
  ]);

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    checkOrigin(req);
    const path = pathOf(req);
    const route = routes.get(path);
    const token = bearerOf(req);
    // Verified here, so that nothing of a session shows without a token, and again for each call.
    const caller: Caller = await gate.callerOf({ assertion: undefined, bearer: token });
    if (path === '/metrics') return answerMetrics(req, res, caller);
    if (route === undefined || token === undefined) {
      res.writeHead(404).end();
      return;
    }
    await route(req, res, { token, owner: options.bindsSessions ? caller.agentId : undefined });
  }

  /** By the same row as the router's. */
  async function answerMetrics(req: IncomingMessage, res: ServerResponse, caller: Caller): Promise<void> {
    if (req.method !== 'GET') throw wrongMethod('GET');
    gate.authorize(caller, METRICS);
    res.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' }).end(await metrics.text());
  }

  async function handleStreamable(req: IncomingMessage, res: ServerResponse, visitor: Visitor): Promise<void> {
    const id = req.headers['mcp-session-id'];
    const body = req.method === 'POST' ? await readJson(req, limits.maxBodyBytes) : undefined;
    if (typeof id !== 'string') {
      const transport = await openStreamable(body, visitor);
      await transport.handleRequest(withToken(req, visitor), res, body);
      return;
    }
    const { value, release } = streamable.use(id, visitor.owner, Date.now);
    res.once('close', release);
    if (Array.isArray(body) && value.version !== BATCH_VERSION) throw noBatch();
    await value.transport.handleRequest(withToken(req, visitor), res, body);
  }

  async function openStreamable(body: unknown, { owner }: Visitor): Promise<StreamableHTTPServerTransport> {
    if (!isInitializeRequest(body)) {
      throw new AppError('INVALID_REQUEST', {
        text: 'A request without Mcp-Session-Id must be initialize; send the id that its answer carried',
      });
    }
    streamable.checkRoom();
    const asked = body.params.protocolVersion;
    const version = SUPPORTED_PROTOCOL_VERSIONS.includes(asked) ? asked : LATEST_PROTOCOL_VERSION;
    const server = openSession(village, gate);
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomBytes(24).toString('base64url'),
      onsessioninitialized: (id) =>
        streamable.add(id, { transport, version }, owner, Date.now(), () => endQuietly(server.close())),
      maxRequestBodySize: limits.maxBodyBytes,
    });
    transport.onclose = () => {
      if (transport.sessionId !== undefined) streamable.delete(transport.sessionId);
    };
    await server.connect(transport);
    return transport;
  }

  async function openLegacy(req: IncomingMessage, res: ServerResponse, { owner }: Visitor): Promise<void> {
    if (req.method !== 'GET') throw wrongMethod('GET');
    legacy.checkRoom();
    const server = openSession(village, gate);
    const transport = new SSEServerTransport('/messages', res);
    const id = transport.sessionId;
    legacy.add(id, transport, owner, Date.now(), () => endQuietly(server.close()));
    // Its one stream is its life: it is in use until that closes.
    legacy.use(id, owner, Date.now);
    transport.onclose = () => legacy.delete(id);
    await server.connect(transport);
  }

  async function postLegacy(req: IncomingMessage, res: ServerResponse, visitor: Visitor): Promise<void> {
    if (req.method !== 'POST') throw wrongMethod('POST');
    const id = new URL(req.url ?? '/', 'http://localhost').searchParams.get('sessionId') ?? '';
    const { value: transport, release } = legacy.use(id, visitor.owner, Date.now);
    res.once('close', release);
    const body = await readJson(req, limits.maxBodyBytes);
    if (Array.isArray(body)) throw noBatch();
    await transport.handlePostMessage(withToken(req, visitor), res, body);
  }

  function endQuietly(ending: Promise<void>): void {
    ending.catch((cause: unknown) => gate.log.warn({ cause }, 'a session did not end cleanly'));
  }

  const http = createServer((req, res) => {
    handle(req, res).catch((thrown: unknown) => {
      const error = toAppError(thrown);
      gate.log[error.kind === 'INTERNAL' ? 'error' : 'info'](
        { kind: error.kind, cause: error.cause, path: pathOf(req).slice(0, 64) },
        'request refused',
      );
      sendError(res, error);
    });
  });
  http.headersTimeout = RECEIVE_TIMEOUT_MS;
  http.requestTimeout = RECEIVE_TIMEOUT_MS;
  const { promise: closed, resolve, reject } = Promise.withResolvers<void>();
  await new Promise<void>((listening, failed) => {
    http.once('error', failed);
    http.listen(options.port, '127.0.0.1', listening);
  });
  const sweeper = setInterval(
    () => {
      streamable.sweep(Date.now());
      legacy.sweep(Date.now());
    },
    Math.min(limits.idleSessionMs / 2, 30_000),
  ).unref();

  const { port } = http.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/mcp`;
  gate.log.info({ server: village.id, url }, 'serving over HTTP');
  return {
    url,
    closed,
    close() {
      clearInterval(sweeper);
      streamable.endAll();
      legacy.endAll();
      metrics.close();
      http.close(() => village.close().then(resolve, reject));
      http.closeAllConnections();
      return closed;
    },
  };
}

function pathOf(req: IncomingMessage): string {
  return (req.url ?? '/').split('?', 1)[0]!;
}

/** The SDK hands `auth` on to the handlers of this request. */
function withToken(req: IncomingMessage, { token, owner }: Visitor) {
  return Object.assign(req, { auth: { token, clientId: owner ?? 'router', scopes: [] } });
}

function noBatch(): AppError {
  return new AppError('INVALID_REQUEST', {
    text: `Batches belong to protocol ${BATCH_VERSION} only; send one message`,
  });
}

function wrongMethod(expected: string): AppError {
  return new AppError('METHOD_NOT_FOUND', { text: `This path takes ${expected}` });
}
