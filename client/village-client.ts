/**
 * A client of a village: calls that survive a lost connection where they may be repeated, and say so where they may not. No call
 * is lost in silence, none is sent twice that is not read-only or idempotent.
 */
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  type CallToolResult,
  CallToolResultSchema,
  type ClientCapabilities,
  type Progress,
  type ReadResourceResult,
  ResourceUpdatedNotificationSchema,
  type Tool,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import { errorOfResult } from '../shared/client/answers.ts';
import { BackOff, type BackOffOptions } from '../shared/client/back-off.ts';
import { type Failure, failureOf } from '../shared/client/failure.ts';
import { AppError, type Reason } from '../shared/errors.ts';
import { type Approval, approvalOf, approvalRequired, isUndecided } from './approval.ts';
import { Connection, type Live } from './connection.ts';
import { Events, type Listener } from './events.ts';
import { linearValidator } from './linear-validator.ts';
import { type TokenSource, Tokens } from './tokens.ts';
import { ArgumentChecks, isRepeatable, listTools, NO_VALIDATION } from './tools.ts';

export interface VillageClientOptions {
  /** Of the MCP endpoint: `http(s)://…/mcp`, `…/mcp/<id>`, or `ws(s)://…/ws`. */
  readonly url: string | URL;
  readonly token: TokenSource;
  /** Of this client, for the router's log and audit. */
  readonly name?: string;
  /** Of a call, unless it says otherwise; with all its attempts. */
  readonly timeoutMs?: number;
  /** Sent so often to see whether the router lives. */
  readonly heartbeatMs?: number;
  readonly backOff?: BackOffOptions;
  /** Attempts to connect end after so long. */
  readonly giveUpAfterMs?: number;
  /** How often a call is sent at most that may be repeated. */
  readonly maxAttempts?: number;
  /** What checks arguments; `false` leaves it to the server, for pages that may not make code. */
  readonly validator?: jsonSchemaValidator | false;
  readonly capabilities?: ClientCapabilities;
  /** To add handlers of requests to the SDK's client of each connection. */
  readonly prepare?: (client: Client) => void;
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Why the call is made, where the matrix asks for it. */
  readonly justification?: string;
  /** `true`: wait for the vote on a gated call, as long as `approvalTimeoutMs` (a day). Else it ends with APPROVAL_REQUIRED. */
  readonly awaitApproval?: boolean;
  readonly approvalTimeoutMs?: number;
  /** Called with the proposal of a gated call, and whenever its state was asked. */
  readonly onApproval?: (approval: Approval) => void;
  /** `false`: never sent twice, whatever the tool says of itself. */
  readonly retry?: boolean;
}

interface Work {
  readonly what: string;
  readonly isRepeatable: boolean;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const DAY_MS = 86_400_000;
/** A router answers one that waits for a vote after ten minutes at most. */
const LONGEST_WAIT_MS = 11 * 60_000;
const SHORTEST_BETWEEN_QUESTIONS_MS = 2_000;
/** Refusals that may be gone at the next attempt, of what may be repeated. */
const PASSING: ReadonlySet<Reason> = new Set(['CONNECTION_LOST', 'OUTCOME_UNKNOWN', 'UPSTREAM_UNAVAILABLE']);

export class VillageClient {
  private readonly events = new Events();
  private readonly tokens: Tokens;
  private readonly connection: Connection;
  private readonly checks: ArgumentChecks | undefined;
  private readonly timeoutMs: number;
  private readonly maxAttempts: number;
  private readonly backOff: BackOffOptions;
  private readonly watched = new Map<string, Set<() => void>>();
  private tools: Promise<Map<string, Tool>> | undefined;
  private renewal: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;

  constructor(options: VillageClientOptions) {
    const { token, backOff = { firstMs: 100, longestMs: 5_000 }, validator, capabilities = {} } = options;
    const url = new URL(options.url);
    const refreshUrl = new URL('/api/auth/refresh', url.href.replace(/^ws/, 'http'));
    // Called as a method of ours, a page's fetch would refuse.
    const request: typeof fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.timeoutMs = options.timeoutMs ?? 60_000;
    this.maxAttempts = options.maxAttempts ?? 5;
    this.backOff = backOff;
    this.tokens = new Tokens({ source: token, refreshUrl, fetch: request, now: Date.now });
    this.checks = validator === false ? undefined : new ArgumentChecks(validator ?? linearValidator(), this.events);
    this.connection = new Connection({
      url,
      name: options.name ?? 'aivillage-client',
      tokens: this.tokens,
      events: this.events,
      fetch: request,
      // The results of tools are passed on as they come; nothing is compiled for them.
      client: { capabilities, jsonSchemaValidator: NO_VALIDATION },
      backOff,
      giveUpAfterMs: options.giveUpAfterMs ?? 5 * 60_000,
      heartbeatMs: options.heartbeatMs ?? 30_000,
      prepare: (client) => this.prepare(client, options.prepare),
    });
    this.tokens.onRenewed = (text, expiresAt) => {
      this.connection.renewed(text);
      this.events.emit({ kind: 'token_renewed', expiresAt });
      this.renewInTime();
    };
    this.events.on((event) => {
      if (event.kind === 'state' && event.state === 'connected') this.connected();
      if (event.kind === 'state' && event.state === 'disconnected' && this.watched.size > 0) this.reconnect();
    });
  }

