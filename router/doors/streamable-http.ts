/** The Streamable HTTP transport of MCP (2025-03-26 and later; older clients of it too): `/mcp` and `/mcp/<id>`. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { type Octets, toOctets } from '../../shared/json/octets.ts';
import { held } from '../limits/slow-down.ts';
import { type Message, readClientMessage } from '../message.ts';
import { isBatch, receiveBatch } from '../relay/batch.ts';
import { isInitialize, PROTOCOL_VERSIONS } from '../relay/initialize.ts';
import { errorAnswer, receiveOther, receiveRequest } from '../relay/receive.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import { readBody } from './body.ts';
import { answerJson, HttpExchange } from './http-exchange.ts';
import { KeptAnswers } from './kept-answers.ts';
import { KeptEvents } from './kept-events.ts';
import { findOwnSession } from './own-session.ts';
import { SessionStreams } from './session-streams.ts';

/** A client that waits longer than this for an answer is told that it is under way. */
const SILENT_MS = 1_000;
/** Versions of the SDK's list that older clients may name in the header. */
const KNOWN_VERSIONS: readonly string[] = [...PROTOCOL_VERSIONS, '2024-10-07'];

export class StreamableHttpDoor {
  private readonly router: Router;
  private readonly streams = new WeakMap<Session, SessionStreams>();
  private readonly open = new Set<HttpExchange>();
  private readonly kept = new KeptAnswers();
  private readonly keptEvents = new KeptEvents();
  private keptAliveAt = 0;
  readonly close: () => void;

  constructor(router: Router) {
    this.router = router;
    this.close = router.timer.add((now) => this.tick(now));
  }

