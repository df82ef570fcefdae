/** The REST door for people and scripts (A3, O8): signing in and out, health, and the state of the servers. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, ERRORS } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { parseOctets, stringifyOctets, toOctets } from '../../shared/json/octets.ts';
import { STRICT_LIMITS, scanObject } from '../../shared/json/scan.ts';
import { type Health, health, serviceState } from '../health.ts';
import { held } from '../limits/slow-down.ts';
import type { Router } from '../router.ts';
import { readBody } from './body.ts';
import { answerJson } from './http-exchange.ts';
import type { AuthHandler, AuthRoutes } from './rest-auth.ts';
import { STOP_PATH, stopRoutes } from './rest-stop.ts';

const MAX_BODY_BYTES = 64 * 1024;
const SERVICE = /^\/api\/services\/([A-Za-z0-9_-]{1,64})\/status$/;
/** A row of the matrix for `service_status` decides who may ask over REST too. */
const SERVICE_STATUS = {
  kind: 'tool',
  listedName: 'service_status',
  serverId: 'router',
  ownName: 'service_status',
} as const;

export class RestDoor {
  private readonly router: Router;
  private readonly open: ReadonlyMap<string, AuthHandler>;
  private readonly closed: ReadonlyMap<string, AuthHandler>;

  constructor(router: Router, auth: AuthRoutes) {
    this.router = router;
    this.open = new Map([
      ['POST /api/auth/login', auth.login],
      ['POST /api/auth/refresh', auth.refresh],
    ]);
    this.closed = new Map([
      ['POST /api/auth/logout', auth.logout],
      ['GET /api/auth/verify', auth.verify],
      ...stopRoutes(router),
    ]);
  }

  /** What needs no token: how to get one, and whether we live (without saying what there is). True when it was answered. */
  async handleOpenly(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    if (!path.startsWith('/api/')) return false;
    if (path === '/api/health' && request.method === 'GET' && request.headers.authorization === undefined) {
      this.answerHealth(response, { status: health(this.router).status });
      return true;
    }
    const handler = this.open.get(`${request.method} ${path}`);
    if (handler === undefined) return false;
    await this.run(handler, request, response, undefined);
    return true;
  }

  async handle(request: IncomingMessage, response: ServerResponse, caller: Caller, path: string): Promise<void> {
    // Whoever stops everything is never told to wait with it.
    if (!path.startsWith(STOP_PATH)) await this.router.limits.ofCaller(caller);
    const handler = this.closed.get(`${request.method} ${path}`);
    if (handler !== undefined) return this.run(handler, request, response, caller);
    if (path === '/api/health' && request.method === 'GET') {
      const whole = health(this.router);
      this.answerHealth(response, this.maySee(caller) ? whole : { status: whole.status });
      return;
    }
    const answer = request.method === 'GET' ? this.read(caller, path) : undefined;
    if (answer === undefined)
      answerJson(response, 404, stringifyOctets({ error: { message: 'There is nothing at this path' } }));
    else answerJson(response, 200, stringifyOctets(answer));
  }

  private read(caller: Caller, path: string): unknown {
    const service = SERVICE.exec(path)?.[1];
    if (path !== '/api/services' && service === undefined) return undefined;
    if (!this.maySee(caller)) return undefined;
    if (service === undefined) return { services: this.router.catalog.all().map(serviceState) };
    const server = this.router.catalog.server(service);
    return server === undefined ? undefined : serviceState(server);
  }

  /** 503 tells a balancer what `unhealthy` tells a person. */
  private answerHealth(response: ServerResponse, answer: { readonly status: Health }): void {
    answerJson(response, answer.status === 'unhealthy' ? 503 : 200, stringifyOctets(answer));
  }

  private maySee(caller: Caller): boolean {
    return this.router.matrix.decide(caller, SERVICE_STATUS).allowed;
  }

  private async run(
    handler: AuthHandler,
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller | undefined,
  ): Promise<void> {
    const body = hasBody(request) ? await readJson(request) : undefined;
    const answer = await handler({
      body,
      clientKey: request.socket.remoteAddress ?? '',
      ...(caller === undefined ? {} : { caller }),
    });
    if (answer.status === ERRORS.RATE_LIMITED.httpStatus) await held();
    answerJson(response, answer.status, stringifyOctets(answer.body), answer.headers);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const bytes = await readBody(request, MAX_BODY_BYTES);
  if (!isUtf8(bytes)) throw new AppError('PARSE_ERROR', { text: 'The body is not valid UTF-8' });
  const text = toOctets(bytes);
  try {
    scanObject(text, STRICT_LIMITS);
  } catch (error) {
    throw new AppError('PARSE_ERROR', {
      text: 'The body must be one JSON object without duplicate keys',
      cause: error,
    });
  }
  return parseOctets(text);
}
