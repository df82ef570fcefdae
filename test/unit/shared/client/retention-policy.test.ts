import { afterEach, expect, it } from 'vitest';
import { followRetentionPolicy, LONGEST_RETENTION_DAYS } from '../../../../shared/client/retention-policy.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const says = (value: unknown) => ({
  policies: [
    { policy: 'other', value: 1 },
    { policy: 'knowledge.retention_days', value },
  ],
});
let close: () => void = () => {};
afterEach(() => close());

/** A router that answers as told, and tells its subscribers. */
function router(answers: unknown[]) {
  let told: (() => void) | undefined;
  let reads = 0;
  return {
    reads: () => reads,
    tell: () => told?.(),
    read: async () => {
      reads++;
      const next = answers.length > 1 ? answers.shift() : answers[0];
      if (next instanceof Error) throw next;
      return next;
    },
    subscribe: (_: string, onUpdate: () => void) => {
      told = onUpdate;
      return () => {
        told = undefined;
      };
    },
  };
}

it('[G7] keeps everything until it knows the policy, and follows each change', async () => {
  const changes: number[] = [];
  const at = router([new Error('governance is starting'), says(30), says(90)]);
  const policy = followRetentionPolicy(at, silent, (days) => changes.push(days));
  close = () => policy.close();
  expect(policy.days()).toBe(LONGEST_RETENTION_DAYS);
  await expect.poll(() => policy.days()).toBe(30);
  at.tell();
  await expect.poll(() => policy.days()).toBe(90);
  expect(changes).toEqual([30, 90]);
});

it.each([['0'], [0], [4_000], [undefined]])('[G7] a value that is none (%s) changes nothing', async (value) => {
  const at = router([says(30), says(value)]);
  const policy = followRetentionPolicy(at, silent);
  close = () => policy.close();
  await expect.poll(() => policy.days()).toBe(30);
  at.tell();
  await expect.poll(() => at.reads()).toBeGreaterThan(1);
  expect(policy.days()).toBe(30);
});
