/**
 * Owns the append-only postings of fog.db: writes them at the end of a hash chain with each account's running sum, reads them
 * back, has all of it verified (journal-chain.ts). Decides nothing but that no balance falls below its floor.
 */
import type { Compilable } from 'kysely';
import { AppError } from '../../../shared/errors.ts';
import { formatFog, type Micro } from '../../../shared/fog-amount.ts';
import type { Queries } from '../../../shared/queries.ts';
import { checkPosting, floorOf, type Kind, type Posting } from '../money/posting.ts';
import {
  type EntryRow,
  GENESIS,
  hashOf,
  type Posted,
  type PostingRow,
  toPosting,
  type Verification,
  verifyRows,
} from './journal-chain.ts';
import type { MoneyTables } from './money-tables.ts';

/** One line of an account's statement. */
export interface StatementLine {
  readonly position: number;
  readonly ordinal: number;
  readonly kind: Kind;
  readonly reference: string;
  readonly memo: string;
  readonly at: number;
  readonly amount: Micro;
  /** Behind this line. */
  readonly balance: Micro;
}

export interface Journal {
  /**
   * Appends, inside the store's transaction. A posting that is there already under its key is returned as it is.
   * @throws AppError INVALID_PARAMS, CONFLICT when a balance would fall below its floor or the key has other content
   */
  append(posting: Posting, at: number): { readonly position: number; readonly isNew: boolean };
  find(key: string): Posted | undefined;
  /** The kept sum; 0 for an account without entries. */
  balance(account: string): Micro;
  /** The same, summed from its entries. */
  summed(account: string): Micro;
  /** Newest first. @param before an ordinal; entries below it */
  statement(account: string, before: number | undefined, limit: number): StatementLine[];
  /** Number of entries of an account: another one as soon as it changed. */
  length(account: string): number;
  lastPosition(): number;
  /** Walks everything: the chain, the sums of each posting, each running sum. */
  verify(): Verification;
}

