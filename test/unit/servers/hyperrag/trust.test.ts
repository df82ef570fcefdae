import { describe, expect, it } from 'vitest';
import { claimProbability, reliability, type Voice } from '../../../../servers/hyperrag/trust.ts';

const voice = (source: string, supports: boolean, how = 0.9): Voice => ({ source, supports, reliability: how });

describe('reliability', () => {
  it('[H5] takes nine claims in ten of an unknown source to be right', () => {
    expect(reliability([])).toEqual({ right: 9, wrong: 1, mean: 0.9 });
  });

  it('[H5] follows what became of the claims, one trial for each claim', () => {
    expect(reliability([1, 1, 0, 0.5])).toEqual({ right: 11.5, wrong: 2.5, mean: 11.5 / 14 });
    expect(reliability(Array.from({ length: 1_000 }, () => 0)).mean).toBeLessThan(0.01);
  });
});

describe('claimProbability', () => {
  it('[H5] is one half without any voice, and the reliability of a single one', () => {
    expect(claimProbability([])).toBe(0.5);
    expect(claimProbability([voice('a', true, 0.8)])).toBeCloseTo(0.8);
    expect(claimProbability([voice('a', false, 0.8)])).toBeCloseTo(0.2);
  });

  it('[H5] independent sources add up, and one that contradicts takes back what one gave', () => {
    expect(claimProbability([voice('a', true), voice('b', true)])).toBeCloseTo(81 / 82);
    expect(claimProbability([voice('a', true), voice('b', false)])).toBeCloseTo(0.5);
  });

  it('[H5] the same source counts once, however often it speaks', () => {
    expect(claimProbability(Array.from({ length: 50 }, () => voice('a', true)))).toBeCloseTo(0.9);
  });

  it('[H5] a source that is always wrong speaks against what it states', () => {
    expect(claimProbability([voice('liar', true, 0.1)])).toBeCloseTo(0.1);
  });

  it('[H5] never becomes certain', () => {
    const many = Array.from({ length: 100 }, (_, n) => voice(`s${n}`, true, 1));
    expect(claimProbability(many)).toBeLessThan(1);
  });
});
