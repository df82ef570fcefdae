import fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../../../shared/errors.ts';
import { MAX_AMOUNT } from '../../../../shared/fog-amount.ts';
import { LedgerModel, type Operation, perform } from '../../../fixtures/fog/ledger-operations.ts';
import { newFolder, type OpenLedger, openLedger } from '../../../fixtures/fog/money.ts';

const folders: string[] = [];

async function open(dataDir = newFolder(), nowMs?: () => number): Promise<OpenLedger & { dataDir: string }> {
  if (!folders.includes(dataDir)) {
    folders.push(dataDir);
    onTestFinished(() => fs.rmSync(dataDir, { recursive: true, force: true }));
  }
  const opened = await openLedger(dataDir, nowMs);
  onTestFinished(() => opened.store.close().catch(() => undefined));
  return { ...opened, dataDir };
}

async function funded(): Promise<OpenLedger & { dataDir: string }> {
  const opened = await open();
  opened.ledger.issue({ id: 'first', to: { agentId: 'magi' }, amount: 1_000n });
  opened.ledger.issue({ id: 'rewards', to: 'treasury', amount: 500n });
  return opened;
}

function snapshot({ ledger }: OpenLedger): unknown {
  const { sum, postings, accounts, firstBad } = ledger.verify();
  return { sum, postings, accounts, firstBad };
}