export function createJournal(store: Pick<Queries<MoneyTables>, 'db' | 'prepare' | 'transaction'>): Journal {
  const { db } = store;
  const statement = <Row>(query: Compilable) => store.prepare<Row>(query);
  const postingColumns = ['position', 'key', 'kind', 'reference', 'memo', 'at', 'hash'] as const;
  const entryColumns = ['line', 'account', 'ordinal', 'amount', 'balance'] as const;

  const newest = statement<PostingRow>(
    db.selectFrom('postings').select(postingColumns).orderBy('position', 'desc').limit(1),
  );
  const byKey = statement<PostingRow>(db.selectFrom('postings').select(postingColumns).where('key', '=', ''));
  const entriesOf = statement<EntryRow>(
    db.selectFrom('entries').select(entryColumns).where('position', '=', 0).orderBy('line'),
  );
  const head = statement<Pick<EntryRow, 'ordinal' | 'balance'>>(
    db
      .selectFrom('entries')
      .select(['ordinal', 'balance'])
      .where('account', '=', '')
      .orderBy('ordinal', 'desc')
      .limit(1),
  );
  const amounts = statement<{ total: bigint | null }>(
    db
      .selectFrom('entries')
      .select((e) => e.fn.sum('amount').as('total'))
      .where('account', '=', ''),
  );
  const lines = statement<PostingRow & EntryRow>(
    db
      .selectFrom('entries')
      .innerJoin('postings', 'postings.position', 'entries.position')
      .select(['postings.position', 'key', 'kind', 'reference', 'memo', 'at', 'hash'])
      .select(['line', 'account', 'ordinal', 'amount', 'balance'])
      .where('account', '=', '')
      .where('ordinal', '<', 0)
      .orderBy('ordinal', 'desc')
      .limit(1),
  );
  const everything = statement<PostingRow & EntryRow>(
    db
      .selectFrom('postings')
      .innerJoin('entries', 'entries.position', 'postings.position')
      .select(['postings.position', 'key', 'kind', 'reference', 'memo', 'at', 'hash'])
      .select(['line', 'account', 'ordinal', 'amount', 'balance'])
      .orderBy('postings.position')
      .orderBy('line'),
  );
  const counted = statement<{ postings: bigint }>(
    db.selectFrom('postings').select((e) => e.fn.countAll().as('postings')),
  );
  const countedEntries = statement<{ entries: bigint }>(
    db.selectFrom('entries').select((e) => e.fn.countAll().as('entries')),
  );
  const insertPosting = statement(
    db.insertInto('postings').values({ position: 0, key: '', kind: '', reference: '', memo: '', at: 0, hash: '' }),
  );
  const insertEntry = statement(
    db.insertInto('entries').values({ position: 0, line: 0, account: '', ordinal: 0, amount: 0n, balance: 0n }),
  );

  function find(key: string): Posted | undefined {
    const row = byKey.get(key);
    if (row === undefined) return undefined;
    const entries = entriesOf.all(row.position).map(({ account, amount }) => ({ account, amount }));
    return { ...toPosting(row, entries), position: Number(row.position), at: Number(row.at) };
  }

  function append(posting: Posting, at: number): { position: number; isNew: boolean } {
    checkPosting(posting);
    const earlier = find(posting.key);
    if (earlier !== undefined) {
      if (contentOf(earlier) === contentOf(posting)) return { position: earlier.position, isNew: false };
      throw new AppError('CONFLICT', {
        text: 'This key was used for another movement of money. Nothing was moved: use a new key for a new movement.',
        data: { status: 'key_used' },
      });
    }
    const last = newest.get(1n);
    const position = Number(last?.position ?? 0n) + 1;
    // Time never goes back in the journal, whatever the machine's clock does.
    const time = Math.max(at, Number(last?.at ?? 0n));
    const rows = posting.entries.map(({ account, amount }, line) => {
      const before = head.get(account, 1n);
      const balance = (before?.balance ?? 0n) + amount;
      if (balance < floorOf(account)) throw insufficient(before?.balance ?? 0n, -amount);
      return { line, account, ordinal: Number(before?.ordinal ?? 0n) + 1, amount, balance };
    });
    const hash = hashOf(last?.hash ?? GENESIS, { ...posting, position, at: time }, rows);
    insertPosting.run(position, posting.key, posting.kind, posting.reference, posting.memo, time, hash);
    for (const { line, account, ordinal, amount, balance } of rows) {
      insertEntry.run(position, line, account, ordinal, amount, balance);
    }
    return { position, isNew: true };
  }

  return {
    append,
    find,
    balance: (account) => head.get(account, 1n)?.balance ?? 0n,
    summed: (account) => amounts.get(account)?.total ?? 0n,
    statement: (account, before, limit) => lines.all(account, before ?? Number.MAX_SAFE_INTEGER, limit).map(toLine),
    length: (account) => Number(head.get(account, 1n)?.ordinal ?? 0n),
    lastPosition: () => Number(newest.get(1n)?.position ?? 0n),
    verify: () =>
      store.transaction(() =>
        verifyRows(everything.iterate(), {
          postings: Number(counted.get()!.postings),
          entries: Number(countedEntries.get()!.entries),
        }),
      ),
  };
}

function contentOf({ kind, reference, memo, entries }: Posting): string {
  return JSON.stringify([kind, reference, memo, entries.map(({ account, amount }) => [account, `${amount}`])]);
}

function toLine({
  position,
  ordinal,
  kind,
  reference,
  memo,
  at,
  amount,
  balance,
}: PostingRow & EntryRow): StatementLine {
  return {
    position: Number(position),
    ordinal: Number(ordinal),
    kind: kind as Kind,
    reference,
    memo,
    at: Number(at),
    amount,
    balance,
  };
}

function insufficient(has: Micro, needs: Micro): AppError {
  return new AppError('CONFLICT', {
    text: `The account has ${formatFog(has)} FOG, and ${formatFog(needs)} FOG would go out. Nothing was moved.`,
    data: { status: 'insufficient_funds' },
  });
}
