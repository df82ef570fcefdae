/**
 * One server of the configuration: its copies as one thing to everybody else; what it last listed, which stays listed while
 * it is away (R6); and the connections that sessions have to themselves.
 */
import type { AppError } from '../../shared/errors.ts';
import {
  type Definitions,
  type Item,
  LIST_NAMES,
  type ListName,
  NO_DEFINITIONS,
  sameItems,
} from '../catalog/definitions.ts';
import type { Session } from '../session.ts';
import { unavailable } from './connections.ts';
import { Copy, type ServerState } from './copy.ts';
import type { InitializeResult } from './handshake.ts';
import type { ServerOptions } from './options.ts';
import { ejectOutliers, LOOK_MS } from './outliers.ts';
import type { Peer } from './peer.ts';
import { pick } from './pick.ts';
import { Turns } from './turns.ts';

export type { ServerState } from './copy.ts';

/** A call waits so long for a copy whose breaker is open to answer. */
const CLOSING_MS = 500;
const IDLE_LOOK_MS = 1_000;
const NONE: readonly Copy[] = [];

let created = 0;

export class UpstreamServer {
  readonly options: ServerOptions;
  /** At least one. */
  readonly copies: readonly Copy[];
  /** Where only so many calls may run at a time. */
  readonly turns: Turns | undefined;
  /** No other server object of this process has it, even under the same id. */
  readonly serial = ++created;
  /** Another one, when what was answered before may be wrong now: a list changed, a call changed something. */
  epoch = 0;
  state: ServerState = 'idle';
  /** Milliseconds since the epoch of the last change of state. */
  since = Date.now();
  /** Why it is not ready, or not wholly, in words for its owner. */
  problem: string | undefined;
  /** What it last listed. */
  definitions: Definitions = NO_DEFINITIONS;
  private readonly own = new Map<Session, Promise<Peer>>();
  private readonly stopLooking: (() => void)[] = [];
  private turn = 0;
  private uses = 0;
  private usesSeen = 0;
  private usedAt: number;

  constructor(options: ServerOptions) {
    this.options = options;
    const { timer, maxConcurrent } = options;
    this.usedAt = timer.now();
    this.copies = options.copies.map(
      (copy, index) =>
        new Copy(index + 1, copy, options, {
          onChange: (which) => this.changed(which),
          review: (list, items, work) => options.events.review(this, list, items, work),
          onListed: (which, list) => this.listed(which, [list]),
          onListNotice: () => void this.epoch++,
          onNotification: (peer, message, call) => options.events.onNotification(this, peer, message, call),
          onConnected: (peer) => options.events.onConnected(this, peer),
        }),
    );
    this.turns = maxConcurrent === undefined ? undefined : new Turns(maxConcurrent, timer);
    if (this.turns !== undefined) this.stopLooking.push(this.turns.stop);
    if (this.copies.length > 1) this.every(LOOK_MS, (now) => this.ejectOutliers(now));
    if (options.idleMs !== undefined) this.every(IDLE_LOOK_MS, (now) => this.restWhenIdle(now));
  }

  get id(): string {
    return this.options.id;
  }

  get prefix(): string {
    return this.options.prefix;
  }

  get starts(): number {
    return this.copies.reduce((sum, { starts }) => sum + starts, 0);
  }

  /** Whether its lists were ever read. */
  get hasListed(): boolean {
    return this.copies.some(({ hasListed }) => hasListed);
  }

  /** What it said of itself when it was last connected; undefined before its lists were read for the first time. */
  get initialized(): InitializeResult | undefined {
    return this.copies.find(({ initialized }) => initialized !== undefined)?.initialized;
  }

  /** Every connection there is now. */
  peers(): Peer[] {
    return this.copies.flatMap(({ connections }) => [...connections.connected]);
  }

  /** Whether calls choose among several copies. A session's own connection stays where it is. */
  get isBalanced(): boolean {
    return this.copies.length > 1 && this.options.isolation === 'shared';
  }

  /**
   * A connection for a session's request, started when there is none.
   * @throws AppError UPSTREAM_UNAVAILABLE with `retryAfterMs` when it cannot be had soon
   */
  peerFor(session: Session): Peer | Promise<Peer> {
    this.uses++;
    if (this.options.isolation === 'session') return this.ownPeer(session);
    return this.copies.find(({ peer }) => peer !== undefined)?.peer ?? this.start();
  }

  /**
   * The copy for a call, connected; one that it was not at yet.
   * @throws AppError UPSTREAM_UNAVAILABLE, at once or as a rejection
   */
  copyFor(item: Item, tried: readonly Copy[] = NONE): Copy | Promise<Copy> {
    const { copies } = this;
    this.uses++;
    if (copies.length === 1) {
      const only = copies[0]!;
      return only.peer !== undefined && !only.liveness.isOpen ? only : this.copySoon(item, tried);
    }
    return pick(copies, item, tried, this.options.strategy, this.turn++) ?? this.copySoon(item, tried);
  }

  private async copySoon(item: Item, tried: readonly Copy[]): Promise<Copy> {
    const untried = this.copies.filter((copy) => !tried.includes(copy));
    const open = untried.filter(({ liveness }) => liveness.isOpen);
    const starts = untried.filter((copy) => !open.includes(copy)).map((copy) => copy.start());
    try {
      await Promise.any([...starts, ...open.map((copy) => closed(copy, this.id))]);
    } catch (error) {
      throw soonest(error, this.id);
    }
    const found =
      this.copies.length === 1
        ? this.copies.find(({ peer, liveness }) => peer !== undefined && !liveness.isOpen)
        : pick(this.copies, item, tried, this.options.strategy, this.turn++);
    if (found === undefined) throw unavailable(this.id);
    return found;
  }

