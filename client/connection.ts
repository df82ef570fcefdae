/**
 * Owns the one connection to the router: opened on first use, watched by a heartbeat, opened anew when it is lost, with longer
 * and longer waits. Knows nothing of tools, and sends nothing twice.
 */
import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { BackOff, type BackOffOptions } from '../shared/client/back-off.ts';
import { failureOf } from '../shared/client/failure.ts';
import { AppError } from '../shared/errors.ts';
import type { Events } from './events.ts';
import type { Tokens } from './tokens.ts';
import { WebSocketTransport } from './web-socket-transport.ts';

export interface ConnectionOptions {
  /** Of the MCP endpoint: `http(s)://…/mcp`, or `ws(s)://…/ws`. */
  readonly url: URL;
  readonly name: string;
  readonly tokens: Tokens;
  readonly events: Events;
  readonly fetch: typeof fetch;
  readonly client: ClientOptions;
  readonly backOff: BackOffOptions;
  /** Attempts end after so long without a connection. */
  readonly giveUpAfterMs: number;
  readonly heartbeatMs: number;
  /** Before anything is sent: to add handlers. */
  readonly prepare: (client: Client) => void;
}

export interface Live {
  readonly client: Client;
  readonly transport: Transport;
}

/** P8; no longer than to the next one. */
const PING_TIMEOUT_MS = 10_000;
const PROBE_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 15_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Of the SDK, for streams that broke while the session lives: what they missed comes again. */
const RESUME = {
  initialReconnectionDelay: 100,
  maxReconnectionDelay: 2_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: 4,
};

export class Connection {
  private readonly options: ConnectionOptions;
  private live: Live | undefined;
  private opening: Promise<Live> | undefined;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private probed: Live | undefined;
  private lostAt: number | undefined;
  private isClosed = false;
  private wake: () => void = () => {};

  constructor(options: ConnectionOptions) {
    this.options = options;
  }

  /**
   * The open connection; waits for one.
   * @throws AppError CONNECTION_FAILED after `withinMs`, RECONNECTION_FAILED when the attempts ended, UNAUTHENTICATED
   */
  get(withinMs: number): Promise<Live> {
    if (this.live !== undefined) return Promise.resolve(this.live);
    if (this.isClosed) return Promise.reject(new AppError('CONNECTION_FAILED', { text: 'The client was closed' }));
    this.opening ??= this.open().finally(() => {
      this.opening = undefined;
    });
    return within(this.opening, withinMs);
  }

  /** This connection does not work: what waits on it ends, and the next use opens another. */
  drop(live: Live, error: AppError): void {
    if (this.live !== live) return;
    this.live = undefined;
    this.lostAt = performance.now();
    clearInterval(this.heartbeat);
    live.client.close().catch(() => undefined);
    this.options.events.emit({ kind: 'state', state: 'disconnected', reason: error.reason });
  }

  /** Something failed: asks whether the connection lives, and drops it when not. */
  async suspect(live: Live): Promise<void> {
    if (this.live !== live || this.probed === live) return;
    this.probed = live;
    try {
      await live.client.ping({ timeout: PROBE_TIMEOUT_MS });
    } catch (error) {
      const { fate, error: why } = failureOf(error);
      if (fate !== 'answered') this.drop(live, why);
    } finally {
      this.probed = undefined;
    }
  }

