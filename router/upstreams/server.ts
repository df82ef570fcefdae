/**
 * One server of the configuration: its connection, started when first needed and again, with back-off, when it is lost; and
 * what it last listed, which stays listed while it is away (R5, R6).
 */
import { AppError, toAppError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Call } from '../call.ts';
import { type Definitions, type Item, LIST_NAMES, LISTS, type ListName } from '../catalog/definitions.ts';
import type { CoarseTimer } from '../coarse-timer.ts';
import type { Message } from '../message.ts';
import type { Session } from '../session.ts';
import type { ClientInfo, InitializeResult } from './handshake.ts';
import { HealthCheck } from './health-check.ts';
import type { ListLimits } from './list-all.ts';
import { Listing } from './listing.ts';
import { keepOwnAssertion, type OwnAssertion } from './own-assertion.ts';
import { Peer, type PeerEvents } from './peer.ts';
import type { Transport } from './transport.ts';

export interface ServerOptions {
  readonly id: string;
  /** Before the names of its tools and prompts where servers are merged. */
  readonly prefix: string;
  readonly isolation: 'shared' | 'session';
  /** One of our own, started by us from this installation. */
  readonly isBuiltIn: boolean;
  /** Whether the caller's assertion travels with each call: in `_meta` (stdio), or as the bearer token (HTTP). */
  readonly assertion: 'meta' | 'bearer' | undefined;
  /** The router's own assertion, for what it asks of such a server for itself. */
  readonly ownAssertion: OwnAssertion;
  readonly timeoutMs: number | undefined;
  readonly startTimeoutMs: number | undefined;
  /** Between two questions whether it still answers. */
  readonly healthCheckMs: number;
  /** The ways to reach it, tried in this order at each start. */
  readonly ways: readonly Way[];
  readonly timer: CoarseTimer;
  readonly clientInfo: ClientInfo;
  readonly listLimits: ListLimits;
  readonly log: Logger;
  readonly events: ServerEvents;
  /** The emergency stop that keeps everything from it, if one does: then it is neither started nor sent anything. */
  readonly stopped: () => AppError | undefined;
}

/** Makes a new, unstarted transport; `assertionOf` tells the assertion that goes with a request. */
export type Way = (assertionOf: (requestId: number | undefined) => string | undefined) => Transport;

export interface ServerEvents {
  onRequest: PeerEvents['onRequest'];
  onNotification(server: UpstreamServer, peer: Peer, message: Message, call: Call | undefined): void;
  /** A list now shows something else. */
  onListChanged(server: UpstreamServer, list: ListName, before: readonly Item[]): void;
  onStateChanged(server: UpstreamServer): void;
  /** A connection was made, the first or a new one: what its sessions wanted of the last one is not known on it. */
  onConnected(server: UpstreamServer, peer: Peer): void;
}

/**
 * `idle`: not needed yet · `starting` · `ready` · `waiting`: lost or failed, to be started again · `stopped`: by us ·
 * `halted`: by an emergency stop, until that is ended.
 */
export type ServerState = 'idle' | 'starting' | 'ready' | 'waiting' | 'stopped' | 'halted';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 60_000;
/** After so long without trouble the back-off begins anew: who dies more often than that is started ten times a minute at most. */
const STEADY_MS = 6_000;
/** A call waits for a start that is no further away than this, instead of failing at once. */
const WORTH_WAITING_MS = 2_000;
/** What a halted server has not taken in by then never reaches it. */
const LAST_BYTES_MS = 40;

export class UpstreamServer {
  readonly options: ServerOptions;
  state: ServerState = 'idle';
  /** Milliseconds since the epoch of the last change of state. */
  since = Date.now();
  /** Why it is not ready, in words for its owner. */
  problem: string | undefined;
  starts = 0;
  /** Whether its lists were ever read. */
  hasListed = false;
  private shared: Peer | undefined;
  private readonly own = new Map<Session, Promise<Peer>>();
  /** Connections that are being made. */
  private readonly opening = new Set<Peer>();
  private readonly connected = new Set<Peer>();
  private starting: Promise<Peer> | undefined;
  private retry: NodeJS.Timeout | undefined;
  private retryAt = 0;
  private waitMs = FIRST_WAIT_MS;
  private readyAt = 0;

  private readonly listing: Listing;
  private readonly healthCheck: HealthCheck;

