/**
 * What may be written into the ledger: a posting moves money between accounts and its entries always sum to zero. Pure rules;
 * knows no file and no tool.
 */
import { AppError } from '../../../shared/errors.ts';
import { MAX_AMOUNT, MAX_SUPPLY, type Micro } from '../../../shared/fog-amount.ts';

/** Why money moved. */
export const KINDS = ['issue', 'transfer', 'stake', 'unstake', 'lock', 'pay', 'refund', 'reward'] as const;
export type Kind = (typeof KINDS)[number];

export interface Entry {
  readonly account: string;
  /** Positive comes in, negative goes out; never zero. */
  readonly amount: Micro;
}

export interface Posting {
  /** The same key is the same posting, once, however often it is sent. */
  readonly key: string;
  readonly kind: Kind;
  /** What it is about, such as a contract; may be empty. */
  readonly reference: string;
  readonly memo: string;
  readonly entries: readonly Entry[];
}

/** The one account that may be below zero: minus all that was ever issued. So the sum of all accounts is zero. */
export const ISSUANCE = 'issuance';
/** What rewards are paid from. */
export const TREASURY = 'treasury';

export const agentAccount = (agentId: string): string => `agent:${agentId}`;
export const stakeAccount = (agentId: string): string => `stake:${agentId}`;
export const escrowAccount = (id: string): string => `escrow:${id}`;

const BOUNDS = { key: 600, account: 300, reference: 300, memo: 500, entries: 8 } as const;

/** What a balance may not go below. */
export function floorOf(account: string): Micro {
  return account === ISSUANCE ? -MAX_SUPPLY : 0n;
}

/** @throws AppError INVALID_PARAMS for what no ledger may hold: entries that do not sum to zero, and the like */
export function checkPosting({ key, reference, memo, entries }: Posting): void {
  const accounts = new Set(entries.map(({ account }) => account));
  const isBounded =
    fits(key, 1, BOUNDS.key) &&
    fits(reference, 0, BOUNDS.reference) &&
    fits(memo, 0, BOUNDS.memo) &&
    entries.every(({ account }) => fits(account, 1, BOUNDS.account));
  if (!isBounded) throw refuse('a key, a reference, a memo and accounts within their lengths');
  if (entries.length < 2 || entries.length > BOUNDS.entries) throw refuse(`2 to ${BOUNDS.entries} entries`);
  if (accounts.size !== entries.length)
    throw refuse('each account once; money from an account to itself does not move');
  for (const { amount } of entries) {
    if (amount === 0n || amount > MAX_AMOUNT || amount < -MAX_AMOUNT)
      throw refuse('entries other than 0, each at most 1000000000 FOG');
  }
  if (entries.reduce((sum, { amount }) => sum + amount, 0n) !== 0n) throw refuse('entries that sum to zero');
}

function fits(text: string, min: number, max: number): boolean {
  return text.length >= min && text.length <= max;
}

function refuse(expected: string): AppError {
  return new AppError('INVALID_PARAMS', { text: `This cannot be posted: expected ${expected}. Nothing was moved.` });
}
