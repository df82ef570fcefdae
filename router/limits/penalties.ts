/**
 * What callers get who go on although they were told to wait: pauses that double, and in the end their sessions are closed.
 * Strikes are forgiven with time. Knows no limits and no sessions; time comes in.
 */
import { LRUCache } from 'lru-cache';

/** Refusals of one second are one strike: a burst that was already on its way is not held against anybody. */
const STRIKE_MS = 1_000;
/** Strikes without a pause; each further one doubles it, from one second. */
const FREE_STRIKES = 3;
const LONGEST_PAUSE_MS = 300_000;
/** At so many strikes, and each time this many more, its sessions are closed. */
const DISCONNECT_STRIKES = 10;
/** Without a strike for so long, one is forgiven; and again after each further such time. */
const FORGIVE_MS = 30_000;

interface Offender {
  strikes: number;
  lastAt: number;
  pausedUntil: number;
}

export class Penalties {
  private readonly offenders = new LRUCache<string, Offender>({ max: 10_000 });

  /** Milliseconds that the caller still has to wait, whatever its limit says. */
  pauseOf(agentId: string, now: number): number {
    if (this.offenders.size === 0) return 0;
    const offender = this.offenders.get(agentId);
    return offender === undefined ? 0 : Math.max(0, offender.pausedUntil - now);
  }

  /**
   * The caller was refused.
   * @returns milliseconds that it now has to wait for that, and whether its sessions are to be closed
   */
  strike(agentId: string, now: number): { readonly pauseMs: number; readonly disconnect: boolean } {
    const offender = this.offenders.get(agentId) ?? { strikes: 0, lastAt: Number.NEGATIVE_INFINITY, pausedUntil: 0 };
    this.offenders.set(agentId, offender);
    const since = now - offender.lastAt;
    if (since < STRIKE_MS) return { pauseMs: Math.max(0, offender.pausedUntil - now), disconnect: false };
    const forgiven = offender.strikes === 0 ? 0 : Math.floor(since / FORGIVE_MS);
    offender.strikes = Math.max(0, offender.strikes - forgiven) + 1;
    offender.lastAt = now;
    const doubled = offender.strikes - FREE_STRIKES;
    const pauseMs = doubled < 1 ? 0 : Math.min(LONGEST_PAUSE_MS, 1_000 * 2 ** (doubled - 1));
    offender.pausedUntil = Math.max(offender.pausedUntil, now + pauseMs);
    return { pauseMs: offender.pausedUntil - now, disconnect: offender.strikes % DISCONNECT_STRIKES === 0 };
  }
}
