import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Candidate, rank } from '../../../../servers/fog/money/matching.ts';
import { costOf, leaseCost, rewardOf } from '../../../../servers/fog/money/price.ts';
import { AppError } from '../../../../shared/errors.ts';
import { MAX_AMOUNT, parseFog } from '../../../../shared/fog-amount.ts';
import { ECONOMY, GB_HOUR, HOUR, metering, openEconomy, type TestEconomy } from '../../../fixtures/fog/economy.ts';

async function economy(section?: object, hasRouter?: boolean): Promise<TestEconomy> {
  const opened = await openEconomy(section, hasRouter);
  onTestFinished(() => opened.end());
  return opened;
}

const offer = (more: object = {}) => ({
  nodeId: 'node-1',
  cpuCores: 4,
  memoryMb: 8_192,
  gpu: false,
  cpuHourPrice: parseFog(3),
  gbHourPrice: parseFog(1),
  durationMs: 24 * HOUR,
  isHarvested: false,
  ...more,
});
const request = (more: object = {}) => ({
  key: 'r1',
  requirements: { cpuCores: 2, memoryMb: 1_024, gpu: false },
  durationMs: HOUR,
  maxPrice: parseFog(50),
  ...more,
});
const fog = (amount: number | string) => parseFog(amount);

function sumIsZero({ deps: { ledger } }: TestEconomy): void {
  expect(ledger.verify()).toMatchObject({ sum: 0n, firstBad: undefined });
}

describe('prices', () => {
  it('[F5] [F6] follow from what was metered, rounded down', () => {
    const price = { cpuHour: fog(3.6), gbHour: fog(1) };
    expect(costOf({ cpuMs: 1_000, mbMs: 0 }, price)).toBe(1_000n);
    expect(costOf({ cpuMs: 0, mbMs: GB_HOUR }, price)).toBe(1_000_000n);
    expect(costOf({ cpuMs: 1, mbMs: 1 }, { cpuHour: 1n, gbHour: 1n })).toBe(0n);
    expect(rewardOf({ cpuMs: 1_500, mbMs: GB_HOUR / 2 }, { cpuSecond: 100n, gbHour: 10n })).toBe(155n);
    expect(leaseCost({ cpuCores: 2, memoryMb: 1_024 }, HOUR, price)).toBe(fog(8.2));
  });

  it.each([Number.NaN, -1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])(
    '[F5] takes a measure of %d for nothing',
    (bad) => {
      expect(costOf({ cpuMs: bad, mbMs: bad }, { cpuHour: fog(1), gbHour: fog(1) })).toBe(0n);
    },
  );

  it('[F5] are never more than a posting may move', () => {
    expect(costOf({ cpuMs: 1e300, mbMs: 1e300 }, { cpuHour: MAX_AMOUNT, gbHour: MAX_AMOUNT })).toBe(MAX_AMOUNT);
  });
});

describe('matching', () => {
  const candidate: fc.Arbitrary<Candidate> = fc.record({
    id: fc.uuid(),
    provider: fc.constantFrom('a', 'b', 'c'),
    freeCores: fc.integer({ min: -2, max: 6 }),
    freeMemoryMb: fc.integer({ min: 0, max: 4_096 }),
    gpu: fc.boolean(),
    cpuHourPrice: fc.bigInt({ min: 0n, max: 5n }).map((n) => n * 1_000_000n),
    gbHourPrice: fc.bigInt({ min: 0n, max: 2n }).map((n) => n * 1_000_000n),
    staked: fc.bigInt({ min: 0n, max: 3n }),
    createdAt: fc.integer({ min: 0, max: 3 }),
    expiresAt: fc.integer({ min: 0, max: 3 * HOUR }),
  });

  it('[F5] gives the cheapest of what fits, whatever the order of the offers', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(candidate, { maxLength: 12, selector: ({ id }) => id }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        (offers, cpuCores, gpu) => {
          const wanted = {
            consumer: 'a',
            requirements: { cpuCores, memoryMb: 512, gpu },
            durationMs: HOUR,
            maxPrice: 1n,
          };
          const ranked = rank(wanted, offers, 0);
          const fitting = offers.filter(
            (o) =>
              o.provider !== 'a' &&
              o.freeCores >= cpuCores &&
              o.freeMemoryMb >= 512 &&
              (o.gpu || !gpu) &&
              o.expiresAt >= HOUR,
          );
          expect(ranked.map(({ offer: { id } }) => id).sort()).toEqual(fitting.map(({ id }) => id).sort());
          for (const { cost } of ranked) expect(cost >= ranked[0]!.cost).toBe(true);
          expect(rank(wanted, offers.toReversed(), 0)).toEqual(ranked);
        },
      ),
    );
  });

  it('[F5] decides equal prices by fit, then by stake, then by age', () => {
    const base: Candidate = {
      id: 'x',
      provider: 'b',
      freeCores: 8,
      freeMemoryMb: 1_024,
      gpu: false,
      cpuHourPrice: 1n,
      gbHourPrice: 1n,
      staked: 0n,
      createdAt: 5,
      expiresAt: HOUR,
    };
    const wanted = {
      consumer: 'a',
      requirements: { cpuCores: 2, memoryMb: 512, gpu: false },
      durationMs: HOUR,
      maxPrice: 1n,
    };
    const ids = (...offers: Candidate[]) => rank(wanted, offers, 0).map(({ offer: { id } }) => id);
    expect(ids(base, { ...base, id: 'tight', freeCores: 2 })).toEqual(['tight', 'x']);
    expect(ids({ ...base, id: 'gpu', gpu: true }, base)).toEqual(['x', 'gpu']);
    expect(ids(base, { ...base, id: 'staked', staked: 1n })).toEqual(['staked', 'x']);
    expect(ids(base, { ...base, id: 'older', createdAt: 4 })).toEqual(['older', 'x']);
  });
});

