/** All sessions of this process: found by their id, ended when idle, when their token is, or with the process. */
import { randomBytes } from 'node:crypto';
import { AppError } from '../shared/errors.ts';
import type { Caller } from '../shared/identity/caller.ts';
import { refusalReason } from '../shared/identity/refusal.ts';
import type { CoarseTimer } from './coarse-timer.ts';
import { Session, type SessionOptions } from './session.ts';

export interface SessionsOptions {
  readonly timer: CoarseTimer;
  /** A session without calls, streams or messages for so long is ended. */
  readonly idleMs: number;
  /** More at once are refused. */
  readonly maxSessions: number;
  /** More of one agent end its longest unused one. */
  readonly maxPerAgent: number;
  /** Throws when the token behind a caller no longer holds. */
  readonly check: (caller: Caller) => void;
  readonly onOpened: (session: Session) => void;
  /** A session ended; its calls are ended already. */
  readonly onClosed: (session: Session, why: string) => void;
}

const SWEEP_MS = 250;
const ID_BYTES = 24;

export class Sessions {
  private readonly options: SessionsOptions;
  private readonly byId = new Map<string, Session>();
  private readonly perAgent = new Map<string, Set<Session>>();
  private readonly suspended = new WeakSet<Session>();
  private sweptAt = 0;
  private readonly stopTimer: () => void;

  constructor(options: SessionsOptions) {
    this.options = options;
    this.stopTimer = options.timer.add((now) => this.sweep(now));
  }

  /** Opens a session. Throws AppError RATE_LIMITED when there are too many. */
  open(options: Omit<SessionOptions, 'id'>): Session {
    if (this.byId.size >= this.options.maxSessions) {
      throw new AppError('RATE_LIMITED', {
        text: 'Too many sessions are open; close some or try later',
        data: { retryAfterMs: 10_000 },
      });
    }
    const session = new Session({ ...options, id: randomBytes(ID_BYTES).toString('base64url') });
    this.byId.set(session.id, session);
    const own = this.perAgent.get(session.agentId) ?? new Set();
    this.perAgent.set(session.agentId, own.add(session));
    this.options.onOpened(session);
    if (own.size > this.options.maxPerAgent) {
      this.close(
        [...own].reduce((a, b) => (b.lastUsedAt < a.lastUsedAt ? b : a)),
        'too many sessions of this agent',
      );
    }
    return session;
  }

  /** The session with that id, if it is this caller's: to others it does not exist (B01). */
  get(id: string, caller: Caller): Session | undefined {
    const session = this.byId.get(id);
    if (session === undefined || session.agentId !== caller.agentId) return undefined;
    session.caller = caller;
    session.lastUsedAt = performance.now();
    return session;
  }

  /** The public id of the session with that id that is another agent's: that this one named it is worth a record. */
  foreign(id: string, caller: Caller): string | undefined {
    const session = this.byId.get(id);
    return session === undefined || session.agentId === caller.agentId ? undefined : session.publicId;
  }

  all(): Session[] {
    return [...this.byId.values()];
  }

  get size(): number {
    return this.byId.size;
  }

  /** Ends a session with all its calls and streams. */
  close(session: Session, why: string): void {
    if (session.closed) return;
    this.byId.delete(session.id);
    const own = this.perAgent.get(session.agentId);
    own?.delete(session);
    if (own?.size === 0) this.perAgent.delete(session.agentId);
    for (const call of [...session.calls.values()])
      call.end(new AppError('CONNECTION_LOST', { text: `The session ended: ${why}` }));
    this.options.onClosed(session, why);
    session.closed = true;
    session.outlet.close();
  }

  /** A token was revoked: what it runs and what it holds open ends in every session, also where a newer token goes on. */
  revoked(tokenId: string): void {
    for (const session of this.all()) {
      for (const call of [...session.calls.values()]) {
        if (call.caller.tokenId === tokenId) call.end(new AppError('UNAUTHENTICATED'));
      }
      session.outlet.cut(tokenId);
    }
  }

  /** Ends all sessions of an agent. */
  closeOf(agentId: string, why: string): void {
    for (const session of [...(this.perAgent.get(agentId) ?? [])]) this.close(session, why);
  }

  closeAll(why: string): void {
    for (const session of this.all()) this.close(session, why);
    this.stopTimer();
  }

  private sweep(now: number): void {
    if (now - this.sweptAt < SWEEP_MS) return;
    this.sweptAt = now;
    for (const session of this.byId.values()) {
      if (session.calls.size === 0 && !session.outlet.open && now - session.lastUsedAt > this.options.idleMs) {
        this.close(session, 'it was idle');
        continue;
      }
      try {
        this.options.check(session.caller);
      } catch (error) {
        this.suspend(session, error);
      }
    }
  }

  /** Its token no longer holds: nothing may reach it but why its calls end. A new token of the same agent may go on with it. */
  private suspend(session: Session, error: unknown): void {
    for (const call of [...session.calls.values()]) call.end(new AppError('UNAUTHENTICATED'));
    session.outlet.cut(undefined);
    // A list that cannot be read now may be read again soon, and only its host could start a stdio session anew.
    const isOver = session.door !== 'stdio' || refusalReason(error) !== 'revocations_unreadable';
    if (session.door === 'http' || !isOver) return;
    // Where answers have no way but the one that closes, they get until the next sweep to leave.
    if (session.calls.size > 0 && !this.suspended.has(session)) this.suspended.add(session);
    else this.close(session, 'its token no longer holds');
  }
}
