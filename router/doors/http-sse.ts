/** The HTTP+SSE transport of MCP 2024-11-05, for clients of that time: a stream at `/sse`, messages to `/messages`. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, toAppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { type Octets, toOctets } from '../../shared/json/octets.ts';
import { onOneLine } from '../message.ts';
import { errorAnswer } from '../relay/receive.ts';
import { onOneChannel, receiveText } from '../relay/receive-text.ts';
import type { Router } from '../router.ts';
import type { Outlet, Session } from '../session.ts';
import type { Backlog } from './backlog.ts';
import { readBody } from './body.ts';
import { findOwnSession } from './own-session.ts';

/** Bytes waiting for a client from which on it is cut off. */
const MAX_QUEUED_BYTES = 2 * 1024 * 1024;

/** The stream of one session of this transport. */
export class SseOutlet implements Outlet {
  private readonly response: ServerResponse;
  /** The id of the token that opened it. */
  private readonly openedBy: string;
  private readonly backlog: Backlog;
  constructor(response: ServerResponse, openedBy: string, backlog: Backlog) {
    this.response = response;
    this.openedBy = openedBy;
    this.backlog = backlog;
    response.once('close', () => backlog.forget(response));
  }
  get open(): boolean {
    return !this.response.destroyed && !this.response.writableEnded;
  }
  /** Into nothing when it is closed: a call may end after its session. */
  send(message: Octets): void {
    if (!this.open) return;
    const text = `event: message\ndata: ${onOneLine(message)}\n\n`;
    this.response.write(text, 'latin1');
    if (this.response.writableLength - text.length > MAX_QUEUED_BYTES) this.response.destroy();
    else this.backlog.wrote(this.response, text.length);
  }
  keepAlive(): void {
    if (this.open) this.response.write(': alive\n\n');
  }
  cut(tokenId: string | undefined): void {
    if (tokenId === undefined || tokenId === this.openedBy) this.close();
  }
  close(): void {
    this.response.end();
  }
}

export class HttpSseDoor {
  readonly close: () => void;
  private readonly router: Router;
  private readonly outlets = new Map<Session, SseOutlet>();
  private keptAliveAt = 0;

  constructor(router: Router) {
    this.router = router;
    this.close = router.timer.add((now) => this.tick(now));
  }

  async handle(request: IncomingMessage, response: ServerResponse, caller: Caller, path: string): Promise<void> {
    if (path === '/sse' && request.method === 'GET') this.open(response, caller);
    else if (path === '/messages' && request.method === 'POST') await this.post(request, response, caller);
    else response.writeHead(405, { Allow: path === '/sse' ? 'GET' : 'POST' }).end();
  }

  private open(response: ServerResponse, caller: Caller): void {
    this.router.limits.refusePaused(caller.agentId);
    const outlet = new SseOutlet(response, caller.tokenId, this.router.backlog);
    const session = this.router.sessions.open({ caller, endpoint: undefined, door: 'sse', outlet });
    this.outlets.set(session, outlet);
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store, no-transform' });
    response.write(`event: endpoint\ndata: /messages?sessionId=${session.id}\n\n`);
    response.on('close', () => {
      this.outlets.delete(session);
      this.router.sessions.close(session, 'the client closed its stream');
    });
  }

  private async post(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    const id = new URLSearchParams(request.url!.slice(request.url!.indexOf('?') + 1)).get('sessionId');
    const session = id === null ? undefined : findOwnSession(this.router, id, caller);
    const outlet = session === undefined ? undefined : this.outlets.get(session);
    if (session === undefined || outlet === undefined) throw new AppError('UNKNOWN_SESSION');
    const body = await readBody(request, this.router.settings.maxMessageBytes);
    if (!isUtf8(body)) throw new AppError('PARSE_ERROR', { text: 'The body is not valid UTF-8' });
    const exchange = onOneChannel((message) => outlet.send(message));
    const done = receiveText(this.router, session, caller, toOctets(body), exchange);
    response.writeHead(202, { 'Content-Type': 'text/plain' }).end('Accepted');
    await done.catch((error: unknown) => outlet.send(errorAnswer('null', toAppError(error))));
  }

  private tick(now: number): void {
    if (now - this.keptAliveAt < this.router.settings.heartbeatMs) return;
    this.keptAliveAt = now;
    for (const outlet of this.outlets.values()) outlet.keepAlive();
  }
}