  constructor(options: ServerOptions) {
    this.options = options;
    this.listing = new Listing({
      limits: options.listLimits,
      onChanged: (list, before) => options.events.onListChanged(this, list, before),
      onProblem: (list, problem) =>
        options.log.warn({ server: this.id, list, problem }, 'a list of the server is not whole'),
    });
    this.healthCheck = new HealthCheck({
      timer: options.timer,
      intervalMs: options.healthCheckMs,
      peer: () => this.shared,
      onChange: (answers) => {
        this.problem = answers ? undefined : 'it does not answer a ping';
        options.log.warn({ server: this.id, answers }, 'health check');
      },
    });
  }

  /** What it last listed. */
  get definitions(): Definitions {
    return this.listing.definitions;
  }

  get id(): string {
    return this.options.id;
  }

  get prefix(): string {
    return this.options.prefix;
  }

  /** What it said of itself when it was last connected; undefined before its lists were read for the first time. */
  get initialized(): InitializeResult | undefined {
    return this.lastInitialized;
  }
  private lastInitialized: InitializeResult | undefined;

  /** Every connection there is now. */
  peers(): Peer[] {
    return [...this.connected];
  }

  /**
   * The connection for a session's requests, started when there is none.
   * @throws AppError UPSTREAM_UNAVAILABLE with `retryAfterMs` when it cannot be had soon
   */
  peerFor(session: Session): Peer | Promise<Peer> {
    if (this.options.isolation === 'session') return this.ownPeer(session);
    return this.shared ?? this.start();
  }

  /** Starts it unless it runs; joins a start that is on its way. */
  async start(): Promise<Peer> {
    const stopped = this.options.stopped();
    if (stopped !== undefined) throw stopped;
    // A start that is on its way ends when the lists are read, later than it connects.
    if (this.starting !== undefined) return this.starting;
    if (this.shared !== undefined) return this.shared;
    if (this.state === 'stopped') throw this.unavailable();
    if (this.state === 'waiting') {
      const left = this.retryAt - performance.now();
      if (left > WORTH_WAITING_MS) throw this.unavailable(left);
      if (left <= 0) return this.connect();
      await new Promise((resolve) => setTimeout(resolve, left));
      return this.start();
    }
    return this.connect();
  }

  /** Ends its connections and does not start it again. */
  async stop(): Promise<void> {
    this.healthCheck.stop();
    this.setState('stopped', undefined);
    clearTimeout(this.retry);
    const own = [...this.own.values()];
    this.own.clear();
    // A start on its way is not waited for: it may take as long as it likes.
    await Promise.all([...this.opening, this.shared].map((peer) => peer?.close()));
    const peers = await Promise.all([...own, this.starting].map((peer) => peer?.catch(() => undefined)));
    await Promise.all(peers.map((peer) => peer?.close()));
  }

  /** An emergency stop covers it: nothing is started again, and what has not left by now does not leave. */
  halt(): void {
    if (this.state === 'halted' || this.state === 'stopped') return;
    clearTimeout(this.retry);
    this.setState('halted', 'stopped by an emergency stop');
    setTimeout(() => {
      for (const peer of this.all()) if (peer.isBacklogged && this.state === 'halted') void peer.kill();
    }, LAST_BYTES_MS);
  }

  /** The grace of an emergency stop is over: ends what is halted, and what still runs a call that was cancelled. */
  killHalted(): void {
    for (const peer of this.all()) if (this.state === 'halted' || peer.isUnfinished) void peer.kill();
  }

  private all(): Peer[] {
    return [...this.opening, ...this.connected];
  }

  /** No emergency stop covers it any more. */
  unhalt(): void {
    if (this.state !== 'halted') return;
    this.setState(this.shared === undefined ? 'idle' : 'ready', undefined);
    // What it listed meanwhile could not be asked for.
    if (this.shared !== undefined) void this.listing.read(this.shared, LIST_NAMES);
  }

  /** Ends the connection that a session had to itself. */
  async release(session: Session): Promise<void> {
    const own = this.own.get(session);
    this.own.delete(session);
    await own?.then(
      (peer) => peer.close(),
      () => undefined,
    );
  }

  private connect(): Promise<Peer> {
    clearTimeout(this.retry);
    this.setState('starting', undefined);
    this.starts++;
    const starting = this.openPeer((error) => this.lost(error)).then(
      async (peer) => {
        if (this.state === 'stopped') {
          await peer.close();
          throw this.unavailable();
        }
        this.shared = peer;
        await this.listing.read(peer, LIST_NAMES);
        this.hasListed = true;
        this.lastInitialized = peer.initialized;
        if (this.shared === peer) {
          this.readyAt = performance.now();
          if (this.state === 'starting') this.setState('ready', undefined);
        }
        return peer;
      },
      (error: unknown) => {
        if (this.state === 'starting') this.lost(toAppError(error));
        throw this.unavailable(this.retryAt - performance.now(), error);
      },
    );
    this.starting = starting.finally(() => {
      this.starting = undefined;
    });
    // Whoever waits is told; nobody may be waiting.
    this.starting.catch(() => {});
    return this.starting;
  }

