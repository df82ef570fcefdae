/**
 * Whether one more call of a key stays within its limit: at most so many in any 60 s, over all router processes of a data
 * folder. What this process may let through it leases from the ledger in blocks; a call waits only when its block is used up.
 */
import type { CoarseTimer } from '../coarse-timer.ts';
import { CallWindows, type KeyHash, stepOf } from './call-windows.ts';
import { hashOf, numberOf } from './key-hash.ts';
import type { Ledger } from './ledger.ts';

/** The first block is this part of the limit; then each is as large as what counts already: what a process that dies leaves behind is small. */
const FIRST_BLOCK = 0.01;
/** A block is renewed or given back this often at the latest; a segment at a time. */
const ROUND_MS = 9_600;
/** What was not used for so long is given back. */
const IDLE_MS = 5_000;
/** A process that stood still so long may have lost its blocks to others. */
const LOST_MS = 30_000;
/** When the others have what is left, they give it back within this time or use it. */
const ELSEWHERE_MS = 1_000;

export interface LimiterOptions {
  readonly ledger: Ledger;
  readonly timer: Pick<CoarseTimer, 'add'>;
  /** Milliseconds on a clock that all processes of this machine share and that never goes back. */
  readonly now: () => number;
  /** The ledger cannot be asked: what is leased goes on, nothing more is let through. */
  readonly onFault: (error: unknown) => void;
}

interface Asked {
  readonly hash: KeyHash;
  readonly limit: number;
  waiting: number;
  readonly done: Promise<void>;
  readonly resolve: () => void;
}

export class Limiter {
  readonly windows = new CallWindows();
  readonly stop: () => void;
  private readonly options: LimiterOptions;
  private asked = new Map<number, Asked>();
  private flushing: Promise<void> | undefined;
  private nextSegment = 0;
  private walkedAt: number;

  constructor(options: LimiterOptions) {
    this.options = options;
    this.walkedAt = options.now();
    this.stop = options.timer.add(() => this.walk());
  }

  /**
   * Counts a call when it stays within the limit.
   * @returns 0 when it does, else milliseconds until another may; as a promise when more has to be leased first
   */
  take(key: string, limit: number): number | Promise<number> {
    const now = this.options.now();
    if (now - this.walkedAt > LOST_MS) this.giveUpLeases(now);
    const hash = hashOf(key, this.options.ledger.seed);
    const { windows } = this;
    const segment = windows.segmentOf(hash);
    const at = segment.at(hash, stepOf(now));
    const count = windows.countAt(segment, at, now);
    if (count >= limit) return windows.msUntilFree(segment, at, now, count - limit + 1);
    const leased = windows.leasedAt(segment, at);
    if (count >= leased) return this.takeLater(hash, limit);
    windows.addAt(segment, at, now);
    // The next block is there before this one is used up.
    if (count + 1 > leased * 0.75 && leased < limit) void this.ask(hash, limit);
    return 0;
  }

  /**
   * The same in this process alone, which asks no ledger: for what must be answered when nothing can be written.
   * @returns 0 when it stays within the limit, else milliseconds until another may
   */
  takeHere(key: string, limit: number): number {
    const now = this.options.now();
    const { windows } = this;
    const hash = hashOf(key, this.options.ledger.seed);
    const segment = windows.segmentOf(hash);
    const at = segment.at(hash, stepOf(now));
    const count = windows.countAt(segment, at, now);
    if (count >= limit) return windows.msUntilFree(segment, at, now, count - limit + 1);
    windows.addAt(segment, at, now);
    return 0;
  }

  /** Counts what happened anyway. */
  count(key: string): void {
    const now = this.options.now();
    const hash = hashOf(key, this.options.ledger.seed);
    const segment = this.windows.segmentOf(hash);
    const at = segment.at(hash, stepOf(now));
    this.windows.countAt(segment, at, now);
    this.windows.addAt(segment, at, now);
  }

  private ask(hash: KeyHash, limit: number): Promise<void> {
    const key = numberOf(hash);
    let asked = this.asked.get(key);
    if (asked === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      asked = { hash, limit, waiting: 0, done: promise, resolve };
      this.asked.set(key, asked);
      this.flushing ??= new Promise((done) => setImmediate(() => done(this.flush())));
    }
    asked.waiting++;
    return asked.done;
  }

  /** What it may still let through is given back; the counts stay until their time. */
  async close(): Promise<void> {
    this.stop();
    await this.flushing;
    await this.options.ledger.close();
  }

  private async takeLater(hash: KeyHash, limit: number): Promise<number> {
    await this.ask(hash, limit);
    const now = this.options.now();
    const { windows } = this;
    const segment = windows.segmentOf(hash);
    const at = segment.at(hash, stepOf(now));
    const count = windows.countAt(segment, at, now);
    if (count < Math.min(limit, windows.leasedAt(segment, at))) {
      windows.addAt(segment, at, now);
      return 0;
    }
    const whenFree = windows.msUntilFree(segment, at, now, Math.max(1, count - limit + 1));
    return count >= limit ? whenFree : Math.min(whenFree, ELSEWHERE_MS);
  }

  private flush(): void {
    this.flushing = undefined;
    const { asked, windows } = this;
    this.asked = new Map();
    const now = this.options.now();
    const all = [...asked].map(([key, { hash, limit, waiting }]) => {
      const segment = windows.segmentOf(hash);
      const count = windows.countAt(segment, segment.at(hash, stepOf(now)), now);
      const wanted = Math.min(limit, Math.max(Math.ceil(limit * FIRST_BLOCK), 2 * count, count + waiting));
      return { key, hash, limit, wanted };
    });
    try {
      const got = this.options.ledger.lease(all, now);
      for (const [i, { hash }] of all.entries()) {
        const segment = windows.segmentOf(hash);
        windows.setLeased(segment, segment.at(hash, stepOf(now)), got[i]!);
      }
    } catch (error) {
      this.options.onFault(error);
    }
    for (const { resolve } of asked.values()) resolve();
  }

  /** Renews what is used, gives back what is not, a segment at a time. */
  private walk(): void {
    const now = this.options.now();
    const { windows } = this;
    const { segments } = windows;
    if (now - this.walkedAt < ROUND_MS / segments.length) return;
    if (now - this.walkedAt > LOST_MS) this.giveUpLeases(now);
    this.walkedAt = now;
    const segment = segments[this.nextSegment]!;
    this.nextSegment = (this.nextSegment + 1) % segments.length;
    const asks: { key: number; limit: number; wanted: number; at: number }[] = [];
    for (const at of segment.entries()) {
      const leased = windows.leasedAt(segment, at);
      if (leased === 0) continue;
      const count = windows.countAt(segment, at, now);
      const wanted = windows.idleMs(segment, at, now) > IDLE_MS ? count : Math.max(leased, count);
      // Never more than it has: the limit may be another by now, and is asked for with the next call.
      asks.push({ key: numberOf(segment.hashAt(at)), limit: Number.MAX_SAFE_INTEGER, wanted, at });
    }
    if (asks.length > 0) {
      try {
        const got = this.options.ledger.lease(asks, now);
        for (const [i, { at }] of asks.entries()) windows.setLeased(segment, at, got[i]!);
      } catch (error) {
        this.options.onFault(error);
      }
    }
    windows.tidy(segment, now);
  }

  private giveUpLeases(now: number): void {
    this.walkedAt = now;
    for (const segment of this.windows.segments) {
      for (const at of segment.entries()) this.windows.setLeased(segment, at, 0);
    }
  }
}
