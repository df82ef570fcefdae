/**
 * Sends one request until it is answered, may not be repeated, or its time is over. Nothing is sent twice here that is not
 * read-only or idempotent, and what may have run says so.
 */
import { BackOff, type BackOffOptions } from '../shared/client/back-off.ts';
import { type Failure, failureOf } from '../shared/client/failure.ts';
import { AppError, type Reason } from '../shared/errors.ts';
import type { Connection, Live } from './connection.ts';
import type { Events } from './events.ts';
import type { Tokens } from './tokens.ts';

export interface Work {
  readonly what: string;
  readonly isRepeatable: boolean;
  /** With all its attempts. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface AttemptsOptions {
  readonly connection: Connection;
  readonly tokens: Tokens;
  readonly events: Events;
  readonly backOff: BackOffOptions;
  /** How often what may be repeated is sent at most. */
  readonly maxAttempts: number;
}

/** Refusals that may be gone at the next attempt, of what may be repeated. */
const PASSING: ReadonlySet<Reason> = new Set(['CONNECTION_LOST', 'OUTCOME_UNKNOWN', 'UPSTREAM_UNAVAILABLE']);

export class Attempts {
  private readonly options: AttemptsOptions;
  private isClosed = false;

  constructor(options: AttemptsOptions) {
    this.options = options;
  }

  /** Nothing is sent again from now on. */
  close(): void {
    this.isClosed = true;
  }

  /** @throws AppError as VillageClient.call says */
  async perform<T>(work: Work, send: (live: Live, timeoutMs: number) => Promise<T>): Promise<T> {
    const { connection, events, tokens } = this.options;
    const until = performance.now() + work.timeoutMs;
    const backOff = new BackOff(this.options.backOff);
    let isRenewed = false;
    let sent = 0;
    for (let attempt = 1; ; attempt++) {
      work.signal?.throwIfAborted();
      const live = await connection.get(until - performance.now());
      sent++;
      try {
        return await send(live, until - performance.now());
      } catch (thrown) {
        work.signal?.throwIfAborted();
        const failure = failureOf(thrown);
        const { way, error, fate } = failure;
        if (way === 'session') connection.drop(live, error);
        else if (way === 'unreachable') await connection.suspect(live);
        if (way === 'token') {
          if (isRenewed) throw error;
          isRenewed = true;
          await tokens.renew('refused');
        } else if (!this.mayRepeat(failure, work, sent)) {
          if (fate === 'lost') events.emit({ kind: 'lost', what: work.what, reason: error.reason });
          throw fate === 'lost' ? lost(work, error) : error;
        }
        if (fate === 'not_run') sent--;
        events.emit({ kind: 'retry', what: work.what, attempt, reason: error.reason });
        const retryAfterMs = typeof error.data?.retryAfterMs === 'number' ? error.data.retryAfterMs : backOff.next();
        if (performance.now() + retryAfterMs >= until) throw fate === 'lost' ? lost(work, error) : error;
        await pause(retryAfterMs, work.signal);
      }
    }
  }

  private mayRepeat({ fate, way, error }: Failure, work: Work, sent: number): boolean {
    if (this.isClosed) return false;
    if (fate === 'not_run') return way !== undefined || error.reason === 'RATE_LIMIT_EXCEEDED';
    if (fate === 'answered' && error.reason === 'RATE_LIMIT_EXCEEDED') return error.data?.retryAfterMs !== undefined;
    if (!work.isRepeatable || sent >= this.options.maxAttempts) return false;
    return fate === 'lost' || (fate === 'answered' && PASSING.has(error.reason));
  }
}

function lost({ what, isRepeatable }: Work, cause: AppError): AppError {
  const text = isRepeatable
    ? `The connection was lost while ${what} ran, each time that it was sent`
    : `The connection was lost while ${what} ran. It may or may not have taken effect, so it was not sent again; look before you repeat it`;
  return new AppError('CONNECTION_LOST', { text, cause });
}

/** Rejects with the signal's reason when it is aborted meanwhile. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end);
      resolve();
    }, ms);
    signal?.addEventListener('abort', end, { once: true });
  });
}
