import { expect, it } from 'vitest';
import { PeakEwma } from '../../../../router/upstreams/peak-ewma.ts';

it('[R2] jumps to a peak at once and forgets it slowly', () => {
  const latency = new PeakEwma();
  latency.observe(10, 0);
  latency.observe(200, 1);
  expect(latency.value(1)).toBe(200);
  latency.observe(10, 2);
  expect(latency.value(2)).toBeGreaterThan(199);
  for (let now = 1_000; now <= 60_000; now += 1_000) latency.observe(10, now);
  expect(latency.value(60_000)).toBeCloseTo(10, 0);
});

it('[R2] falls while nothing is heard, so that a slow copy is tried again', () => {
  const latency = new PeakEwma();
  latency.observe(1_000, 0);
  expect(latency.value(10_000)).toBeCloseTo(1_000 / Math.E, 5);
  expect(latency.value(100_000)).toBeLessThan(1);
});
