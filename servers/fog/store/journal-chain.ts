/**
 * The chain of postings: the hash that ties each to the one before it, and the walk that finds the first that is not what was written.
 * Reads rows that it is given; knows no database.
 */
import { createHash } from 'node:crypto';
import { formatFog, type Micro } from '../../../shared/fog-amount.ts';
import { type Entry, floorOf, type Kind, type Posting } from '../money/posting.ts';

/** A posting as it is written down. */
export interface Posted extends Posting {
  readonly position: number;
  readonly at: number;
}

export interface Verification {
  readonly postings: number;
  readonly entries: number;
  /** Of all accounts; zero, or the file was altered. */
  readonly sum: Micro;
  readonly accounts: ReadonlyMap<string, Micro>;
  /** The first posting that is not what was written, or undefined. */
  readonly firstBad: { readonly position: number; readonly why: string } | undefined;
}

export interface PostingRow {
  readonly position: bigint;
  readonly key: string;
  readonly kind: string;
  readonly reference: string;
  readonly memo: string;
  readonly at: bigint;
  readonly hash: string;
}

export interface EntryRow {
  readonly line: bigint;
  readonly account: string;
  readonly ordinal: bigint;
  readonly amount: bigint;
  readonly balance: bigint;
}

/** The hash before the first posting. */
export const GENESIS = '0'.repeat(64);

export function verifyRows(
  rows: Iterable<PostingRow & EntryRow>,
  expected: { readonly postings: number; readonly entries: number },
): Verification {
  const accounts = new Map<string, { ordinal: bigint; balance: Micro }>();
  let previous = GENESIS;
  let position = 0;
  let at = 0n;
  let sum = 0n;
  let entries = 0;
  let current: PostingRow | undefined;
  let gathered: EntryRow[] = [];
  let why: string | undefined;

  const finish = (): string | undefined => {
    if (current === undefined) return undefined;
    const found = flaw(current, gathered, { position: position + 1, at, previous });
    position += 1;
    at = current.at;
    previous = current.hash;
    return found;
  };

  for (const row of rows) {
    if (row.position !== current?.position) {
      why = finish();
      if (why !== undefined) break;
      current = row;
      gathered = [];
    }
    gathered.push(row);
    const before = accounts.get(row.account) ?? { ordinal: 0n, balance: 0n };
    const balance = before.balance + row.amount;
    if (row.ordinal !== before.ordinal + 1n) why = `entry ${row.ordinal} of an account follows ${before.ordinal}`;
    else if (row.balance !== balance)
      why = `a running sum is ${formatFog(row.balance)}, the entries sum to ${formatFog(balance)}`;
    else if (balance < floorOf(row.account)) why = 'a balance is below its floor';
    if (why !== undefined) {
      position = Number(row.position);
      break;
    }
    accounts.set(row.account, { ordinal: row.ordinal, balance });
    sum += row.amount;
    entries += 1;
  }
  why ??= finish();
  if (why === undefined && sum !== 0n) why = `the accounts sum to ${formatFog(sum)}`;
  if (why === undefined && (position !== expected.postings || entries !== expected.entries)) {
    why = 'a posting has no entries, or an entry no posting';
  }
  return {
    postings: position,
    entries,
    sum,
    accounts: new Map([...accounts].map(([account, { balance }]) => [account, balance])),
    firstBad: why === undefined ? undefined : { position, why },
  };
}

/** What is wrong with a posting at this place of the chain. */
function flaw(
  row: PostingRow,
  entries: readonly EntryRow[],
  expected: { readonly position: number; readonly at: bigint; readonly previous: string },
): string | undefined {
  if (Number(row.position) !== expected.position) return `expected posting ${expected.position}, found ${row.position}`;
  if (row.at < expected.at) return 'it is dated before the posting before it';
  if (entries.reduce((sum, { amount }) => sum + amount, 0n) !== 0n) return 'its entries do not sum to zero';
  const written = { ...toPosting(row, entries), position: Number(row.position), at: Number(row.at) };
  const lines = entries.map(({ line, account, ordinal, amount, balance }) => ({
    line: Number(line),
    account,
    ordinal: Number(ordinal),
    amount,
    balance,
  }));
  if (row.hash !== hashOf(expected.previous, written, lines)) return 'its content is not what was written';
  return undefined;
}

export function hashOf(
  previous: string,
  { position, key, kind, reference, memo, at }: Omit<Posted, 'entries'>,
  lines: readonly (Entry & { readonly line: number; readonly ordinal: number; readonly balance: Micro })[],
): string {
  const rows = lines.map(({ line, account, ordinal, amount, balance }) => [
    line,
    account,
    ordinal,
    `${amount}`,
    `${balance}`,
  ]);
  return createHash('sha256')
    .update(JSON.stringify([previous, position, key, kind, reference, memo, at, rows]))
    .digest('hex');
}

export function toPosting({ key, kind, reference, memo }: PostingRow, entries: readonly Entry[]): Posting {
  return { key, kind: kind as Kind, reference, memo, entries };
}