describe('a contract', () => {
  it('[F5] locks what it may cost, pays what was metered, and gives the rest back', async () => {
    const e = await economy();
    const { market, ledger } = e.deps;
    const { id: offerId } = market.offer('sage', offer());
    const contract = market.request('magi', request());
    expect(contract).toMatchObject({ provider: 'sage', consumer: 'magi', status: 'active', escrow: fog(7) });
    expect(ledger.holdings('magi').available).toBe(fog(93));
    expect(market.offers().find(({ id }) => id === offerId)).toMatchObject({ freeCores: 2, freeMemoryMb: 7_168 });

    // An hour of one core: 3 FOG; and the reward of 3.6 FOG from the treasury.
    e.rewards.record(metering({ cpuMs: HOUR, at: e.now }));
    e.rewards.record(metering({ cpuMs: HOUR, at: e.now }));
    expect(market.contract('magi', contract.id)).toMatchObject({ used: { runs: 1 }, cost: fog(3) });
    expect(ledger.holdings('sage').available).toBe(fog(103.6));

    e.now = contract.endsAt + 10 * 60_000 - 1;
    expect(market.sweep()).toEqual([]);
    e.now += 1;
    expect(market.sweep()).toEqual([contract.id]);
    expect(market.sweep()).toEqual([]);
    expect(market.contract('magi', contract.id)).toMatchObject({ status: 'settled', paid: fog(3) });
    expect(ledger.holdings('magi').available).toBe(fog(97));
    expect(ledger.holdings('sage').available).toBe(fog(106.6));
    sumIsZero(e);
  });

  it("[F5] never pays more than was locked, and pays only work on the provider's own node in its time", async () => {
    const e = await economy();
    const { market, ledger } = e.deps;
    market.offer('sage', offer());
    const contract = market.request('magi', request());
    const others = [
      { nodeAgent: 'thief' },
      { nodeId: 'node-2' },
      { agent: 'oracle' },
      { at: contract.endsAt + 1 },
      { at: contract.startsAt - 1 },
      { outcome: 'lost' as const },
    ];
    for (const [i, other] of others.entries()) e.rewards.record(metering({ key: `other:${i}`, cpuMs: HOUR, ...other }));
    expect(market.contract('magi', contract.id).cost).toBe(0n);
    e.rewards.record(metering({ key: 'much', cpuMs: 100 * HOUR }));
    expect(market.finish('magi', contract.id)).toMatchObject({ status: 'settled', paid: fog(7) });
    expect(ledger.holdings('magi').available).toBe(fog(93));
    sumIsZero(e);
  });

  it('[F5] is one for one key, however often it is asked for', async () => {
    const e = await economy();
    e.deps.market.offer('sage', offer());
    const first = e.deps.market.request('magi', request());
    expect(e.deps.market.request('magi', request({ maxPrice: 1n })).id).toBe(first.id);
    expect(e.deps.ledger.holdings('magi').available).toBe(fog(93));
  });

  it('[F5] is refused without an offer that fits, beyond max_price, or without the money; nothing is locked', async () => {
    const e = await economy();
    const { market, ledger } = e.deps;
    market.offer('sage', offer());
    market.offer('magi', offer({ nodeId: 'own', cpuHourPrice: 0n }));
    const bad: [object, RegExp][] = [
      [{ requirements: { cpuCores: 5, memoryMb: 1, gpu: false } }, /No offer/],
      [{ requirements: { cpuCores: 1, memoryMb: 1, gpu: true } }, /No offer/],
      [{ durationMs: 25 * HOUR }, /No offer/],
      [{ maxPrice: fog(6.999999) }, /costs up to 7 FOG/],
      [{ durationMs: 20 * HOUR, maxPrice: fog(1_000) }, /has 100 FOG, and 140 FOG/],
    ];
    for (const [i, [more, text]] of bad.entries()) {
      expect(() => market.request('magi', request({ key: `bad ${i}`, ...more }))).toThrow(text);
    }
    expect(ledger.holdings('magi').available).toBe(fog(100));
    expect(market.contracts({ limit: 10 })).toEqual([]);
  });

  it('[F5] leaves no more of an offer than is there, and frees it in the end', async () => {
    const e = await economy();
    const { market } = e.deps;
    market.offer('sage', offer());
    const first = market.request('magi', request());
    market.request('magi', request({ key: 'r2' }));
    expect(() => market.request('magi', request({ key: 'r3' }))).toThrow(/No offer/);
    market.finish('magi', first.id);
    expect(market.request('magi', request({ key: 'r4' })).status).toBe('active');
  });

  it('[F5] ended by its provider is settled only when nobody can dispute it any more', async () => {
    const e = await economy();
    const { market } = e.deps;
    market.offer('sage', offer());
    const { id } = market.request('magi', request());
    expect(market.finish('sage', id)).toMatchObject({ status: 'active', endsAt: e.now });
    expect(market.sweep()).toEqual([]);
    e.now += 10 * 60_000;
    expect(market.sweep()).toEqual([id]);
  });

  it("[F5] is nobody else's to see, to end or to dispute", async () => {
    const e = await economy();
    const { market, disputes } = e.deps;
    market.offer('sage', offer());
    const { id } = market.request('magi', request());
    expect(() => market.contract('oracle', id)).toThrow(/Unknown contract/);
    expect(() => market.finish('oracle', id)).toThrow(/Unknown contract/);
    await expect(disputes.open('oracle', id, 'x')).rejects.toThrow(/Unknown contract/);
    expect(() => market.withdraw('magi', market.offers()[0]!.id)).toThrow(/Unknown offer/);
    expect(market.contracts({ agentId: 'oracle', limit: 10 })).toEqual([]);
  });
});

