import { expect, it } from 'vitest';
import { DAY, HOUR, handClock, START } from '../../../fixtures/governance/village.ts';

it('[G2] follows the wall clock forward and never back', () => {
  const { hands, clock } = handClock();
  hands.wall += HOUR;
  expect(clock.now()).toBe(START + HOUR);
  hands.wall -= 2 * HOUR;
  expect(clock.now()).toBe(START + HOUR);
});

it('[G2] runs on by itself while the wall clock is behind', () => {
  const { hands, clock } = handClock();
  hands.wall -= DAY;
  hands.monotonic += 5_000;
  expect(clock.now()).toBe(START + 5_000);
  hands.wall = START + 7_000;
  hands.monotonic += 1_000;
  expect(clock.now()).toBe(START + 7_000);
});

it('[G2] catches up with a time that was reached elsewhere, and goes on from there', () => {
  const { hands, clock } = handClock();
  expect(clock.atLeast(START + DAY)).toBe(START + DAY);
  hands.monotonic += 1_000;
  expect(clock.now()).toBe(START + DAY + 1_000);
});
