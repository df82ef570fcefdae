/** One request of a client on its way: who asks, what, where the answer goes, and where it runs. */
import { randomUUID } from 'node:crypto';
import { AppError } from '../shared/errors.ts';
import type { Caller } from '../shared/identity/caller.ts';
import type { Octets } from '../shared/json/octets.ts';
import type { Approved } from './approval/approved.ts';
import type { AuditOutcome } from './audit/entry.ts';
import type { Entry } from './catalog/catalog.ts';
import type { Origin } from './line/origin.ts';
import type { Message } from './message.ts';
import type { Session } from './session.ts';
import type { CallSpan } from './tracing/tracer.ts';
import type { Peer } from './upstreams/peer.ts';
import type { Holding } from './upstreams/undelivered.ts';

/** Where a door takes the answer of one request, and what may precede it. Every door has its own. */
export interface Exchange {
  /** A notification or request that belongs to this call, before its answer. */
  send(message: Octets): void;
  /**
   * The answer, once; nothing follows. `undefined` when there is none because the client cancelled.
   * @param holding of a large answer, to be released when the client has it; at once by a door that cannot tell
   */
  answer(message: Octets | undefined, holding?: Holding): void;
  /** The answer says that the caller has to wait so long; told beside it where the door has a place for that. */
  retryAfter?(ms: number): void;
  /** The server wants the client to let go of this call's connection and ask again after so long (SEP-1699). */
  pause?(retryMs: number): void;
}

export class Call {
  readonly session: Session;
  readonly caller: Caller;
  readonly message: Message;
  readonly exchange: Exchange;
  /** Ties log lines and records of all processes together (X5). */
  readonly correlationId: string = randomUUID();
  readonly startedAt: number = performance.now();
  /** When its present step began: performance.now(). */
  steppedAt: number = this.startedAt;
  /** Milliseconds of each step of the line; NaN for those that it did not take. The order is that of STEPS. */
  readonly stepsMs: number[] = [Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN];
  /** What it belongs to, as its client says. */
  origin: Origin = {};
  /** Set while traces are sent. */
  span: CallSpan | undefined;
  /** How it ended, once it did, as the audit words it. */
  outcome: AuditOutcome | undefined;
  /** Set while an upstream runs it. */
  running: { readonly peer: Peer; readonly id: number } | undefined;
  /** What it names, once that is known. */
  entry: Entry | undefined;
  /** It was sent to its server: whether it took effect is the server's to say. */
  left = false;
  /** Set when a large answer came for it; released with the answer, or without. */
  holding: Holding | undefined;
  /** Set when it is the call of an approved proposal, which the governance server has made. */
  approval: Approved | undefined;
  /** The `match` of the row that decided on it, once one did. */
  rule: string | undefined;
  /** Set when it must end without having been answered. */
  ended: AppError | undefined;
  /** Ends what it waits for before it leaves, while it does. */
  waiting: ((error: AppError) => void) | undefined;
  /** Its client, or its server's words to it, had a part in the answer: it is nobody else's. */
  isPrivate = false;
  /** How often it was made anew at another copy, and why the last time. */
  moves = 0;
  failure: unknown;

  constructor(session: Session, caller: Caller, message: Message, exchange: Exchange) {
    this.session = session;
    this.caller = caller;
    this.message = message;
    this.exchange = exchange;
  }

  get id(): Octets {
    return this.message.id!;
  }

  /** Ends it: at once where an upstream runs it, else before its next step. */
  end(error: AppError, reason?: Octets): void {
    if (this.ended !== undefined) return;
    this.ended = error;
    this.waiting?.(error);
    this.running?.peer.cancel(this.running.id, error, reason);
  }

  /** Throws when it was ended meanwhile; asked after each wait. */
  check(): void {
    if (this.ended !== undefined) throw this.ended;
  }
}

/** What ends a call that its own client cancelled: nothing is answered. */
export class Cancelled extends AppError {
  constructor() {
    super('CONNECTION_LOST', { text: 'Cancelled by the client' });
  }
}