  /** What it does and how it fares. @returns how to stop listening */
  on(listener: Listener): () => void {
    return this.events.on(listener);
  }

  /** Connects now, not on first use. Throws as `call`. */
  async connect(): Promise<void> {
    await this.connection.get(this.timeoutMs);
  }

  /** The tools that the caller may use, by name. */
  async listTools(): Promise<ReadonlyMap<string, Tool>> {
    this.tools ??= this.perform(this.work('tools/list', true), ({ client }, timeoutMs) => listTools(client, timeoutMs));
    const { tools } = this;
    tools.catch(() => {
      if (this.tools === tools) this.tools = undefined;
    });
    return tools;
  }

  /**
   * The structured result of one call; the text where there is none.
   * @throws AppError with the `reason` that the router gave; INVALID_PARAMS before anything is sent; CONNECTION_FAILED when it
   *   did not run; CONNECTION_LOST or TIMEOUT when it may have
   */
  async call(name: string, args: Readonly<Record<string, unknown>> = {}, options: CallOptions = {}): Promise<unknown> {
    const result = await this.callRaw(name, args, options);
    if (result.isError === true) throw errorOfResult(result);
    if (result.structuredContent !== undefined) return result.structuredContent;
    return result.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  }

  /** The whole result, also one that says that the tool failed. Throws as `call`. */
  async callRaw(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options: CallOptions = {},
  ): Promise<CallToolResult> {
    const tool = (await this.listTools()).get(name);
    // One that is not listed may be there in a moment, and the router says of it what it says of all unknown ones.
    if (tool !== undefined) this.checks?.check(tool, args);
    const { timeoutMs = this.timeoutMs, retry = true, signal } = options;
    const work = { what: name, isRepeatable: retry && isRepeatable(tool), timeoutMs, signal };
    const result = await this.perform(work, (live, leftMs) => send(live, name, args, options, leftMs));
    const approval = approvalOf(result);
    if (approval === undefined || !isUndecided(approval)) return result;
    options.onApproval?.(approval);
    if (options.awaitApproval !== true) throw approvalRequired(approval, textOf(result));
    return this.awaitApproval(name, args, options, approval);
  }

  /** The JSON of a resource with one text, or its text. Throws as `call`. */
  async read(uri: string): Promise<unknown> {
    const { contents } = await this.readRaw(uri);
    const [first] = contents;
    if (first === undefined || !('text' in first)) throw new AppError('UPSTREAM_INVALID');
    return first.mimeType === 'application/json' ? (JSON.parse(first.text) as unknown) : first.text;
  }

  readRaw(uri: string): Promise<ReadResourceResult> {
    return this.perform(this.work('resources/read', true), ({ client }, timeout) =>
      client.readResource({ uri }, { timeout }),
    );
  }

  /** Calls `onUpdate` when the resource changed, and after each new connection, when it may have. @returns how to stop */
  subscribe(uri: string, onUpdate: () => void): () => void {
    const isFirst = !this.watched.has(uri);
    const listeners = this.watched.get(uri) ?? new Set();
    this.watched.set(uri, listeners.add(onUpdate));
    if (isFirst) void this.watch(uri);
    return () => {
      listeners.delete(onUpdate);
      if (listeners.size > 0 || !this.watched.delete(uri)) return;
      const work = this.work('resources/unsubscribe', true);
      this.perform(work, ({ client }) => client.unsubscribeResource({ uri })).catch(() => undefined);
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.renewal);
    this.watched.clear();
    await this.connection.close();
  }

  /**
   * The same call asked again: it is one and the same proposal until its outcome was told, so it may be sent as often as it
   * takes. With a progress token the router answers when there is something to say.
   */
  private async awaitApproval(
    name: string,
    args: Readonly<Record<string, unknown>>,
    options: CallOptions,
    first: Approval,
  ): Promise<CallToolResult> {
    const until = performance.now() + (options.approvalTimeoutMs ?? DAY_MS);
    const waiting = { ...options, onProgress: options.onProgress ?? (() => undefined) };
    let latest = first;
    for (;;) {
      const leftMs = until - performance.now();
      if (leftMs <= 0)
        throw approvalRequired(latest, 'Nobody decided in the time that was given; the proposal goes on');
      const asked = performance.now();
      const timeoutMs = Math.min(leftMs, LONGEST_WAIT_MS);
      const work = { what: name, isRepeatable: true, timeoutMs, signal: options.signal };
      let result: CallToolResult | undefined;
      try {
        result = await this.perform(work, (live, ms) => send(live, name, args, waiting, ms));
      } catch (error) {
        if (!(error instanceof AppError) || error.kind !== 'TIMEOUT') throw error;
      }
      if (result !== undefined) {
        const approval = approvalOf(result);
        if (approval === undefined || !isUndecided(approval)) return result;
        latest = approval;
        options.onApproval?.(approval);
      }
      await pause(SHORTEST_BETWEEN_QUESTIONS_MS - (performance.now() - asked), options.signal);
    }
  }

