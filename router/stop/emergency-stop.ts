/**
 * The stops as this process knows them: told by whoever orders here, and seen within 20 ms when another process on the data
 * folder does. Says whether a call may start; what a stop does to calls and servers is stop/enforce.ts.
 */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from '../../shared/logger.ts';
import type { StopState, StopStore } from './stop-store.ts';
import { covers, coversServer, type Reach, type Stop } from './stops.ts';

const LOOK_EVERY_MS = 20;
/** A check that is asked later than this after the last look, looks itself: the process may have been busy, or asleep. */
const STALE_MS = 60;
/** How long an order waits for the other processes to have taken it over. */
const OTHERS_MS = 900;
const ASK_EVERY_MS = 5;

/** In force while the state cannot be read: fails closed. */
const UNREADABLE: Stop = {
  scope: 'all',
  reason: 'the state of the emergency stop cannot be read',
  by: 'router',
  at: 0,
};

/** What became of an order. */
export interface Ordered {
  readonly stops: readonly Stop[];
  /** Other router processes that live and did not say in time that they took it over. */
  readonly behind: number;
  /** False when it could not be written: it holds in this process, and in no other and after no restart. */
  readonly isKept: boolean;
}

export class EmergencyStop {
  private readonly store: StopStore;
  private readonly log: Pick<Logger, 'error' | 'warn'>;
  private readonly id = randomUUID();
  private readonly listeners = new Set<(stops: readonly Stop[]) => void>();
  private state: StopState = { generation: -1, stops: [UNREADABLE] };
  private inForce: readonly Stop[] = this.state.stops;
  private mark = '';
  private lookedAt = 0;
  /** Ordered here and not written, by scope. */
  private readonly unwritten = new Map<string, Stop>();
  private timer: NodeJS.Timeout | undefined;
  private watcher: fs.FSWatcher | undefined;

  constructor(store: StopStore, log: Pick<Logger, 'error' | 'warn'>) {
    this.store = store;
    this.log = log;
    this.look();
  }

  /** Those in force. */
  get stops(): readonly Stop[] {
    return this.inForce;
  }

  /** Follows what other processes order; tells of it by `onChange`. */
  watch(): void {
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.timer.unref();
    this.store.seen(this.id, Math.max(0, this.state.generation));
    try {
      this.watcher = fs.watch(this.store.folder, { persistent: false }, (event) => {
        if (event === 'rename') this.look();
      });
      this.watcher.on('error', () => this.watcher?.close());
    } catch {
      // The look by timer is what must work; a system that tells of changes only makes it sooner.
    }
  }

  /** Hears the stops in force whenever they changed, at once. */
  onChange(listener: (stops: readonly Stop[]) => void): void {
    this.listeners.add(listener);
  }

  /** Whether nothing at all is stopped, as far as can be known at this moment. */
  get isClear(): boolean {
    return this.current().length === 0;
  }

  /** The stop that covers this, if one does. */
  covering(reach: Reach): Stop | undefined {
    return this.current().find((stop) => covers(stop, reach));
  }

  /** The stop that keeps everything from this server, if one does. */
  coveringServer(serverId: string): Stop | undefined {
    const stops = this.current();
    return stops.length === 0 ? undefined : stops.find((stop) => coversServer(stop, serverId));
  }

  /** Holds here at once, before anything is written; and everywhere when it resolves, unless that says otherwise. */
  async stop(stop: Stop): Promise<Ordered> {
    this.unwritten.set(stop.scope, stop);
    this.take(this.state);
    let generation: number;
    try {
      generation = this.store.add(stop);
    } catch (error) {
      this.log.error({ err: error }, 'an emergency stop cannot be written: it holds in this process alone');
      return { stops: this.stops, behind: 0, isKept: false };
    }
    this.unwritten.delete(stop.scope);
    this.look(true);
    return this.held(generation);
  }

  /** @param scope undefined ends all. Throws what keeps it from being written: then nothing resumes. */
  async resume(scope: string | undefined): Promise<Ordered> {
    const generation = this.store.remove(scope);
    if (scope === undefined) this.unwritten.clear();
    else this.unwritten.delete(scope);
    this.look(true);
    return this.held(generation);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.watcher?.close();
    if (this.timer !== undefined) this.store.leave(this.id);
    await this.store.close();
  }

  private current(): readonly Stop[] {
    if (performance.now() - this.lookedAt > STALE_MS) this.look();
    return this.inForce;
  }

  /** @param isChanged by this very process, which its own mark does not show */
  private look(isChanged = false): void {
    this.lookedAt = performance.now();
    let state: StopState;
    let mark = '';
    try {
      mark = this.store.mark();
      if (!isChanged && mark === this.mark && this.state.generation >= 0) return;
      state = this.store.read();
    } catch (error) {
      if (this.state.generation !== -1)
        this.log.error({ err: error }, 'the emergency stop cannot be read: all is stopped');
      state = { generation: -1, stops: [UNREADABLE] };
    }
    this.mark = mark;
    this.take(state);
    this.saySeen();
  }

  private take(state: StopState): void {
    const before = this.inForce;
    this.state = state;
    const others = state.stops.filter(({ scope }) => !this.unwritten.has(scope));
    this.inForce = this.unwritten.size === 0 ? state.stops : [...others, ...this.unwritten.values()];
    if (JSON.stringify(before) !== JSON.stringify(this.inForce)) {
      for (const listener of this.listeners) listener(this.inForce);
    }
  }

  /** Only who enforces counts as a watcher; a command that gives an order has nothing to take over. */
  private saySeen(): void {
    const { generation } = this.state;
    if (this.timer === undefined || generation < 0) return;
    try {
      this.store.seen(this.id, generation);
    } catch (error) {
      this.log.warn({ err: error }, 'other processes cannot be told that the emergency stop holds here');
    }
  }

  private async held(generation: number): Promise<Ordered> {
    const until = performance.now() + OTHERS_MS;
    for (;;) {
      const behind = this.store.behind(generation);
      if (behind === 0 || performance.now() >= until) return { stops: this.stops, behind, isKept: true };
      await wait(ASK_EVERY_MS);
    }
  }
}
