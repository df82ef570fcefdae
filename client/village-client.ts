/**
 * A client of a village: calls that survive a lost connection where they may be repeated, and say so where they may not. No call
 * is lost in silence, none is sent twice that is not read-only or idempotent.
 */
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  type CallToolResult,
  type ClientCapabilities,
  type ReadResourceResult,
  ResourceUpdatedNotificationSchema,
  type Tool,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import { errorOfResult } from '../shared/client/answers.ts';
import type { BackOffOptions } from '../shared/client/back-off.ts';
import { failureOf } from '../shared/client/failure.ts';
import { AppError } from '../shared/errors.ts';
import { approvalOf, approvalRequired, awaitApproval, isUndecided } from './approval.ts';
import { Attempts, type Work } from './attempts.ts';
import { type Arguments, type CallOptions, sendCall, textOf } from './call.ts';
import { Connection } from './connection.ts';
import { Events, type Listener } from './events.ts';
import { Subscriptions } from './subscriptions.ts';
import { type TokenSource, Tokens } from './tokens.ts';
import { argumentChecks, isRepeatable, listTools, NO_VALIDATION } from './tools.ts';

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

export class VillageClient {
  private readonly events = new Events();
  private readonly tokens: Tokens;
  private readonly connection: Connection;
  private readonly attempts: Attempts;
  private readonly subscriptions: Subscriptions;
  private readonly checks: ReturnType<typeof argumentChecks> | undefined;
  private readonly timeoutMs: number;
  private tools: Promise<Map<string, Tool>> | undefined;
  private renewal: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;

  constructor(options: VillageClientOptions) {
    const { token, backOff = { firstMs: 100, longestMs: 5_000 }, validator, capabilities = {} } = options;
    const { events } = this;
    const url = new URL(options.url);
    const refreshUrl = new URL('/api/auth/refresh', url.href.replace(/^ws/, 'http'));
    // Called as a method of ours, a page's fetch would refuse.
    const request: typeof fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.timeoutMs = options.timeoutMs ?? 60_000;
    this.tokens = new Tokens({ source: token, refreshUrl, fetch: request, now: Date.now });
    this.checks = validator === false ? undefined : argumentChecks(validator, events);
    this.connection = new Connection({
      url,
      name: options.name ?? 'aivillage-client',
      tokens: this.tokens,
      events,
      fetch: request,
      // The results of tools are passed on as they come; nothing is compiled for them.
      client: { capabilities, jsonSchemaValidator: NO_VALIDATION },
      backOff,
      giveUpAfterMs: options.giveUpAfterMs ?? 5 * 60_000,
      heartbeatMs: options.heartbeatMs ?? 30_000,
      prepare: (client) => this.prepare(client, options.prepare),
    });
    const { connection, tokens, timeoutMs } = this;
    this.attempts = new Attempts({ connection, tokens, events, backOff, maxAttempts: options.maxAttempts ?? 5 });
    this.subscriptions = new Subscriptions({ attempts: this.attempts, events, timeoutMs });
    this.tokens.onRenewed = (text, expiresAt) => {
      this.connection.renewed(text);
      events.emit({ kind: 'token_renewed', expiresAt });
      this.renewInTime();
    };
    events.on((event) => {
      if (event.kind === 'state' && event.state === 'connected') this.connected();
      if (event.kind === 'state' && event.state === 'disconnected' && !this.subscriptions.isEmpty) this.reconnect();
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
    this.tools ??= this.attempts.perform(this.reading('tools/list'), ({ client }, timeoutMs) =>
      listTools(client, timeoutMs),
    );
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
  async call(name: string, args: Arguments = {}, options: CallOptions = {}): Promise<unknown> {
    const result = await this.callRaw(name, args, options);
    if (result.isError === true) throw errorOfResult(result);
    return result.structuredContent ?? textOf(result);
  }

  /** The whole result, also one that says that the tool failed. Throws as `call`. */
  async callRaw(name: string, args: Arguments = {}, options: CallOptions = {}): Promise<CallToolResult> {
    const tool = (await this.listTools()).get(name);
    // One that is not listed may be there in a moment, and the router says of it what it says of all unknown ones.
    if (tool !== undefined && this.checks !== undefined) (await this.checks()).check(tool, args);
    const { timeoutMs = this.timeoutMs, retry = true, signal } = options;
    const work = { what: name, isRepeatable: retry && isRepeatable(tool), timeoutMs, signal };
    const result = await this.attempts.perform(work, (live, leftMs) => sendCall(live, name, args, options, leftMs));
    const approval = approvalOf(result);
    if (approval === undefined || !isUndecided(approval)) return result;
    options.onApproval?.(approval);
    if (options.awaitApproval !== true) throw approvalRequired(approval, textOf(result));
    return awaitApproval(this.attempts, name, args, options, approval);
  }

  /** The JSON of a resource with one text, or its text. Throws as `call`. */
  async read(uri: string): Promise<unknown> {
    const { contents } = await this.readRaw(uri);
    const [first] = contents;
    if (first === undefined || !('text' in first)) throw new AppError('UPSTREAM_INVALID');
    return first.mimeType === 'application/json' ? (JSON.parse(first.text) as unknown) : first.text;
  }

  readRaw(uri: string): Promise<ReadResourceResult> {
    return this.attempts.perform(this.reading('resources/read'), ({ client }, timeout) =>
      client.readResource({ uri }, { timeout }),
    );
  }

  /** Calls `onUpdate` when the resource changed, and after each new connection, when it may have. @returns how to stop */
  subscribe(uri: string, onUpdate: () => void): () => void {
    return this.subscriptions.add(uri, onUpdate);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.attempts.close();
    clearTimeout(this.renewal);
    this.subscriptions.clear();
    await this.connection.close();
  }

  private reading(what: string): Work {
    return { what, isRepeatable: true, timeoutMs: this.timeoutMs };
  }

  private prepare(client: Client, more: ((client: Client) => void) | undefined): void {
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) =>
      this.subscriptions.tell(params.uri),
    );
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      this.tools = undefined;
      this.events.emit({ kind: 'tools_changed' });
    });
    more?.(client);
  }

  private connected(): void {
    this.tools = undefined;
    this.renewInTime();
    this.subscriptions.renew();
  }

  private reconnect(): void {
    this.connection.get(Number.MAX_SAFE_INTEGER).catch(() => undefined);
  }

  private renewInTime(): void {
    clearTimeout(this.renewal);
    const { renewAt } = this.tokens;
    if (renewAt === undefined || this.isClosed) return;
    this.renewal = setTimeout(
      () => {
        this.tokens.renew('ending').catch((error: unknown) => {
          this.events.emit({ kind: 'token_failed', reason: failureOf(error).error.reason });
        });
      },
      Math.min(Math.max(1_000, renewAt - Date.now()), 2 ** 31 - 1),
    );
    this.renewal.unref?.();
  }
}