  /** A connection that stands on its token is told of the newer one. */
  renewed(token: string): void {
    const { live } = this;
    if (live?.transport instanceof WebSocketTransport) live.transport.renew(token).catch(() => this.suspect(live));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.heartbeat);
    this.wake();
    const { live } = this;
    this.live = undefined;
    if (live?.transport instanceof StreamableHTTPClientTransport) {
      await live.transport.terminateSession().catch(() => undefined);
    }
    await live?.client.close();
    this.options.events.emit({ kind: 'state', state: 'closed' });
  }

  private async open(): Promise<Live> {
    const { events, giveUpAfterMs, tokens } = this.options;
    const backOff = new BackOff(this.options.backOff);
    const since = performance.now();
    let wasRefused = false;
    events.emit({ kind: 'state', state: 'connecting' });
    // All clients of a router that was restarted come back: not in the same moment.
    if (this.lostAt !== undefined) await this.pause(backOff.next());
    for (let attempt = 1; ; attempt++) {
      if (this.isClosed) throw new AppError('CONNECTION_FAILED', { text: 'The client was closed' });
      try {
        const live = await this.attempt();
        this.opened(live, attempt);
        return live;
      } catch (thrown) {
        const { way, error } = failureOf(thrown);
        if (error.kind === 'UNAUTHENTICATED') {
          if (way !== 'token' || wasRefused) throw error;
          wasRefused = true;
          await tokens.renew('refused');
          continue;
        }
        if (error.kind === 'FORBIDDEN' || error.kind === 'INVALID_REQUEST') throw error;
        if (performance.now() - since > giveUpAfterMs) {
          throw new AppError('RECONNECTION_FAILED', {
            text: `The router could not be reached ${attempt} times in ${Math.round((performance.now() - since) / 1000)} s`,
            cause: thrown,
          });
        }
        const retryAfterMs = typeof error.data?.retryAfterMs === 'number' ? error.data.retryAfterMs : 0;
        const waitMs = Math.max(backOff.next(), retryAfterMs);
        events.emit({ kind: 'attempt_failed', attempt, waitMs, reason: error.reason });
        await this.pause(waitMs);
      }
    }
  }

  private async attempt(): Promise<Live> {
    const { name, client: clientOptions, prepare, url, tokens } = this.options;
    const transport = url.protocol.startsWith('ws') ? new WebSocketTransport(url, await tokens.get()) : this.http();
    const client = new Client({ name, version: '1' }, clientOptions);
    prepare(client);
    try {
      await client.connect(transport, { timeout: CONNECT_TIMEOUT_MS });
    } catch (error) {
      client.close().catch(() => undefined);
      throw error;
    }
    return { client, transport };
  }

  /** Cast once: the SDK's transport does not fit its own interface under exactOptionalPropertyTypes. */
  private http(): Transport {
    const { tokens, url } = this.options;
    const authorized: typeof fetch = async (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set('authorization', `Bearer ${await tokens.get()}`);
      return this.options.fetch(input, { ...init, headers });
    };
    return new StreamableHTTPClientTransport(url, { fetch: authorized, reconnectionOptions: RESUME }) as Transport;
  }

  private opened(live: Live, attempts: number): void {
    const { events, heartbeatMs } = this.options;
    this.live = live;
    live.client.onerror = (error) => {
      events.emit({ kind: 'fault', text: error.name });
      void this.suspect(live);
    };
    live.client.onclose = () => this.drop(live, new AppError('CONNECTION_LOST'));
    this.heartbeat = setInterval(() => void this.beat(live), heartbeatMs);
    this.heartbeat.unref?.();
    events.emit({ kind: 'state', state: 'connected' });
    if (this.lostAt !== undefined) {
      events.emit({ kind: 'reconnected', attempts, downMs: performance.now() - this.lostAt });
    }
  }

  private async beat(live: Live): Promise<void> {
    const since = performance.now();
    try {
      await live.client.ping({ timeout: Math.min(PING_TIMEOUT_MS, this.options.heartbeatMs) });
      this.options.events.emit({ kind: 'heartbeat', roundTripMs: performance.now() - since });
    } catch (thrown) {
      const { fate, error } = failureOf(thrown);
      if (fate === 'timeout') this.drop(live, new AppError('HEARTBEAT_TIMEOUT', { cause: thrown }));
      else if (fate !== 'answered') this.drop(live, error);
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Rejects with CONNECTION_FAILED when it takes longer; the promise itself goes on. */
function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(new AppError('CONNECTION_FAILED', { text: 'The router cannot be reached in the time of this call' })),
      Math.min(Math.max(0, ms), LONGEST_TIMER_MS),
    );
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