describe('movements', () => {
  it('[F6] issues once what the configuration names, and keeps the sum of all accounts zero', async () => {
    const { ledger } = await funded();
    expect(ledger.issue({ id: 'first', to: { agentId: 'magi' }, amount: 1_000n }).isNew).toBe(false);
    expect(() => ledger.issue({ id: 'first', to: { agentId: 'magi' }, amount: 2_000n })).toThrow(/key was used/);
    expect(() => ledger.issue({ id: 'first', to: { agentId: 'sage' }, amount: 1_000n })).toThrow(AppError);
    expect(ledger.supply()).toBe(1_500n);
    expect(ledger.verify()).toMatchObject({ sum: 0n, postings: 2, firstBad: undefined });
  });

  it('[F6] never issues more than every balance can hold exactly', async () => {
    const { ledger } = await open();
    for (let n = 0; n < 9; n++) ledger.issue({ id: `i${n}`, to: 'treasury', amount: MAX_AMOUNT });
    expect(() => ledger.issue({ id: 'one more', to: 'treasury', amount: 1n })).toThrow(/all issuances together/i);
    expect(ledger.treasury()).toBe(9n * MAX_AMOUNT);
    expect(Number.isSafeInteger(Number(ledger.treasury()))).toBe(true);
  });

  it('[F6] moves a key once, and refuses it for another movement', async () => {
    const { ledger } = await funded();
    const first = ledger.transfer('magi', 'sage', 10n, 'k', 'thanks');
    expect(ledger.transfer('magi', 'sage', 10n, 'k', 'thanks')).toEqual({ ...first, isNew: false });
    expect(() => ledger.transfer('magi', 'sage', 11n, 'k', 'thanks')).toThrow(/key was used/);
    // Another sender's keys are its own.
    expect(ledger.transfer('sage', 'magi', 10n, 'k', 'thanks').isNew).toBe(true);
    expect(ledger.holdings('magi')).toEqual({ available: 1_000n, staked: 0n });
  });

  it('[F6] keeps apart the keys of agents whose names look like keys', async () => {
    const { ledger } = await open();
    for (const agentId of ['a', 'a/1:b']) ledger.issue({ id: agentId, to: { agentId }, amount: 10n });
    expect(ledger.transfer('a', 'c', 1n, '1:b/k', '').isNew).toBe(true);
    expect(ledger.transfer('a/1:b', 'c', 1n, 'k', '').isNew).toBe(true);
    expect(ledger.holdings('c').available).toBe(2n);
  });

  it.each([0n, -1n, -MAX_AMOUNT, MAX_AMOUNT + 1n, 2n ** 63n, -(2n ** 63n), 10n ** 40n])(
    '[F6] refuses to move %s, and nothing moves',
    async (amount) => {
      const opened = await funded();
      opened.ledger.lock('c', 'magi', 100n);
      opened.ledger.stake('magi', 50n, 's');
      const before = snapshot(opened);
      const { ledger } = opened;
      expect(() => ledger.transfer('magi', 'sage', amount, 'k', '')).toThrow(AppError);
      expect(() => ledger.stake('magi', amount, 'k')).toThrow(AppError);
      expect(() => ledger.unstake('magi', amount, 'k')).toThrow(AppError);
      expect(() => ledger.lock('other', 'magi', amount)).toThrow(AppError);
      expect(() => ledger.issue({ id: 'x', to: 'treasury', amount })).toThrow(AppError);
      expect(snapshot(opened)).toEqual(before);
    },
  );

  it('[F6] refuses what an account does not have, and nothing moves', async () => {
    const opened = await funded();
    const before = snapshot(opened);
    expect(() => opened.ledger.transfer('magi', 'sage', 1_001n, 'k', '')).toThrow(/has 0.001 FOG, and 0.001001 FOG/);
    expect(() => opened.ledger.transfer('nobody', 'sage', 1n, 'k', '')).toThrow(AppError);
    expect(() => opened.ledger.transfer('magi', 'magi', 1n, 'k', '')).toThrow(/same account/);
    expect(() => opened.ledger.unstake('magi', 1n, 'k')).toThrow(AppError);
    expect(snapshot(opened)).toEqual(before);
  });

  it('[F5] locks, pays by what was metered and gives the rest back, each once', async () => {
    const { ledger } = await funded();
    ledger.lock('c', 'magi', 400n);
    expect(ledger.holdings('magi').available).toBe(600n);
    expect(ledger.pay('c', 'sage', 150n, 'part 1')).toBe(150n);
    expect(ledger.pay('c', 'sage', 150n, 'part 1')).toBe(150n);
    expect(ledger.pay('c', 'sage', 900n, 'part 2')).toBe(250n);
    expect(ledger.refund('c')).toBe(0n);
    ledger.lock('d', 'magi', 100n);
    expect(ledger.pay('d', 'sage', 30n, 'only')).toBe(30n);
    expect(ledger.refund('d')).toBe(70n);
    expect(ledger.refund('d')).toBe(70n);
    expect(ledger.refund('unknown')).toBe(0n);
    expect(ledger.holdings('magi').available).toBe(570n);
    expect(ledger.holdings('sage').available).toBe(430n);
    expect(ledger.verify().sum).toBe(0n);
  });

  it('[F6] pays rewards from the treasury, as far as it has money, each once', async () => {
    const { ledger } = await funded();
    expect(ledger.reward('run:1', 'sage', 450n)).toBe(450n);
    expect(ledger.reward('run:1', 'sage', 450n)).toBe(450n);
    expect(ledger.reward('run:2', 'sage', 450n)).toBe(50n);
    expect(ledger.reward('run:3', 'sage', 450n)).toBe(0n);
    expect(ledger.treasury()).toBe(0n);
    expect(ledger.holdings('sage').available).toBe(500n);
  });

  it('[F6] shows an account newest first, page by page, with the balance behind each line', async () => {
    const { ledger } = await funded();
    for (let n = 1; n <= 5; n++) ledger.transfer('magi', 'sage', BigInt(n), `k${n}`, `number ${n}`);
    const [newest, second] = ledger.statement('magi', undefined, 2);
    expect(newest).toMatchObject({ kind: 'transfer', memo: 'number 5', amount: -5n, balance: 985n });
    expect(ledger.statement('magi', second!.ordinal, 10).map(({ balance }) => balance)).toEqual([
      994n,
      997n,
      999n,
      1_000n,
    ]);
    expect(ledger.statement('nobody', undefined, 10)).toEqual([]);
  });

  it('[F6] never dates a posting before the one before it', async () => {
    let now = 5_000;
    const { ledger } = await open(undefined, () => now);
    ledger.issue({ id: 'a', to: { agentId: 'magi' }, amount: 10n });
    now = 3_000;
    ledger.transfer('magi', 'sage', 1n, 'k', '');
    expect(ledger.statement('magi', undefined, 1)[0]!.at).toBe(5_000);
    expect(ledger.verify().firstBad).toBeUndefined();
  });
});

