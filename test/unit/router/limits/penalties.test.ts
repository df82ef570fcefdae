import { expect, it } from 'vitest';
import { Penalties } from '../../../../router/limits/penalties.ts';

it('[S1] lets pauses grow while a caller goes on, up to five minutes, and closes its sessions at the tenth strike', () => {
  const penalties = new Penalties();
  const strikes = Array.from({ length: 14 }, (_, i) => penalties.strike('alice', 1_000_000 + i * 1_000));
  const seconds = strikes.map(({ pauseMs }) => pauseMs / 1_000);
  expect(seconds).toEqual([0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  expect(strikes.flatMap(({ disconnect }, i) => (disconnect ? [i + 1] : []))).toEqual([10]);
  expect(penalties.pauseOf('alice', 1_013_000)).toBe(300_000);
  expect(penalties.pauseOf('bob', 1_013_000)).toBe(0);
});

it('[S1] takes the refusals of one second as one strike: a burst is not held against anybody', () => {
  const penalties = new Penalties();
  const strikes = Array.from({ length: 500 }, (_, i) => penalties.strike('alice', 1_000_000 + i));
  expect(strikes.every(({ pauseMs, disconnect }) => pauseMs === 0 && !disconnect)).toBe(true);
});

it('[S1] forgives a strike for each half minute without one', () => {
  const penalties = new Penalties();
  for (let i = 0; i < 6; i++) penalties.strike('alice', 1_000_000 + i * 1_000);
  expect(penalties.pauseOf('alice', 1_005_000)).toBe(4_000);
  expect(penalties.pauseOf('alice', 1_010_000)).toBe(0);
  expect(penalties.strike('alice', 1_005_000 + 120_000).pauseMs).toBe(0);
});
