import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../shared/errors.ts';
import { ECONOMY, HOUR, metering, openEconomy } from '../../../fixtures/fog/economy.ts';
import { economy, fog, offer, request, sumIsZero } from '../../../fixtures/fog/market.ts';

let earners = 0;

describe('work without a contract', () => {
  it('[F6] is paid from what was locked for it, at the usual price, and the rest comes back', async () => {
    const e = await economy();
    const { ledger } = e.deps;
    const order = { workId: '1', agent: 'magi', cpuCores: 1, memoryGb: 1, wallSeconds: 10 };
    e.rewards.reserve({ ...order, maxPriceMicro: 5_000_000 });
    expect(ledger.holdings('magi').available).toBe(fog(95));
    e.rewards.record(metering({ cpuMs: HOUR }));
    e.rewards.release('1');
    e.rewards.release('1');
    expect(ledger.holdings('magi').available).toBe(fog(98));
    // 2 FOG of pay, 3.6 of reward.
    expect(ledger.holdings('sage').available).toBe(fog(105.6));
    sumIsZero(e);
  });

  it('[F6] that cannot be paid is not taken; nothing is stored', async () => {
    const e = await economy();
    const order = { workId: '1', agent: 'magi', cpuCores: 1, memoryGb: 1, wallSeconds: 10 };
    for (const maxPriceMicro of [100_000_001, -1, 0.5, Number.NaN, 2 ** 60]) {
      expect(() => e.transaction(() => e.rewards.reserve({ ...order, maxPriceMicro }))).toThrow(AppError);
    }
    e.rewards.reserve({ ...order, maxPriceMicro: undefined });
    expect(e.deps.ledger.holdings('magi').available).toBe(fog(100));
  });

  it("[F6] earns no reward on one's own machine, none for what was lost, and no more than the treasury has", async () => {
    const e = await economy();
    const { ledger, marketStore } = e.deps;
    e.rewards.record(metering({ key: 'own', nodeAgent: 'magi', cpuMs: HOUR }));
    e.rewards.record(metering({ key: 'lost', outcome: 'lost', cpuMs: HOUR }));
    expect(ledger.treasury()).toBe(fog(100));
    for (const outcome of ['failed', 'cancelled', 'limit_exceeded'] as const)
      e.rewards.record(metering({ key: outcome, outcome }));
    expect(ledger.treasury()).toBe(fog(99.997));
    e.rewards.record(metering({ key: 'huge', cpuMs: 1e15, mbMs: 1e15 }));
    e.rewards.record(metering({ key: 'none', cpuMs: Number.NaN, mbMs: -5 }));
    expect(ledger.treasury()).toBe(0n);
    expect(marketStore.earned('sage', false).paid).toBe(fog(100));
    sumIsZero(e);
  });

  it('[F6] bounds what a node that lies about its work can earn in a day', async () => {
    const e = await economy({ ...ECONOMY, rewards: { ...ECONOMY.rewards, most_per_day: 5 } });
    const { ledger } = e.deps;
    const record = (key: string, at: number) => e.rewards.record(metering({ key, cpuMs: 1e15, at }));
    for (const key of ['a', 'b', 'c']) record(key, e.now);
    expect(ledger.treasury()).toBe(fog(95));
    record('next day', e.now + 24 * HOUR + 1);
    expect(ledger.treasury()).toBe(fog(90));
    sumIsZero(e);
  });

  it('[F6] sums what was earned in a day exactly, wherever in a minute it begins', async () => {
    const village = await economy();
    const { marketStore } = village.deps;
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(300_000), paid: fc.bigInt(0n, 1_000n) }), { maxLength: 30 }),
        fc.nat(300_000),
        (runs, since) => {
          const provider = `p${++earners}`;
          for (const [index, { at, paid }] of runs.entries()) {
            const of = { id: `${provider}:${index}`, contractId: '', provider, nodeId: 'n', isHarvested: false };
            marketStore.addUsage({ ...of, cpuMs: 1, mbMs: 1, rewardPaid: paid, rewardDue: paid, at });
          }
          const expected = runs.reduce((sum, { at, paid }) => (at >= since ? sum + paid : sum), 0n);
          expect(marketStore.rewardedSince(provider, since)).toBe(expected);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('[F6] moves each metering once under any order, repetition and loss of transactions', async () => {
    const run = fc.record({
      key: fc.integer({ min: 0, max: 6 }).map(String),
      workId: fc.constantFrom('1', '2'),
      cpuMs: fc.integer({ min: 0, max: 5 * HOUR }),
      step: fc.constantFrom('reserve', 'record', 'release', 'sweep'),
      isLost: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(run, { maxLength: 25 }), async (runs) => {
        const e = await openEconomy();
        try {
          const seen = new Set<string>();
          for (const { key, workId, cpuMs, step, isLost } of runs) {
            const order = { workId, agent: 'magi', maxPriceMicro: 3_000_000, cpuCores: 1, memoryGb: 1, wallSeconds: 1 };
            const act = () => {
              if (step === 'reserve') e.rewards.reserve(order);
              else if (step === 'record') e.rewards.record(metering({ key, workId, cpuMs }));
              else if (step === 'release') e.rewards.release(workId);
              else e.deps.market.sweep();
            };
            if (isLost) {
              expect(() =>
                e.transaction(() => {
                  act();
                  throw new Error('lost');
                }),
              ).toThrow('lost');
            } else {
              act();
              if (step === 'record') seen.add(key);
            }
          }
          const { sum, accounts } = e.deps.ledger.verify();
          expect(sum).toBe(0n);
          expect(accounts.get('issuance')).toBe(-fog(300));
          expect(e.deps.marketStore.earned('sage', false).runs).toBe(seen.size);
        } finally {
          await e.end();
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('issuance and stakes', () => {
  it('[F6] issues what a changed configuration adds, and refuses to change what was issued', async () => {
    const e = await economy();
    const { readEconomyRules } = await import('../../../../shared/economy-rules.ts');
    const { ledger, market } = e.deps;
    e.rules = readEconomyRules({
      issuance: [
        { id: 'magi', to: 'agent:magi', amount: 999 },
        { id: 'more', to: 'agent:magi', amount: 1 },
      ],
    });
    await expect.poll(() => ledger.holdings('magi').available).toBe(fog(101));
    expect(ledger.supply()).toBe(fog(301));
    expect(market.sweep()).toEqual([]);
  });

  it('[F5] [F6] asks for a stake where the rules do, and keeps it while it is needed', async () => {
    const e = await economy({ ...ECONOMY, min_stake: 10 });
    const { ledger, market } = e.deps;
    expect(() => market.offer('sage', offer())).toThrow(/10 FOG must be staked/);
    ledger.stake('sage', fog(30), 's');
    const made = market.offer('sage', offer());
    expect(market.unstakeable('sage')).toBe(fog(20));
    const contract = market.request('magi', request());
    market.withdraw('sage', made.id);
    expect(market.unstakeable('sage')).toBe(fog(20));
    market.finish('magi', contract.id);
    expect(market.unstakeable('sage')).toBe(fog(30));
  });
});
