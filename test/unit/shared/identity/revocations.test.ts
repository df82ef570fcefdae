import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type IdentityStore, openIdentityStore } from '../../../../shared/identity/identity-store.ts';
import { openRevocations, type Revocations } from '../../../../shared/identity/revocations.ts';
import { Clock, refusalOf, temporaryFolder } from '../../../fixtures/identity/setup.ts';

let folder: string;
let clock: Clock;
const opened: { store: IdentityStore; revocations: Revocations }[] = [];

/** One more process' view of the folder, on a connection of its own. */
async function open(): Promise<{ store: IdentityStore; revocations: Revocations }> {
  const store = await openIdentityStore(folder);
  const revocations = openRevocations({ store, now: clock.now, elapsed: clock.now });
  opened.push({ store, revocations });
  return { store, revocations };
}

beforeEach(() => {
  folder = temporaryFolder();
  clock = new Clock();
});
afterEach(async () => {
  for (const { store, revocations } of opened.splice(0)) {
    revocations.close();
    await store.close();
  }
  fs.rmSync(folder, { recursive: true });
});

it('[A2] holds a revocation at once, in every other process after its next look, and after a restart', async () => {
  const here = await open();
  const there = await open();
  const seen: string[] = [];
  there.revocations.onRevoked((tokenId) => seen.push(tokenId));
  await here.revocations.revoke('t1', clock.seconds + 900);
  await here.revocations.revoke('__proto__', clock.seconds + 900);
  await here.revocations.revoke("'); DROP TABLE revocations;--", clock.seconds + 900);
  expect(here.revocations.has('t1')).toBe(true);
  expect(there.revocations.poll()).toBe(true);
  expect(seen).toEqual(['t1', '__proto__', "'); DROP TABLE revocations;--"]);
  expect(there.revocations.has('__proto__')).toBe(true);
  expect(there.revocations.has('constructor')).toBe(false);
  expect((await open()).revocations.has('t1')).toBe(true);
});

it('[A2] keeps the first entry when a token is revoked twice', async () => {
  const { revocations } = await open();
  await revocations.revoke('t1', clock.seconds + 900);
  await revocations.revoke('t1', clock.seconds + 1);
  expect(revocations.size).toBe(1);
  expect((await open()).revocations.size).toBe(1);
});

it('[A2] drops entries, in memory and in the file, only after their tokens have ended', async () => {
  const { store, revocations } = await open();
  await revocations.revoke('short', clock.seconds + 10);
  await revocations.revoke('long', clock.seconds + 900);
  clock.pass(61_000);
  revocations.poll();
  expect(revocations.size).toBe(2);
  clock.pass(120_000);
  revocations.poll();
  expect([revocations.has('short'), revocations.has('long')]).toEqual([false, true]);
  const rows = await store.db.selectFrom('revocations').select('token_id').execute();
  expect(rows).toEqual([{ token_id: 'long' }]);
  await revocations.revoke('next', clock.seconds + 900);
  const other = await open();
  expect(other.revocations.has('next')).toBe(true);
});

it('[A2] sees a revocation that came after all entries it knew were dropped', async () => {
  const here = await open();
  const there = await open();
  await here.revocations.revoke('first', clock.seconds + 1);
  there.revocations.poll();
  clock.pass(200_000);
  here.revocations.poll();
  expect(here.revocations.size).toBe(0);
  await here.revocations.revoke('second', clock.seconds + 900);
  there.revocations.poll();
  expect(there.revocations.has('second')).toBe(true);
});

it('[A2] A05: a deleted file closes it after a second, and a revocation is not acknowledged', async () => {
  const { revocations } = await open();
  expect(revocations.fresh()).toBe(true);
  for (const suffix of ['', '-wal', '-shm']) fs.rmSync(path.join(folder, `identity.db${suffix}`), { force: true });
  clock.pass(1_001);
  expect(revocations.fresh()).toBe(false);
  expect(revocations.problem).toMatch(/was deleted/);
  const error = await refusalOf(() => revocations.revoke('t1', clock.seconds + 900));
  expect(error.kind).toBe('IDENTITY_UNAVAILABLE');
  expect(revocations.has('t1')).toBe(false);
});

it('[A2] A05: a replaced file closes it too', async () => {
  const { revocations } = await open();
  const file = path.join(folder, 'identity.db');
  fs.copyFileSync(file, `${file}.copy`);
  fs.renameSync(`${file}.copy`, file);
  clock.pass(1_001);
  expect(revocations.fresh()).toBe(false);
  expect(revocations.problem).toMatch(/was replaced/);
});

it('[A2] does not take its own pause for a store that is away', async () => {
  const { revocations } = await open();
  clock.pass(3_600_000);
  expect(revocations.fresh()).toBe(true);
});
