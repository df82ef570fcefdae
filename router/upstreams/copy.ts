/**
 * One running copy of a server: its connection, started when first needed and again, with back-off, when it is lost (R5); what
 * it last listed; whether it answers; what came of its calls. Which copy a call goes to is for pick.ts.
 */
import { AppError, toAppError } from '../../shared/errors.ts';
import type { Work } from '../background.ts';
import type { Call } from '../call.ts';
import { type Item, LIST_NAMES, LISTS, type ListName } from '../catalog/definitions.ts';
import type { Message } from '../message.ts';
import { Connections, unavailable } from './connections.ts';
import type { InitializeResult } from './handshake.ts';
import { Listing } from './listing.ts';
import { Liveness } from './liveness.ts';
import type { CopyOptions, ServerOptions } from './options.ts';
import { newTally, type Tally } from './outliers.ts';
import { PeakEwma } from './peak-ewma.ts';
import type { Peer } from './peer.ts';
import type { Weighed } from './strategies.ts';

/**
 * `idle`: not needed yet · `starting` · `ready` · `waiting`: lost or failed, to be started again · `stopped`: by us ·
 * `halted`: by an emergency stop, until that is ended.
 */
export type ServerState = 'idle' | 'starting' | 'ready' | 'waiting' | 'stopped' | 'halted';

export interface CopyEvents {
  /** Its state or problem is another. */
  onChange(copy: Copy): void;
  review(list: ListName, items: readonly Item[], work: Work): Promise<void>;
  onListed(copy: Copy, list: ListName): void;
  /** It says that a list changed. */
  onListNotice(): void;
  onNotification(peer: Peer, message: Message, call: Call | undefined): void;
  onConnected(peer: Peer): void;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 60_000;
/** Longer waits by up to this part: servers that failed together are not started together. */
const SPREAD = 0.25;
/** After so long without trouble the back-off begins anew: who dies more often than that is started ten times a minute at most. */
const STEADY_MS = 6_000;
/** A call waits for a start that is no further away than this, instead of failing at once. */
const WORTH_WAITING_MS = 2_000;
/** What a halted server has not taken in by then never reaches it. */
const LAST_BYTES_MS = 40;

export class Copy implements Weighed {
  /** From 1, as people count. */
  readonly number: number;
  readonly priority: number;
  readonly connections: Connections;
  readonly listing: Listing;
  readonly liveness: Liveness;
  readonly tally: Tally = newTally();
  state: ServerState = 'idle';
  /** Why it is not ready, in words for its owner. */
  problem: string | undefined;
  starts = 0;
  /** Whether its lists were ever read. */
  hasListed = false;
  /** The connection that sessions share. */
  peer: Peer | undefined;
  /** Whether the lists of that connection were read. */
  isListed = false;
  /** It lists something else than the server shows: it is used for what is the same. */
  differs = false;
  initialized: InitializeResult | undefined;
  credit = 0;
  private readonly options: ServerOptions;
  private readonly events: CopyEvents;
  private readonly hasSiblings: boolean;
  private readonly latency = new PeakEwma();
  private digests: ReadonlySet<string> | undefined;
  private starting: Promise<Peer> | undefined;
  private retry: NodeJS.Timeout | undefined;
  private retryAt = 0;
  private waitMs = FIRST_WAIT_MS;
  private readyAt = 0;

  constructor(number: number, { priority, ways }: CopyOptions, options: ServerOptions, events: CopyEvents) {
    this.number = number;
    this.priority = priority;
    this.options = options;
    this.events = events;
    this.hasSiblings = options.copies.length > 1;
    this.connections = new Connections(options, ways, {
      onConnected: (peer) => events.onConnected(peer),
      onNotification: (peer, message, call) => this.told(peer, message, call),
    });
    this.listing = new Listing({
      limits: options.listLimits,
      background: options.background,
      review: (list, items, work) => events.review(list, items, work),
      onChanged: (list) => {
        this.digests = undefined;
        events.onListed(this, list);
      },
      onProblem: (list, problem) =>
        options.log.warn({ server: options.id, list, problem }, 'a list of the server is not whole'),
    });
    this.liveness = new Liveness({
      timer: options.timer,
      intervalMs: options.healthCheckMs,
      hasSiblings: this.hasSiblings,
      peer: () => this.peer,
      onChange: () => this.livenessChanged(),
    });
  }

  get inFlight(): number {
    return this.peer?.inFlight ?? 0;
  }

  cost(now: number): number {
    return this.latency.value(now);
  }

  /** Whether it offers this very thing, with this definition. */
  has({ digest }: Item): boolean {
    if (!this.differs || digest === '') return true;
    this.digests ??= new Set(LIST_NAMES.flatMap((list) => this.listing.definitions[list].map((item) => item.digest)));
    return this.digests.has(digest);
  }

  /** A call of its was answered. @param isError what it answered is that it failed */
  answered(tookMs: number, now: number, isError: boolean): void {
    this.liveness.succeeded();
    this.latency.observe(tookMs, now);
    this.tally.calls++;
    if (isError) this.tally.errors++;
  }

  /** A call of its ended without an answer, for a reason that may be its own. */
  failed(): void {
    this.liveness.failed();
    this.tally.calls++;
    this.tally.errors++;
  }

