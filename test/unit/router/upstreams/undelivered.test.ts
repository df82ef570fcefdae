import { expect, it } from 'vitest';
import { Undelivered } from '../../../../router/upstreams/undelivered.ts';

const MIB = 2 ** 20;

function counted() {
  const told: string[] = [];
  const undelivered = new Undelivered({ pause: () => told.push('pause'), resume: () => told.push('resume') });
  return { told, undelivered };
}

it('[R8] holds a server back once when too much of its answers waits, and lets go when half of it has left', () => {
  const { told, undelivered } = counted();
  const holdings = [5, 5, 5].map((size) => undelivered.hold(size * MIB));
  expect(told).toEqual(['pause']);
  expect(holdings.every(({ heldBackSince }) => heldBackSince !== undefined)).toBe(true);
  holdings[0]!.release();
  expect(told).toEqual(['pause']);
  holdings[1]!.release();
  holdings[2]!.release();
  expect(told).toEqual(['pause', 'resume']);
  expect(holdings[0]!.heldBackSince).toBeUndefined();
});

it('[R8] counts an answer that is released twice once', () => {
  const { told, undelivered } = counted();
  const first = undelivered.hold(6 * MIB);
  undelivered.hold(6 * MIB);
  first.release();
  first.release();
  expect(told).toEqual(['pause']);
});
