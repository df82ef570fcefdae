import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { STRATEGIES, type StrategyName, type Weighed } from '../../../../router/upstreams/strategies.ts';

interface Fake extends Weighed {
  readonly costMs: number;
}

function copy(parts: Partial<Fake> = {}): Fake {
  const { costMs = 0 } = parts;
  return { priority: 1, inFlight: 0, credit: 0, ...parts, costMs, cost: () => costMs };
}

function chosen(name: StrategyName, copies: readonly Weighed[], calls: number): number[] {
  return Array.from({ length: calls }, (_, turn) => STRATEGIES[name](copies, copies.length, turn, () => 0));
}

function countOf(indices: readonly number[], copies: number): number[] {
  return Array.from({ length: copies }, (_, index) => indices.filter((each) => each === index).length);
}

describe('how a copy is chosen', () => {
  it('[R2] round-robin takes each in turn', () => {
    expect(chosen('round-robin', [copy(), copy(), copy()], 6)).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it('[R2] priority-weighted gives each its share, evenly mixed', () => {
    const copies = [copy({ priority: 5 }), copy({ priority: 1 }), copy({ priority: 1 })];
    expect(chosen('priority-weighted', copies, 7)).toEqual([0, 0, 1, 0, 2, 0, 0]);
    expect(countOf(chosen('priority-weighted', copies, 700), 3)).toEqual([500, 100, 100]);
  });

  it('[R2] priority-weighted keeps the shares exactly, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 }), (priorities) => {
        const copies = priorities.map((priority) => copy({ priority }));
        const total = priorities.reduce((sum, each) => sum + each, 0);
        expect(countOf(chosen('priority-weighted', copies, total), copies.length)).toEqual(priorities);
      }),
    );
  });

  it('[R2] least-connections takes the one with the fewest calls, and equals in turn', () => {
    expect(
      chosen('least-connections', [copy({ inFlight: 2 }), copy({ inFlight: 1 }), copy({ inFlight: 3 })], 3),
    ).toEqual([1, 1, 1]);
    expect(chosen('least-connections', [copy(), copy(), copy({ inFlight: 1 })], 4).sort()).toEqual([0, 0, 0, 1]);
  });

  it('[R2] adaptive weighs how long a call takes there with how many wait', () => {
    const quick = copy({ costMs: 10, inFlight: 4 });
    const slow = copy({ costMs: 40 });
    expect(chosen('adaptive', [quick, slow], 1)).toEqual([1]);
    expect(chosen('adaptive', [copy({ costMs: 10, inFlight: 2 }), slow], 1)).toEqual([0]);
  });

  it('[R2] adaptive tries what it knows nothing of', () => {
    expect(chosen('adaptive', [copy({ costMs: 5 }), copy()], 2)).toEqual([1, 1]);
  });

  it.each(Object.keys(STRATEGIES) as StrategyName[])('[R2] %s names one of the candidates and no other', (name) => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ inFlight: fc.nat(50), costMs: fc.nat(500), priority: fc.integer({ min: 1, max: 9 }) }), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.nat(),
        (parts, turn) => {
          const copies = [...parts.map(copy), copy(), copy()];
          const index = STRATEGIES[name](copies, parts.length, turn, () => 0);
          expect(index).toBeGreaterThanOrEqual(0);
          expect(index).toBeLessThan(parts.length);
        },
      ),
    );
  });
});
