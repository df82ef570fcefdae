import { expect, it } from 'vitest';
import { BackOff } from '../../../../shared/client/back-off.ts';

it('[C1] waits twice as long each time up to a bound, half of it by chance, and begins anew after a success', () => {
  const options = { firstMs: 100, longestMs: 1_000 };
  const steps = (random: number) => {
    const backOff = new BackOff(options, () => random);
    return Array.from({ length: 6 }, () => backOff.next());
  };
  expect(steps(1)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(steps(0)).toEqual([50, 100, 200, 400, 500, 500]);
  const backOff = new BackOff(options, () => 1);
  backOff.next();
  backOff.next();
  backOff.reset();
  expect(backOff.next()).toBe(100);
});
