import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidate, rank } from '../../../../servers/fog/money/matching.ts';
import { costOf, leaseCost, rewardOf } from '../../../../servers/fog/money/price.ts';
import { MAX_AMOUNT, parseFog } from '../../../../shared/fog-amount.ts';
import { GB_HOUR, HOUR } from '../../../fixtures/fog/economy.ts';

const fog = (amount: number | string) => parseFog(amount);

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