describe('verification', () => {
  const TAMPER: [string, string, string][] = [
    ['an amount', 'UPDATE entries SET amount = amount + 1 WHERE position = 3 AND line = 1', 'running sum'],
    [
      'both amounts',
      'UPDATE entries SET amount = amount * 2, balance = balance + amount WHERE position = 3',
      'not what was written|running sum',
    ],
    ['a running sum', 'UPDATE entries SET balance = balance + 1 WHERE position = 3 AND line = 0', 'running sum'],
    [
      'a receiver',
      "UPDATE entries SET account = 'agent:thief', ordinal = 1 WHERE position = 3 AND line = 1",
      'not what was written|follows',
    ],
    ['a memo', "UPDATE postings SET memo = 'other' WHERE position = 3", 'not what was written'],
    ['a date', 'UPDATE postings SET at = 0 WHERE position = 3', 'dated before'],
    ['a removed posting', 'DELETE FROM postings WHERE position = 3', 'follows|expected posting|no posting'],
    [
      'a removed pair',
      'DELETE FROM postings WHERE position = 3; DELETE FROM entries WHERE position = 3',
      'follows|expected posting',
    ],
    ['removed entries', 'DELETE FROM entries WHERE position = 5', 'no entries'],
  ];

  it.each(TAMPER)('[F6] finds %s that was altered', async (_, sql, why) => {
    const { ledger, dataDir } = await funded();
    for (let n = 1; n <= 3; n++) ledger.transfer('magi', `agent ${n}`, 5n, `k${n}`, '');
    expect(ledger.verify().firstBad).toBeUndefined();
    const { default: Database } = await import('better-sqlite3');
    const raw = new Database(`${dataDir}/fog.db`);
    raw.exec(sql);
    raw.close();
    expect(ledger.verify().firstBad?.why).toMatch(new RegExp(why));
  });
});

describe('under any interleaving, crash or replay', () => {
  const agent = fc.integer({ min: 0, max: 3 }).map((n) => `agent-${n}`);
  const key = fc.integer({ min: 0, max: 12 }).map((n) => `k${n}`);
  const amount = fc.oneof(
    { weight: 8, arbitrary: fc.bigInt({ min: 1n, max: 700n }) },
    { weight: 1, arbitrary: fc.constantFrom(0n, -5n, MAX_AMOUNT + 1n) },
  );
  const operation: fc.Arbitrary<Operation> = fc.oneof(
    fc.record({ kind: fc.constant('issue' as const), id: key, to: fc.oneof(agent, fc.constant('treasury')), amount }),
    fc.record({ kind: fc.constant('transfer' as const), from: agent, to: agent, amount, key }),
    fc.record({ kind: fc.constantFrom('stake' as const, 'unstake' as const), agent, amount, key }),
    fc.record({ kind: fc.constant('lock' as const), id: key, payer: agent, amount }),
    fc.record({ kind: fc.constant('pay' as const), id: key, payee: agent, amount, key }),
    fc.record({ kind: fc.constant('refund' as const), id: key }),
    fc.record({ kind: fc.constant('reward' as const), key, payee: agent, amount }),
  );
  /** Through which of two connections, and whether the transaction around it is lost. */
  const step = fc.record({ operation, through: fc.constantFrom(0, 1), isLost: fc.boolean(), isRepeated: fc.boolean() });

  it('[F6] money is neither made nor lost: every balance is what plain arithmetic says', async () => {
    const ends: Operation[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const dataDir = newFolder();
        const both = [await openLedger(dataDir), await openLedger(dataDir)] as const;
        try {
          const model = new LedgerModel();
          for (const { operation: each, through, isLost, isRepeated } of steps) {
            const { ledger, store } = both[through]!;
            if (isLost) {
              const crash = new Error('lost');
              expect(() =>
                store.transaction(() => {
                  perform(ledger, each);
                  throw crash;
                }),
              ).toThrow(crash);
            }
            // What was lost, is sent again; what was done, changes nothing when it is sent again.
            model.apply(each);
            perform(ledger, each);
            if (isRepeated) {
              const again = both[1 - through]!;
              model.apply(each);
              perform(again.ledger, each);
            }
            ends.push(each);
          }
          const { sum, accounts, postings, firstBad } = both[0].ledger.verify();
          expect({ sum, firstBad, postings }).toEqual({ sum: 0n, firstBad: undefined, postings: model.movements });
          for (const [account, balance] of model.balances)
            expect([account, accounts.get(account)]).toEqual([account, balance]);
        } finally {
          for (const { store } of both) await store.close();
          fs.rmSync(dataDir, { recursive: true, force: true });
        }
      }),
      { numRuns: 60 },
    );
    // All kinds came up.
    expect(new Set(ends.map(({ kind }) => kind)).size).toBe(8);
  });
});
