import { expect, it } from 'vitest';
import { createStanding } from '../../../../shared/p2p/standing.ts';

const PEER = 'a peer';

it('[N1] refuses a peer after five breaches, and takes it back after a minute', () => {
  const standing = createStanding();
  expect([1, 2, 3, 4].map(() => standing.report(PEER, 'breach', 0))).toEqual([false, false, false, false]);
  expect(standing.isRefused(PEER, 0)).toBe(false);
  expect(standing.report(PEER, 'breach', 0)).toBe(true);
  expect(standing.of(PEER, 0)).toBe(-100);
  expect(standing.isRefused(PEER, 59_999)).toBe(true);
  expect(standing.isRefused(PEER, 60_000)).toBe(false);
});

it('[N1] refuses it twice as long each time, an hour at most', () => {
  const standing = createStanding();
  let now = 0;
  for (let round = 0; round < 10; round += 1) {
    standing.report(PEER, 'attack', now);
    const ms = Math.min(3_600_000, 60_000 * 2 ** round);
    expect(standing.isRefused(PEER, now + ms - 1)).toBe(true);
    expect(standing.isRefused(PEER, now + ms)).toBe(false);
    now += ms;
  }
});

it('[N1] forgives slips with time', () => {
  const standing = createStanding();
  standing.report(PEER, 'slip', 0);
  expect(standing.of(PEER, 0)).toBe(-2);
  expect(standing.of(PEER, 10_000)).toBe(0);
  expect(standing.of('nobody', 0)).toBe(0);
});

it('[N2] refuses whom it is told to, until it is told otherwise', () => {
  const standing = createStanding();
  standing.refuse(PEER, 1_000, 0);
  expect(standing.isRefused(PEER, 999)).toBe(true);
  standing.pardon(PEER);
  expect(standing.isRefused(PEER, 0)).toBe(false);
});
