/**
 * Owns what was revoked: kept in `identity.db`, known here in memory, and brought up to date four times a second so that a
 * revocation by any process on the same data folder holds within one second. When that fails for longer it says so, and
 * nothing is accepted (A05). Never touches the store in a call that finds it fresh.
 */
import { AppError } from '../errors.ts';
import { prepare } from '../store.ts';
import type { IdentityStore } from './identity-store.ts';
import type { RevocationList } from './tokens.ts';

const POLL_MS = 250;
/** No token is accepted on a list that was last known whole longer ago than this. */
const FRESH_MS = 1_000;
/** When not fresh, a caller's question may read the store, but not more often than this. */
const RETRY_MS = 50;
const PRUNE_MS = 60_000;
/** Kept after a token's end, for clocks that differ. */
const SLACK_SECONDS = 120;

export interface Revocations extends RevocationList {
  /**
   * Revokes tokens; they hold here at once and in other processes within a second.
   * @param expiresAt seconds since the epoch; afterwards the entry is dropped, so never earlier than the token's `exp`
   * @throws AppError IDENTITY_UNAVAILABLE when it could not be written: then nothing was revoked
   */
  revoke(tokenId: string, expiresAt: number): Promise<void>;
  /** The same inside a transaction of the caller's own; `poll` afterwards makes it hold here. */
  insert(tokenId: string, expiresAt: number): void;
  /** Calls back for every id that becomes revoked, from whatever process, so that open sessions can be ended. */
  onRevoked(listener: (tokenId: string) => void): () => void;
  /** Reads what is new now; false when the store could not be read. */
  poll(): boolean;
  /** Why the list is not up to date, for the log; undefined when it is. */
  readonly problem: string | undefined;
  /** Entries held in memory. */
  readonly size: number;
  close(): void;
}

export interface RevocationsOptions {
  readonly store: IdentityStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds of a clock that never jumps. */
  readonly elapsed?: () => number;
}

export function openRevocations({ store, now, elapsed = () => performance.now() }: RevocationsOptions): Revocations {
  const { db, connection } = store;
  const inserting = prepare(
    connection,
    db
      .insertInto('revocations')
      .values({ token_id: '', expires_at: 0, revoked_at: 0 })
      .onConflict((conflict) => conflict.column('token_id').doNothing())
      .compile(),
  );
  const reading = prepare<{ seq: number; token_id: string; expires_at: number }>(
    connection,
    db
      .selectFrom('revocations')
      .select(['seq', 'token_id', 'expires_at'])
      .where('seq', '>', 0)
      .orderBy('seq')
      .compile(),
  );
  const pruning = prepare(connection, db.deleteFrom('revocations').where('expires_at', '<', 0).compile());

  const revoked = new Map<string, number>();
  const listeners = new Set<(tokenId: string) => void>();
  let lastSeq = 0;
  let lastOk = Number.NEGATIVE_INFINITY;
  let lastTry = Number.NEGATIVE_INFINITY;
  let lastPrune = elapsed();
  let problem: string | undefined;

  function add(tokenId: string, expiresAt: number): void {
    if (revoked.has(tokenId)) return;
    revoked.set(tokenId, expiresAt);
    for (const listener of listeners) listener(tokenId);
  }

  function read(): void {
    store.assertInPlace();
    // Under the write lock: while nobody could write a revocation, an unchanged list proves nothing.
    for (const row of store.transaction(() => reading.all(lastSeq))) {
      add(row.token_id, row.expires_at);
      lastSeq = row.seq;
    }
  }

  function prune(): void {
    const before = Math.floor(now() / 1000) - SLACK_SECONDS;
    for (const [tokenId, expiresAt] of revoked) if (expiresAt < before) revoked.delete(tokenId);
    store.transaction(() => pruning.run(before));
  }

  function poll(): boolean {
    const startedAt = elapsed();
    lastTry = startedAt;
    try {
      read();
      if (startedAt - lastPrune > PRUNE_MS) {
        lastPrune = startedAt;
        prune();
      }
      lastOk = startedAt;
      problem = undefined;
      return true;
    } catch (error) {
      problem = whatWentWrong(error);
      return false;
    }
  }

  poll();
  const timer = setInterval(poll, POLL_MS).unref();

  const list: Revocations = {
    fresh() {
      const at = elapsed();
      if (at - lastOk <= FRESH_MS) return true;
      // The timer may only be late, after a pause of the whole process.
      return at - lastTry >= RETRY_MS && poll();
    },
    has: (tokenId) => revoked.has(tokenId),
    insert(tokenId, expiresAt) {
      inserting.run(tokenId, expiresAt, Math.floor(now() / 1000));
    },
    async revoke(tokenId, expiresAt) {
      await store.write(() => list.insert(tokenId, expiresAt));
      add(tokenId, expiresAt);
    },
    onRevoked(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    poll,
    get problem() {
      return problem;
    },
    get size() {
      return revoked.size;
    },
    close: () => clearInterval(timer),
  };
  return list;
}

function whatWentWrong(error: unknown): string {
  const cause = error instanceof AppError ? error.cause : error;
  return `the revocation list could not be read: ${cause instanceof Error ? cause.message : String(cause)}`;
}