  /** @param endpoint the server id of `/mcp/<id>`, undefined for `/mcp` */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller,
    endpoint: string | undefined,
  ): Promise<void> {
    switch (request.method) {
      case 'POST':
        return this.post(request, response, caller, endpoint);
      case 'GET':
        return this.get(request, response, caller, endpoint);
      case 'DELETE':
        return this.delete(request, response, caller, endpoint);
      default:
        response.writeHead(405, { Allow: 'GET, POST, DELETE' }).end();
    }
  }

  private async post(
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller,
    endpoint: string | undefined,
  ): Promise<void> {
    checkAccept(request, ['application/json', 'text/event-stream']);
    const body = await readBody(request, this.router.settings.maxMessageBytes);
    if (!isUtf8(body)) throw new AppError('PARSE_ERROR', { text: 'The body is not valid UTF-8' });
    const text = toOctets(body);
    if (isBatch(text)) return this.postBatch(request, response, caller, endpoint, text);
    const message = readClientMessage(text);
    if (isInitialize(message)) return this.initialize(request, response, caller, endpoint, message);
    const session = this.sessionOf(request, caller, endpoint);
    if (message.kind === 'request') {
      const exchange = this.exchange(response, session);
      if (prefersStream(request)) exchange.openStream();
      await receiveRequest(this.router, session, caller, message, exchange);
      return;
    }
    receiveOther(this.router, session, message);
    if (this.router.limits.isTooNoisy(caller)) await held();
    response.writeHead(202).end();
  }

  private async postBatch(
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller,
    endpoint: string | undefined,
    text: Octets,
  ): Promise<void> {
    const session =
      request.headers['mcp-session-id'] === undefined ? undefined : this.sessionOf(request, caller, endpoint);
    if (session === undefined)
      throw new AppError('INVALID_REQUEST', { text: 'A batch needs a session of protocol version 2025-03-26' });
    const exchange = this.exchange(response, session);
    try {
      const answers = await receiveBatch(this.router, session, caller, text, (message) => exchange.send(message));
      if (answers !== undefined) exchange.answer(answers);
      else {
        this.open.delete(exchange);
        response.writeHead(202).end();
      }
    } catch (error) {
      this.open.delete(exchange);
      throw error;
    }
  }

  private async initialize(
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller,
    endpoint: string | undefined,
    message: Message,
  ): Promise<void> {
    if (request.headers['mcp-session-id'] !== undefined) {
      throw new AppError('INVALID_REQUEST', { text: 'initialize opens a session; send it without Mcp-Session-Id' });
    }
    this.router.limits.refusePaused(caller.agentId);
    const streams = new SessionStreams(this.kept, { backlog: this.router.backlog, kept: this.keptEvents });
    const session = this.router.sessions.open({ caller, endpoint, door: 'http', outlet: streams });
    this.streams.set(session, streams);
    // For hosts that can be given an address and nothing else.
    if (endpoint === undefined && /[?&]lean=1(?:&|$)/.test(request.url ?? '')) session.loaded = new Set();
    await receiveRequest(this.router, session, caller, message, {
      send: (text) => streams.send(text),
      answer: (answer) => {
        if (session.version === '') this.router.sessions.close(session, 'initialize failed');
        streams.priming = session.version >= '2025-11-25';
        const headers: Record<string, string> = session.version === '' ? {} : { 'Mcp-Session-Id': session.id };
        answerJson(response, 200, answer ?? errorAnswer(message.id!, new AppError('CONNECTION_LOST')), headers);
      },
    });
  }

  private get(request: IncomingMessage, response: ServerResponse, caller: Caller, endpoint: string | undefined): void {
    checkAccept(request, ['text/event-stream']);
    const session = this.sessionOf(request, caller, endpoint);
    const lastEventId = request.headers['last-event-id'];
    const id = Array.isArray(lastEventId) ? lastEventId[0] : lastEventId;
    if (!this.streams.get(session)!.attach(response, id, caller.tokenId)) {
      throw new AppError('INVALID_REQUEST', { text: 'Last-Event-ID names no stream that can be resumed' });
    }
  }

  private delete(
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller,
    endpoint: string | undefined,
  ): void {
    this.router.sessions.close(this.sessionOf(request, caller, endpoint), 'the client ended it');
    response.writeHead(200).end();
  }

  /** Throws AppError UNKNOWN_SESSION: the same for no session, a foreign one, and one of another endpoint (B01). */
  private sessionOf(request: IncomingMessage, caller: Caller, endpoint: string | undefined): Session {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string')
      throw new AppError('INVALID_REQUEST', { text: 'Mcp-Session-Id is required; initialize opens a session' });
    const version = request.headers['mcp-protocol-version'];
    if (version !== undefined && !KNOWN_VERSIONS.includes(version as string)) {
      throw new AppError('INVALID_VERSION', {
        text: `MCP-Protocol-Version must be one of ${PROTOCOL_VERSIONS.join(', ')}`,
      });
    }
    const session = findOwnSession(this.router, id, caller);
    if (session === undefined || session.endpoint !== endpoint || !this.streams.has(session)) {
      throw new AppError('UNKNOWN_SESSION');
    }
    return session;
  }

  private exchange(response: ServerResponse, session: Session): HttpExchange {
    const exchange = new HttpExchange(response, this.streams.get(session)!, (done) => this.open.delete(done));
    this.open.add(exchange);
    return exchange;
  }

  private tick(now: number): void {
    for (const exchange of this.open) {
      // In order of their beginning: the first that is young ends the search.
      if (now - exchange.since < SILENT_MS) break;
      if (!exchange.streaming) exchange.openStream();
    }
    if (now - this.keptAliveAt < this.router.settings.heartbeatMs) return;
    this.keptAliveAt = now;
    for (const session of this.router.sessions.all()) this.streams.get(session)?.keepAlive(now);
  }
}

/** Throws AppError INVALID_REQUEST when the client does not take what it may get (406 in HTTP). */
function checkAccept(request: IncomingMessage, needed: readonly string[]): void {
  const accept = request.headers.accept ?? '';
  if (accept.includes('*/*') || needed.every((type) => accept.includes(type))) return;
  throw new AppError('NOT_ACCEPTABLE', { text: `Accept must name ${needed.join(' and ')}` });
}

/**
 * Whether the client names the stream first. Both are acceptable then, and the choice is ours: a stream from the start costs
 * more, but can be resumed whenever the connection breaks.
 */
function prefersStream({ headers }: IncomingMessage): boolean {
  const accept = headers.accept ?? '';
  const json = accept.indexOf('application/json');
  return json > 0 && accept.slice(0, json).includes('text/event-stream');
}