describe('a dispute', () => {
  it('[F5] becomes a proposal, stops the settlement, and is settled by what was approved', async () => {
    const e = await economy();
    const { market, disputes, ledger } = e.deps;
    market.offer('sage', offer());
    const { id } = market.request('magi', request());
    e.rewards.record(metering({ cpuMs: HOUR }));
    const disputed = await disputes.open('magi', id, 'the work was never done');
    expect(disputed).toMatchObject({ status: 'disputed', proposalId: 'prop_1', reason: 'the work was never done' });
    expect(e.calls).toMatchObject([
      {
        tool: 'governance_proposal',
        args: {
          type: 'major_change',
          action: { tool: 'fog_resolve_dispute', arguments: { contract_id: id, provider_percent: 0 } },
        },
      },
    ]);
    e.now += 1_000 * HOUR;
    expect(market.sweep()).toEqual([]);
    expect(() => market.finish('magi', id)).toThrow(/is disputed/);
    expect(market.resolve(id, 25, 'half of the half')).toMatchObject({ status: 'settled', paid: fog(1.75) });
    expect(() => market.resolve(id, 100, 'again')).toThrow(/is settled/);
    expect(ledger.holdings('magi').available).toBe(fog(98.25));
    sumIsZero(e);
  });

  it('[F5] that governance did not hear of can be sent again, and is one proposal', async () => {
    const e = await economy();
    const { market, disputes } = e.deps;
    market.offer('sage', offer());
    const { id } = market.request('magi', request());
    e.answer = () => {
      throw new AppError('CONNECTION_FAILED');
    };
    await expect(disputes.open('magi', id, 'bad')).rejects.toThrow(AppError);
    expect(market.contract('magi', id)).toMatchObject({ status: 'disputed', proposalId: null });
    e.answer = () => ({ proposal_id: 'prop_2' });
    expect(await disputes.open('magi', id, 'bad')).toMatchObject({ proposalId: 'prop_2' });
    await expect(disputes.open('sage', id, 'worse')).rejects.toThrow(/is disputed/);
    expect(e.calls).toHaveLength(2);
  });

  it('[F5] is refused without a router, and the contract goes on', async () => {
    const e = await economy(ECONOMY, false);
    const { market, disputes } = e.deps;
    market.offer('sage', offer());
    const { id } = market.request('magi', request());
    await expect(disputes.open('magi', id, 'bad')).rejects.toThrow(/without a router/);
    expect(market.contract('magi', id).status).toBe('active');
  });
});

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