  private async ownPeer(session: Session): Promise<Peer> {
    let own = this.own.get(session);
    if (own === undefined) {
      own = this.openPeer(() => this.own.delete(session), session);
      this.own.set(session, own);
      own.catch(() => this.own.delete(session));
    }
    try {
      return await own;
    } catch (error) {
      throw this.unavailable(undefined, error);
    }
  }

  private async openPeer(onClose: (error: Error | undefined) => void, session?: Session): Promise<Peer> {
    let problem: unknown;
    for (const way of this.options.ways) {
      if (this.state === 'stopped') break;
      try {
        return await this.openBy(way, onClose, session);
      } catch (error) {
        problem ??= error;
      }
    }
    throw problem ?? this.unavailable();
  }

  private async openBy(way: Way, onClose: (error: Error | undefined) => void, session?: Session): Promise<Peer> {
    const { timer, clientInfo, log, events, startTimeoutMs, assertion, ownAssertion } = this.options;
    const own =
      assertion === 'bearer'
        ? await keepOwnAssertion(ownAssertion, (error) =>
            log.error({ server: this.id, err: error }, 'no assertion could be made'),
          )
        : undefined;
    const peer: Peer = new Peer(
      way((id) => peer.assertionOf(id) ?? own?.()),
      {
        timer,
        clientInfo,
        ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
        ...(session === undefined ? {} : { session }),
        stopped: this.options.stopped,
        onBadMessage: (count, why) =>
          log.warn({ server: this.id, count, why }, 'the server printed what is no message; skipped'),
        events: {
          onRequest: events.onRequest,
          onNotification: (from, message, call) =>
            this.told(from, message, () => events.onNotification(this, from, message, call)),
          onClose: (_, error) => {
            this.connected.delete(peer);
            if (connected) onClose(error);
          },
        },
      },
    );
    let connected = false;
    this.opening.add(peer);
    try {
      await peer.connect();
    } finally {
      this.opening.delete(peer);
    }
    if (this.state === 'stopped') {
      await peer.close();
      throw this.unavailable();
    }
    connected = true;
    const stopped = this.options.stopped();
    if (stopped !== undefined) {
      await peer.kill();
      throw stopped;
    }
    this.connected.add(peer);
    events.onConnected(this, peer);
    return peer;
  }

  /** The shared connection ended, or could not be made. */
  private lost(error: Error | undefined): void {
    this.shared = undefined;
    if (this.state === 'stopped' || this.state === 'halted') return;
    const now = performance.now();
    if (this.state === 'ready' && now - this.readyAt > STEADY_MS) this.waitMs = FIRST_WAIT_MS;
    this.retryAt = now + this.waitMs;
    const problem =
      error instanceof AppError && error.cause instanceof Error
        ? error.cause.message
        : (error?.message ?? 'it closed the connection');
    this.options.log.warn(
      { server: this.id, problem, retryInMs: this.waitMs },
      'the server is not available; it will be started again',
    );
    this.retry = setTimeout(() => {
      if (this.starting === undefined) void this.connect();
    }, this.waitMs).unref();
    this.waitMs = Math.min(this.waitMs * 3, LONGEST_WAIT_MS);
    this.setState('waiting', problem);
  }

  private told(peer: Peer, message: Message, otherwise: () => void): void {
    const lists = LIST_NAMES.filter((list) => LISTS[list].changed === message.method);
    if (lists.length === 0) otherwise();
    else if (peer === this.shared) void this.listing.read(peer, lists);
  }

  private setState(state: ServerState, problem: string | undefined): void {
    if (this.state === 'stopped') return;
    this.problem = problem;
    if (state === this.state) return;
    this.state = state;
    this.since = Date.now();
    this.options.events.onStateChanged(this);
  }

  private unavailable(retryAfterMs?: number, cause?: unknown): AppError {
    const data = retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(Math.max(0, retryAfterMs)) };
    return new AppError('UPSTREAM_UNAVAILABLE', { text: `The server ${this.id} is not available`, data, cause });
  }
}