  /**
   * Starts it unless it runs; joins a start that is on its way.
   * @throws AppError UPSTREAM_UNAVAILABLE with `retryAfterMs` when it cannot be had soon
   */
  async start(): Promise<Peer> {
    const stopped = this.options.stopped();
    if (stopped !== undefined) throw stopped;
    // A start that is on its way ends when the lists are read, later than it connects.
    if (this.starting !== undefined) return this.starting;
    if (this.peer !== undefined) return this.peer;
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
    this.liveness.stop();
    this.setState('stopped', undefined);
    clearTimeout(this.retry);
    // A start on its way is not waited for: it may take as long as it likes.
    await Promise.all([this.connections.stop(), this.peer?.close()]);
    const late = await this.starting?.catch(() => undefined);
    await late?.close();
  }

  /** Lets its connection go; the next use makes a new one. */
  async rest(): Promise<void> {
    const { peer } = this;
    if (peer === undefined || this.state !== 'ready' || this.starting !== undefined) return;
    this.peer = undefined;
    this.isListed = false;
    this.setState('idle', undefined);
    await peer.close();
  }

  /** An emergency stop covers it: nothing is started again, and what has not left by now does not leave. */
  halt(): void {
    if (this.state === 'halted' || this.state === 'stopped') return;
    clearTimeout(this.retry);
    this.setState('halted', 'stopped by an emergency stop');
    setTimeout(() => {
      for (const peer of this.connections.all()) if (peer.isBacklogged && this.state === 'halted') void peer.kill();
    }, LAST_BYTES_MS);
  }

  /** The grace of an emergency stop is over: ends what is halted, and what still runs a call that was cancelled. */
  killHalted(): void {
    for (const peer of this.connections.all()) if (this.state === 'halted' || peer.isUnfinished) void peer.kill();
  }

  /** No emergency stop covers it any more. */
  unhalt(): void {
    if (this.state !== 'halted') return;
    this.setState(this.peer === undefined ? 'idle' : 'ready', undefined);
    // What it listed meanwhile could not be asked for.
    if (this.peer !== undefined) void this.listing.read(this.peer, LIST_NAMES);
  }

  private connect(): Promise<Peer> {
    clearTimeout(this.retry);
    this.setState('starting', undefined);
    this.starts++;
    let made: Peer | undefined;
    const starting = this.connections
      .open((error) => {
        // One that was let go on purpose is not lost.
        if (this.peer === made) this.lost(error);
      })
      .then(
        async (peer) => {
          made = peer;
          if (this.state === 'stopped') {
            await peer.close();
            throw this.unavailable();
          }
          if (peer.isClosed) throw this.unavailable(this.retryAt - performance.now());
          this.peer = peer;
          this.liveness.reset();
          await this.listing.read(peer, LIST_NAMES);
          this.hasListed = true;
          this.initialized = peer.initialized;
          if (this.peer === peer) {
            this.isListed = true;
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

  /** The shared connection ended, or could not be made. */
  private lost(error: Error | undefined): void {
    this.peer = undefined;
    this.isListed = false;
    if (this.state === 'stopped' || this.state === 'halted') return;
    const now = performance.now();
    if (this.state === 'ready' && now - this.readyAt > STEADY_MS) this.waitMs = FIRST_WAIT_MS;
    this.retryAt = now + this.waitMs * (1 + Math.random() * SPREAD);
    const problem =
      error instanceof AppError && error.cause instanceof Error
        ? error.cause.message
        : (error?.message ?? 'it closed the connection');
    this.options.log.warn(
      { ...this.named, problem, retryInMs: this.waitMs },
      'the server is not available; it will be started again',
    );
    // One that was well comes back at once; those that fail all the time come one after the other.
    const isFirst = this.waitMs === FIRST_WAIT_MS;
    this.retry = setTimeout(() => {
      if (isFirst) void this.again();
      else this.options.restarts.ask(() => this.again());
    }, this.retryAt - now).unref();
    this.waitMs = Math.min(this.waitMs * 3, LONGEST_WAIT_MS);
    this.setState('waiting', problem);
    this.liveness.reset();
  }

  /** The next try, unless somebody made it meanwhile, or it is not wanted any more. */
  private async again(): Promise<void> {
    if (this.state !== 'waiting' || this.starting !== undefined) return;
    try {
      await this.connect();
    } catch {
      // Its state says why.
    }
  }

  private get named(): { server: string; copy?: number } {
    return this.hasSiblings ? { server: this.options.id, copy: this.number } : { server: this.options.id };
  }

  private told(peer: Peer, message: Message, call: Call | undefined): void {
    const lists = LIST_NAMES.filter((list) => LISTS[list].changed === message.method);
    if (lists.length === 0) this.events.onNotification(peer, message, call);
    else if (peer === this.peer) {
      this.events.onListNotice();
      void this.listing.read(peer, lists);
    }
  }

  private livenessChanged(): void {
    const { answers, isStalled, isOpen } = this.liveness;
    if (this.state === 'ready') {
      this.options.log.warn({ ...this.named, answers, isOpen }, 'health check');
      this.problem = !answers ? 'it does not answer a ping' : isOpen ? 'it leaves calls unanswered' : undefined;
      this.events.onChange(this);
    }
    // What can be made elsewhere does not wait for its deadline here.
    if (isStalled) this.peer?.giveUpMovable();
  }

  private setState(state: ServerState, problem: string | undefined): void {
    if (this.state === 'stopped') return;
    const isNews = state !== this.state || problem !== this.problem;
    this.problem = problem;
    this.state = state;
    if (isNews) this.events.onChange(this);
  }

  private unavailable(retryAfterMs?: number, cause?: unknown): AppError {
    return unavailable(this.options.id, retryAfterMs, cause);
  }
}
