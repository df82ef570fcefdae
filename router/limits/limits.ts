/**
 * The limits of a router: of each caller, of each row of the matrix that sets one, of each server (S1). Keys are verified
 * identities, never what a client says of itself: sessions, tokens and addresses of one caller count together.
 */
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import type { Limiter } from './limiter.ts';
import type { Penalties } from './penalties.ts';

/** Refused for its number; the audit has it as `limited`. */
export class Limited extends AppError {
  constructor(what: string, perMinute: number, waitMs: number) {
    const retryAfterMs = Math.max(1, Math.ceil(waitMs));
    super('RATE_LIMITED', {
      text: `${what}: at most ${perMinute} in any 60 s. Nothing was run; try again in ${Math.ceil(retryAfterMs / 1000)} s, and not before`,
      data: { retryAfterMs, limit: perMinute },
    });
  }
}

/** Notifications that a caller may send for each request: progress of what it was asked is many. */
const NOTICES_BY_CALL = 10;

export interface LimitsOptions {
  readonly limiter: Limiter;
  readonly penalties: Penalties;
  /** `router.rateLimit.perMinute` as it is now. */
  readonly perMinute: () => number;
  /** Milliseconds, as the limiter's. */
  readonly now: () => number;
  /** The caller goes on and on: its sessions end. */
  readonly disconnect: (agentId: string) => void;
}

export class Limits {
  private readonly options: LimitsOptions;

  constructor(options: LimitsOptions) {
    this.options = options;
  }

  /**
   * Counts a request of this caller, whatever becomes of it.
   * @returns undefined when it is within the limit at once
   * @throws Limited, at once or as a rejection
   */
  ofCaller({ agentId }: Caller): Promise<void> | undefined {
    const perMinute = this.options.perMinute();
    this.refusePaused(agentId);
    return this.take(`c:${agentId}`, perMinute, `Too many requests of ${agentId}`, agentId);
  }

  /** The same for pings, of which each router process takes as many as of all else together. Throws Limited. */
  ofPings({ agentId }: Caller): void {
    const perMinute = this.options.perMinute();
    const waitMs = this.options.limiter.takeHere(`p:${agentId}`, perMinute);
    if (waitMs > 0) throw this.refusal(`Too many pings of ${agentId}`, perMinute, waitMs, undefined);
  }

  /** Counts what has no answer. @returns whether it is too much by now */
  isTooNoisy({ agentId }: Caller): boolean {
    return this.options.limiter.takeHere(`n:${agentId}`, NOTICES_BY_CALL * this.options.perMinute()) > 0;
  }

  /** The same for a row of the matrix: each caller's calls by it. */
  ofRow(match: string, perMinute: number, { agentId }: Caller): Promise<void> | undefined {
    return this.take(`r:${agentId}\0${match}`, perMinute, 'Too many calls of this kind', agentId);
  }

  /** The same for a server: the calls of all callers together. */
  ofServer(serverId: string, perMinute: number): Promise<void> | undefined {
    return this.take(`s:${serverId}`, perMinute, 'Too many calls of this server by all its callers', undefined);
  }

  /** Counts what happened without having been asked for here, such as signing in. */
  count(agentId: string): void {
    this.options.limiter.count(`c:${agentId}`);
  }

  /** Throws Limited while the caller has to wait for what it did before. Counts nothing. */
  refusePaused(agentId: string): void {
    const { penalties, now, perMinute } = this.options;
    const pauseMs = penalties.pauseOf(agentId, now());
    if (pauseMs > 0) throw this.refusal(`Too many requests of ${agentId}`, perMinute(), pauseMs, agentId);
  }

  private take(key: string, perMinute: number, what: string, agentId: string | undefined): Promise<void> | undefined {
    const waitMs = this.options.limiter.take(key, perMinute);
    if (waitMs === 0) return undefined;
    if (typeof waitMs === 'number') throw this.refusal(what, perMinute, waitMs, agentId);
    return waitMs.then((ms) => {
      if (ms > 0) throw this.refusal(what, perMinute, ms, agentId);
    });
  }

  private refusal(what: string, perMinute: number, waitMs: number, agentId: string | undefined): Limited {
    if (agentId === undefined) return new Limited(what, perMinute, waitMs);
    const { penalties, now, disconnect } = this.options;
    const { pauseMs, disconnect: isOver } = penalties.strike(agentId, now());
    if (isOver) disconnect(agentId);
    return new Limited(what, perMinute, Math.max(waitMs, pauseMs));
  }
}
