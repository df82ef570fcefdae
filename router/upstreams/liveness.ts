/**
 * Whether one copy of a server answers (R3): pings on the connection that is there, at intervals and when it is in doubt, and
 * the breaker on top. A call costs it a field; nothing is asked while calls are answered.
 */
import type { CoarseTimer } from '../coarse-timer.ts';
import type { Peer } from './peer.ts';

type Pinged = Pick<Peer, 'request' | 'inFlight' | 'received' | 'isHeldBack'>;

export interface LivenessOptions {
  readonly timer: CoarseTimer;
  readonly intervalMs: number;
  /** Others can take its calls: then silence is doubted early. */
  readonly hasSiblings: boolean;
  /** The connection there is now, if there is one. */
  readonly peer: () => Pinged | undefined;
  /** `answers`, `isStalled` or `isOpen` is another. */
  readonly onChange: () => void;
}

/** A copy that takes longer to answer a ping at an interval does not answer. */
const ANSWER_MS = 5_000;
/** With calls in flight and not a byte back for so long, a copy with siblings is asked at once … */
const SILENCE_MS = 600;
/** … and has so long to answer. */
const DOUBT_MS = 800;
/** Between two pings of a copy that does not answer. */
const PROBE_MS = 500;
/** The same while a call waits for its answer. */
const AWAITED_PROBE_MS = 50;
/** Calls that fail in a row, without an answer to any, before no more are sent. */
const OPEN_AFTER = 5;

export class Liveness {
  readonly stop: () => void;
  /** It answered the last ping. */
  answers = true;
  /** It does not answer while others could: they are preferred. */
  isStalled = false;
  /** The breaker: nothing is sent until a ping is answered. */
  isOpen = false;
  private readonly options: LivenessOptions;
  private failures = 0;
  private asking: Pinged | undefined;
  private askedAt: number;
  private heard = 0;
  private heardAt = 0;
  private readonly waiting = new Set<() => void>();

  constructor(options: LivenessOptions) {
    this.options = options;
    this.askedAt = options.timer.now();
    this.stop = options.timer.add((now) => this.tick(now));
  }

  /** A call was answered. */
  succeeded(): void {
    this.failures = 0;
  }

  /** A call was not answered, for a reason that may be the copy's. */
  failed(): void {
    if (++this.failures < OPEN_AFTER || this.isOpen) return;
    this.set(this.answers, this.isStalled, true);
    this.askNow();
  }

  /** There is a new connection, or none: what was known of the last one does not hold. */
  reset(): void {
    this.failures = 0;
    this.asking = undefined;
    this.askedAt = this.options.timer.now();
    this.set(true, false, false);
  }

  /** Resolves when the breaker is closed, at the latest after `ms`. */
  async closed(ms: number): Promise<void> {
    if (!this.isOpen) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting.add(resolve);
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    this.waiting.delete(resolve);
  }

  private tick(now: number): void {
    const peer = this.options.peer();
    if (peer === undefined || this.asking !== undefined) return;
    // A server that is not listened to cannot be said to be silent.
    if (peer.received !== this.heard || peer.inFlight === 0 || peer.isHeldBack) {
      this.heard = peer.received;
      this.heardAt = now;
    }
    if (peer.isHeldBack) return;
    const isDoubted = this.isOpen || this.isStalled;
    const isSilent = this.options.hasSiblings && now - this.heardAt >= SILENCE_MS;
    if (isSilent && !isDoubted) void this.ask(peer, DOUBT_MS);
    else if (now - this.askedAt >= (isDoubted ? this.probeMs : this.options.intervalMs)) void this.ask(peer, ANSWER_MS);
  }

  private get probeMs(): number {
    return this.waiting.size > 0 ? AWAITED_PROBE_MS : Math.min(PROBE_MS, this.options.intervalMs);
  }

  private askNow(): void {
    const peer = this.options.peer();
    if (peer !== undefined && this.asking === undefined) void this.ask(peer, ANSWER_MS);
  }

  private async ask(peer: Pinged, timeoutMs: number): Promise<void> {
    this.asking = peer;
    let answers = true;
    try {
      await peer.request('ping', undefined, { timeoutMs, maxMs: timeoutMs });
    } catch {
      answers = false;
    }
    // A connection that was lost has its own way to tell.
    if (this.asking !== peer) return;
    this.asking = undefined;
    this.askedAt = this.options.timer.now();
    if (this.options.peer() !== peer || (!answers && peer.isHeldBack)) return;
    if (answers) {
      this.failures = 0;
      this.heardAt = this.askedAt;
    }
    this.set(answers, !answers && this.options.hasSiblings, !answers && this.isOpen);
  }

  private set(answers: boolean, isStalled: boolean, isOpen: boolean): void {
    if (answers === this.answers && isStalled === this.isStalled && isOpen === this.isOpen) return;
    this.answers = answers;
    this.isStalled = isStalled;
    this.isOpen = isOpen;
    if (!isOpen) for (const resolve of this.waiting) resolve();
    this.options.onChange();
  }
}