  /** Starts every copy that does not run; joins starts on their way. Resolves when one is there. */
  async start(): Promise<Peer> {
    this.uses++;
    if (this.copies.length === 1) return this.copies[0]!.start();
    try {
      return await Promise.any(this.copies.map((copy) => copy.start()));
    } catch (error) {
      throw soonest(error, this.id);
    }
  }

  /** Ends its connections and does not start it again. */
  async stop(): Promise<void> {
    for (const stop of this.stopLooking) stop();
    this.setState('stopped', undefined);
    const own = [...this.own.values()];
    this.own.clear();
    await Promise.all(this.copies.map((copy) => copy.stop()));
    const peers = await Promise.all(own.map((peer) => peer.catch(() => undefined)));
    await Promise.all(peers.map((peer) => peer?.close()));
  }

  halt(): void {
    for (const copy of this.copies) copy.halt();
  }

  killHalted(): void {
    for (const copy of this.copies) copy.killHalted();
  }

  unhalt(): void {
    for (const copy of this.copies) copy.unhalt();
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

  /** Made at the first use, at one copy, and kept there: what the session left with it is there the next time too. */
  private async ownPeer(session: Session): Promise<Peer> {
    let own = this.own.get(session);
    if (own === undefined) {
      const able = this.copies.filter(({ state, liveness }) => state === 'ready' && liveness.answers);
      const among = able.length > 0 ? able : this.copies;
      own = among[this.turn++ % among.length]!.connections.open(() => this.own.delete(session), session);
      this.own.set(session, own);
      own.catch(() => this.own.delete(session));
    }
    try {
      return await own;
    } catch (error) {
      throw unavailable(this.id, undefined, error);
    }
  }

  /** A copy lists something else than before: that is what the server shows from now on. */
  private listed(copy: Copy, lists: readonly ListName[]): void {
    this.epoch++;
    for (const list of lists) {
      const before = this.definitions[list];
      const now = copy.listing.definitions[list];
      if (sameItems(before, now)) continue;
      this.definitions = { ...this.definitions, [list]: now };
      this.options.events.onListChanged(this, list, before);
    }
    this.compareCopies();
  }

  private compareCopies(): void {
    if (this.copies.length === 1) return;
    for (const each of this.copies) {
      const { definitions } = each.listing;
      each.differs = LIST_NAMES.some((list) => !sameItems(definitions[list], this.definitions[list]));
    }
  }

  private changed(copy: Copy): void {
    const { id, log } = this.options;
    const { copies } = this;
    if (copies.length > 1) {
      log.info({ server: id, copy: copy.number, state: copy.state, problem: copy.problem }, 'copy of a server');
      this.compareCopies();
      // Nobody is left who has what is shown.
      const ready = copies.filter(({ state }) => state === 'ready');
      if (ready.length > 0 && ready.every(({ differs }) => differs)) this.listed(ready[0]!, LIST_NAMES);
    }
    const troubled = copies.filter(({ problem }) => problem !== undefined);
    const first = troubled[0];
    const problem =
      first === undefined || copies.length === 1
        ? first?.problem
        : `${troubled.length} of ${copies.length} copies: ${first.problem}`;
    this.setState(STATES.find((state) => copies.some((each) => each.state === state)) ?? 'idle', problem);
  }

  private setState(state: ServerState, problem: string | undefined): void {
    if (this.state === 'stopped') return;
    this.problem = problem;
    if (state === this.state) return;
    this.state = state;
    this.since = Date.now();
    this.options.events.onStateChanged(this);
  }

  private ejectOutliers(now: number): void {
    const tallies = this.copies.map((copy) => copy.tally);
    for (const tally of ejectOutliers(tallies, now)) {
      const copy = tallies.indexOf(tally) + 1;
      const forMs = Math.round(tally.ejectedUntil - now);
      this.options.log.warn(
        { server: this.id, copy, forMs },
        'calls fail at this copy far more often than at the others; they go elsewhere for a while',
      );
    }
  }

  private restWhenIdle(now: number): void {
    const isUsed = this.uses !== this.usesSeen || this.peers().some((peer) => peer.inFlight > 0);
    this.usesSeen = this.uses;
    if (isUsed || this.options.isAwaited()) this.usedAt = now;
    if (now - this.usedAt < this.options.idleMs!) return;
    for (const copy of this.copies) void copy.rest();
  }

  private every(ms: number, job: (now: number) => void): void {
    let at = this.options.timer.now();
    const stop = this.options.timer.add((now) => {
      if (now - at < ms) return;
      at = now;
      job(now);
    });
    this.stopLooking.push(stop);
  }
}

/** Of several copies the best state is the server's. */
const STATES: readonly ServerState[] = ['ready', 'starting', 'waiting', 'idle', 'halted', 'stopped'];

async function closed(copy: Copy, serverId: string): Promise<void> {
  await copy.liveness.closed(CLOSING_MS);
  if (copy.liveness.isOpen) throw unavailable(serverId, CLOSING_MS);
  // What closed it may be that its connection is gone, and a new one is to be made.
  await copy.start();
}

/** Of the reasons why no copy can be had, the one that is over first. */
function soonest(error: unknown, serverId: string): AppError {
  const errors = error instanceof AggregateError ? (error.errors as AppError[]) : [];
  const after = (each: AppError) => Number(each.data?.retryAfterMs ?? Number.POSITIVE_INFINITY);
  return errors.toSorted((a, b) => after(a) - after(b))[0] ?? unavailable(serverId, undefined, error);
}