  /** Sends until it is answered, may not be repeated, or its time is over. */
  private async perform<T>(work: Work, send: (live: Live, timeoutMs: number) => Promise<T>): Promise<T> {
    const until = performance.now() + work.timeoutMs;
    const backOff = new BackOff(this.backOff);
    let isRenewed = false;
    let sent = 0;
    for (let attempt = 1; ; attempt++) {
      work.signal?.throwIfAborted();
      const live = await this.connection.get(until - performance.now());
      sent++;
      try {
        return await send(live, until - performance.now());
      } catch (thrown) {
        work.signal?.throwIfAborted();
        const failure = failureOf(thrown);
        const { way, error, fate } = failure;
        if (way === 'session') this.connection.drop(live, error);
        else if (way === 'unreachable') await this.connection.suspect(live);
        if (way === 'token') {
          if (isRenewed) throw error;
          isRenewed = true;
          await this.tokens.renew();
        } else if (!this.mayRepeat(failure, work, sent)) {
          if (fate === 'lost') this.events.emit({ kind: 'lost', what: work.what, reason: error.reason });
          throw fate === 'lost' ? lost(work, error) : error;
        }
        if (fate === 'not_run') sent--;
        this.events.emit({ kind: 'retry', what: work.what, attempt, reason: error.reason });
        const retryAfterMs = typeof error.data?.retryAfterMs === 'number' ? error.data.retryAfterMs : backOff.next();
        if (performance.now() + retryAfterMs >= until) throw fate === 'lost' ? lost(work, error) : error;
        await pause(retryAfterMs, work.signal);
      }
    }
  }

  private mayRepeat({ fate, way, error }: Failure, work: Work, sent: number): boolean {
    if (this.isClosed) return false;
    if (fate === 'not_run') return way !== undefined || error.reason === 'RATE_LIMIT_EXCEEDED';
    if (fate === 'answered' && error.reason === 'RATE_LIMIT_EXCEEDED') return error.data?.retryAfterMs !== undefined;
    if (!work.isRepeatable || sent >= this.maxAttempts) return false;
    return fate === 'lost' || (fate === 'answered' && PASSING.has(error.reason));
  }

  private work(what: string, isRepeatable: boolean): Work {
    return { what, isRepeatable, timeoutMs: this.timeoutMs };
  }

  private prepare(client: Client, more: ((client: Client) => void) | undefined): void {
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => this.tell(params.uri));
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      this.tools = undefined;
      this.events.emit({ kind: 'tools_changed' });
    });
    more?.(client);
  }

  private connected(): void {
    this.tools = undefined;
    this.renewInTime();
    for (const uri of this.watched.keys()) void this.watch(uri);
  }

  private reconnect(): void {
    this.connection.get(Number.MAX_SAFE_INTEGER).catch(() => undefined);
  }

  private async watch(uri: string): Promise<void> {
    try {
      await this.perform(this.work('resources/subscribe', true), ({ client }, timeout) =>
        client.subscribeResource({ uri }, { timeout }),
      );
      this.tell(uri);
    } catch (error) {
      const { reason } = failureOf(error).error;
      this.events.emit({ kind: 'lost', what: `subscription to ${uri}`, reason });
    }
  }

  private tell(uri: string): void {
    for (const onUpdate of this.watched.get(uri) ?? []) onUpdate();
  }

  private renewInTime(): void {
    clearTimeout(this.renewal);
    const { renewAt } = this.tokens;
    if (renewAt === undefined || this.isClosed) return;
    this.renewal = setTimeout(
      () => {
        this.tokens.renew().catch((error: unknown) => {
          this.events.emit({ kind: 'token_failed', reason: failureOf(error).error.reason });
        });
      },
      Math.min(Math.max(1_000, renewAt - Date.now()), 2 ** 31 - 1),
    );
    this.renewal.unref?.();
  }
}

function send(
  { client }: Live,
  name: string,
  args: Readonly<Record<string, unknown>>,
  { signal, onProgress, justification }: CallOptions,
  timeoutMs: number,
): Promise<CallToolResult> {
  const _meta = justification === undefined ? {} : { _meta: { 'io.aivillage/justification': justification } };
  const request = { method: 'tools/call', params: { name, arguments: { ...args }, ..._meta } };
  return client.request(request, CallToolResultSchema, {
    timeout: Math.max(1, timeoutMs),
    ...(signal !== undefined && { signal }),
    ...(onProgress !== undefined && { onprogress: onProgress }),
  });
}

function lost({ what, isRepeatable }: Work, cause: AppError): AppError {
  const text = isRepeatable
    ? `The connection was lost while ${what} ran, each time that it was sent`
    : `The connection was lost while ${what} ran. It may or may not have taken effect, so it was not sent again; look before you repeat it`;
  return new AppError('CONNECTION_LOST', { text, cause });
}

function textOf({ content }: CallToolResult): string {
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end);
      resolve();
    }, ms);
    signal?.addEventListener('abort', end, { once: true });
  });
}
