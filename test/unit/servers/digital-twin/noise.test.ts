import { expect, it } from 'vitest';
import { discreteLaplace } from '../../../../servers/digital-twin/elevation/noise.ts';

/** A generator with a seed, so that a test of chance gives the same each time (Park and Miller, 1988). */
function seeded(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state * 48_271) % 2_147_483_647;
    return Math.floor((state / 2_147_483_647) * n);
  };
}

it.each([0.25, 0.5, 1, 2])('[T6] noise with epsilon %d falls as the discrete Laplace distribution says', (epsilon) => {
  const dice = seeded(4_711);
  const draws = 40_000;
  const seen = new Map<number, number>();
  for (let n = 0; n < draws; n++) {
    const x = discreteLaplace(epsilon, dice);
    seen.set(x, (seen.get(x) ?? 0) + 1);
  }
  const q = Math.exp(-epsilon);
  for (let x = -6; x <= 6; x++) {
    const expected = ((1 - q) / (1 + q)) * q ** Math.abs(x);
    const deviation = Math.sqrt((expected * (1 - expected)) / draws);
    expect(Math.abs((seen.get(x) ?? 0) / draws - expected), `x = ${x}`).toBeLessThan(5 * deviation);
  }
});

it('[T6] refuses an epsilon that would be no number of its steps', () => {
  for (const epsilon of [0, -1, Number.NaN, 0.0001])
    expect(() => discreteLaplace(epsilon, () => 0)).toThrow(RangeError);
});
