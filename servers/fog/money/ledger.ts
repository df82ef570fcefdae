/**
 * Owns every movement of FOG: issuance, transfers, stakes, escrow and rewards, each one posting under a key of its own. Whose
 * money it may move is its callers' to check; nothing here takes an account from a user's arguments.
 */
import { AppError } from '../../../shared/errors.ts';
import { formatFog, MAX_AMOUNT, MAX_SUPPLY, type Micro } from '../../../shared/fog-amount.ts';
import type { Journal, StatementLine } from '../store/journal.ts';
import type { Verification } from '../store/journal-chain.ts';
import { agentAccount, type Entry, escrowAccount, ISSUANCE, type Kind, stakeAccount, TREASURY } from './posting.ts';

export interface Holdings {
  readonly available: Micro;
  readonly staked: Micro;
}

/** Money that the configuration makes, once for each id. */
export interface Issuance {
  readonly id: string;
  /** An agent, or the treasury. */
  readonly to: { readonly agentId: string } | 'treasury';
  readonly amount: Micro;
}

export interface Moved {
  /** Of the posting in the journal. */
  readonly position: number;
  /** False when the key had moved it before. */
  readonly isNew: boolean;
}

/** Every movement throws AppError: INVALID_PARAMS for an amount that cannot be, CONFLICT for too little money or a used key. */
export interface Ledger {
  /** @throws AppError CONFLICT when this id was issued with another amount or to another account, or all would be too much */
  issue(issuance: Issuance): Moved;
  holdings(agentId: string): Holdings;
  /** @param key unique for the sender; the same one moves once */
  transfer(from: string, to: string, amount: Micro, key: string, memo: string): Moved;
  stake(agentId: string, amount: Micro, key: string): Moved;
  unstake(agentId: string, amount: Micro, key: string): Moved;
  /** Takes what something may cost out of its payer's hands. */
  lock(escrowId: string, payer: string, amount: Micro): Moved;
  /** Pays out of an escrow, at most what it holds. @returns what was paid, now or under the same key before */
  pay(escrowId: string, payee: string, cost: Micro, key: string): Micro;
  /** What an escrow still holds goes back to who locked it. @returns what went back, now or before */
  refund(escrowId: string): Micro;
  /** Pays from the treasury, as far as it has money. @returns what was paid, now or under the same key before */
  reward(key: string, payee: string, due: Micro): Micro;
  escrowed(escrowId: string): Micro;
  treasury(): Micro;
  /** All money there is. */
  supply(): Micro;
  statement(agentId: string, before: number | undefined, limit: number): StatementLine[];
  /** Another text as soon as this agent's money moved. */
  stampOf(agentId: string): string;
  verify(): Verification;
}

export interface LedgerDeps {
  readonly journal: Journal;
  /** The store's: takes the write lock, rolls back when the work throws; inside another one a part of that. */
  readonly transaction: <T>(work: () => T) => T;
  readonly nowMs: () => number;
}

export function createLedger({ journal, transaction, nowMs }: LedgerDeps): Ledger {
  function move(kind: Kind, key: string, from: string, to: string, amount: Micro, reference = '', memo = ''): Moved {
    checkAmount(amount);
    if (from === to) {
      throw new AppError('INVALID_PARAMS', { text: 'Sender and receiver are the same account; nothing was moved' });
    }
    const entries = [
      { account: from, amount: -amount },
      { account: to, amount },
    ];
    return transaction(() => journal.append({ key, kind, reference, memo, entries }, nowMs()));
  }

  /** Moves as much of `wanted` as the account has; the same key again moves nothing and tells what it moved. */
  function moveUpTo(kind: Kind, key: string, from: string, to: string, wanted: Micro, reference: string): Micro {
    return transaction(() => {
      const earlier = journal.find(key);
      if (earlier !== undefined) return amountTo(earlier.entries, to);
      const has = journal.balance(from);
      const amount = wanted > has ? has : wanted;
      if (amount <= 0n) return 0n;
      move(kind, key, from, to, amount, reference);
      return amount;
    });
  }

  return {
    issue({ id, to, amount }) {
      const account = to === 'treasury' ? TREASURY : agentAccount(to.agentId);
      return transaction(() => {
        if (journal.find(`issue/${id}`) === undefined && amount - journal.balance(ISSUANCE) > MAX_SUPPLY) {
          throw new AppError('CONFLICT', {
            text: `All issuances together may make ${formatFog(MAX_SUPPLY)} FOG, and "${id}" would make more`,
            data: { status: 'supply_exceeded' },
          });
        }
        return move('issue', `issue/${id}`, ISSUANCE, account, amount, id);
      });
    },
    holdings: (agentId) => ({
      available: journal.balance(agentAccount(agentId)),
      staked: journal.balance(stakeAccount(agentId)),
    }),
    transfer: (from, to, amount, key, memo) =>
      move('transfer', keyOf('transfer', from, key), agentAccount(from), agentAccount(to), amount, '', memo),
    stake: (agentId, amount, key) =>
      move('stake', keyOf('stake', agentId, key), agentAccount(agentId), stakeAccount(agentId), amount),
    unstake: (agentId, amount, key) =>
      move('unstake', keyOf('unstake', agentId, key), stakeAccount(agentId), agentAccount(agentId), amount),
    lock: (escrowId, payer, amount) =>
      move('lock', `lock/${escrowId}`, agentAccount(payer), escrowAccount(escrowId), amount, escrowId),
    pay: (escrowId, payee, cost, key) =>
      moveUpTo('pay', `pay/${escrowId}/${key}`, escrowAccount(escrowId), agentAccount(payee), cost, escrowId),
    refund(escrowId) {
      return transaction(() => {
        const payer = journal.find(`lock/${escrowId}`)?.entries.find(({ amount }) => amount < 0n)?.account;
        if (payer === undefined) return 0n;
        return moveUpTo('refund', `refund/${escrowId}`, escrowAccount(escrowId), payer, MAX_AMOUNT, escrowId);
      });
    },
    reward: (key, payee, due) => moveUpTo('reward', `reward/${key}`, TREASURY, agentAccount(payee), due, key),
    escrowed: (escrowId) => journal.balance(escrowAccount(escrowId)),
    treasury: () => journal.balance(TREASURY),
    supply: () => -journal.balance(ISSUANCE),
    statement: (agentId, before, limit) => journal.statement(agentAccount(agentId), before, limit),
    stampOf: (agentId) => `${journal.length(agentAccount(agentId))}:${journal.length(stakeAccount(agentId))}`,
    verify: () => journal.verify(),
  };
}

/** Keys of one agent are its own: the length stands before it, so that no agent's name can reach into another's keys. */
function keyOf(kind: Kind, agentId: string, key: string): string {
  return `${kind}/${agentId.length}:${agentId}/${key}`;
}

function amountTo(entries: readonly Entry[], account: string): Micro {
  return entries.find((entry) => entry.account === account)?.amount ?? 0n;
}

function checkAmount(amount: Micro): void {
  if (amount > 0n && amount <= MAX_AMOUNT) return;
  throw new AppError('INVALID_PARAMS', {
    text: 'expected an amount above 0 and at most 1000000000 FOG; nothing was moved',
  });
}
