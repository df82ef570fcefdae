/**
 * The HTTP sessions of one server: whose each is, when it was last used, when it must end. Knows no HTTP, no transport.
 */
import { AppError } from '../errors.ts';

export interface SessionLimits {
  readonly maxSessions: number;
  readonly idleSessionMs: number;
}

interface Entry<T> {
  readonly value: T;
  readonly owner: string | undefined;
  readonly end: () => void;
  openResponses: number;
  lastUsedMs: number;
}

export class Sessions<T> {
  private readonly entries = new Map<string, Entry<T>>();
  private readonly limits: SessionLimits;

  constructor(limits: SessionLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.entries.size;
  }

  /** @throws AppError RATE_LIMITED when there are as many as may be */
  checkRoom(): void {
    if (this.entries.size < this.limits.maxSessions) return;
    throw new AppError('RATE_LIMITED', {
      text: `This server holds ${this.limits.maxSessions} sessions; end one first`,
    });
  }

  /** @param owner the caller it is bound to; undefined when whoever can reach it may use it (the router) */
  add(id: string, value: T, owner: string | undefined, nowMs: number, end: () => void): void {
    this.entries.set(id, { value, owner, end, openResponses: 0, lastUsedMs: nowMs });
  }

  delete(id: string): void {
    this.entries.delete(id);
  }

  /**
   * The session, and a function to call when this use of it is over.
   * @throws AppError UNKNOWN_SESSION also when it is another caller's: the two must look the same (B01)
   */
  use(id: string, owner: string | undefined, nowMs: () => number): { value: T; release: () => void } {
    const entry = this.entries.get(id);
    if (entry === undefined || entry.owner !== owner) throw new AppError('UNKNOWN_SESSION');
    entry.openResponses++;
    entry.lastUsedMs = nowMs();
    return {
      value: entry.value,
      release() {
        entry.openResponses--;
        entry.lastUsedMs = nowMs();
      },
    };
  }

  /** Ends the sessions that nobody used for the idle time. */
  sweep(nowMs: number): void {
    for (const entry of this.entries.values()) {
      if (entry.openResponses === 0 && nowMs - entry.lastUsedMs >= this.limits.idleSessionMs) entry.end();
    }
  }

  endAll(): void {
    for (const entry of this.entries.values()) entry.end();
  }
}
