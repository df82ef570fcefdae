import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type IdentityStore, openIdentityStore } from '../../../../shared/identity/identity-store.ts';
import { LEVELS } from '../../../../shared/identity/levels.ts';
import { createUsers, type Users } from '../../../../shared/identity/users.ts';
import { Clock, temporaryFolder } from '../../../fixtures/identity/setup.ts';

let folder: string;
let store: IdentityStore;
let users: Users;
beforeEach(async () => {
  folder = temporaryFolder();
  store = await openIdentityStore(folder);
  users = createUsers(store, new Clock().now);
});
afterEach(async () => {
  await store.close();
  fs.rmSync(folder, { recursive: true });
});

const PASSWORD = 'correct horse battery';

it('[A3] knows a user by its password and by nothing else', async () => {
  await users.add('alice', 'developer', PASSWORD);
  expect(await users.checkPassword('alice', PASSWORD)).toMatchObject({ name: 'alice', role: 'developer', level: 2 });
  for (const wrong of ['', 'correct horse batterY', `${PASSWORD} `, 'x'.repeat(1_024)]) {
    expect(await users.checkPassword('alice', wrong)).toBeUndefined();
  }
  expect(await users.checkPassword('Alice', PASSWORD)).toBeUndefined();
  expect(await users.checkPassword('nobody', PASSWORD)).toBeUndefined();
});

it.each(['__proto__', 'constructor', 'hasOwnProperty', "' OR 1=1--", "');DROP TABLE users;--", '%_%', 'Ünïcödé'])(
  '[A3] D02, D03: a user may be called %s, and it is that one only',
  async (name) => {
    expect(await users.checkPassword(name, PASSWORD)).toBeUndefined();
    expect(users.find(name)).toBeUndefined();
    await users.add('alice', 'admin', 'another password');
    await users.add(name, 'user', PASSWORD);
    expect(await users.checkPassword(name, PASSWORD)).toMatchObject({ name, role: 'user' });
    expect(await users.checkPassword('alice', PASSWORD)).toBeUndefined();
    expect(users.list()).toHaveLength(2);
    expect(await users.remove(name)).toBe(true);
    expect(await users.remove(name)).toBe(false);
    expect(users.list().map((user) => user.name)).toEqual(['alice']);
  },
);

it('[A3] refuses a name twice, and names and passwords out of bounds', async () => {
  await users.add('alice', 'user', PASSWORD);
  await expect(users.add('alice', 'admin', PASSWORD)).rejects.toThrow(/a user of this name already/);
  for (const name of ['', 'a\nb', 'a\u202eb', ' alice', 'x'.repeat(257), 'e\u0301']) {
    await expect(users.add(name, 'user', PASSWORD)).rejects.toThrow(/A user name has/);
  }
  for (const password of ['', 'sevenby', 'x'.repeat(1_025)]) {
    await expect(users.add('bob', 'user', password)).rejects.toThrow(/A password has 8 to 1024 characters/);
  }
  expect(users.list()).toHaveLength(1);
});

it('[A3] keeps salt and hash, different for the same password, and never the password', async () => {
  await users.add('alice', 'user', PASSWORD);
  await users.add('bob', 'user', PASSWORD);
  const rows = await store.db.selectFrom('users').selectAll().execute();
  expect(new Set(rows.map((row) => row.hash)).size).toBe(2);
  expect(new Set(rows.map((row) => row.salt)).size).toBe(2);
  expect(rows.map((row) => row.cost)).toEqual([32_768, 32_768]);
  for (const file of fs.readdirSync(folder))
    expect(fs.readFileSync(path.join(folder, file)).includes(PASSWORD)).toBe(false);
});

it('[A3] does as much work for an unknown name as for a known one', async () => {
  await users.add('alice', 'user', PASSWORD);
  await users.checkPassword('alice', 'warm-up password');
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < 5; i++) {
    for (const [name, times] of [
      ['alice', known],
      ['nobody', unknown],
    ] as const) {
      const startedAt = performance.now();
      await users.checkPassword(name, 'a wrong password');
      times.push(performance.now() - startedAt);
    }
  }
  // Without the work an unknown name would take well under a millisecond, a known one tens of them.
  expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 4);
});

it('[A5] gives a person the level of its role unless one is set', async () => {
  expect((await users.add('a', 'user', PASSWORD)).level).toBe(LEVELS.READ_ONLY);
  expect((await users.add('b', 'developer', PASSWORD)).level).toBe(LEVELS.OPERATOR);
  expect((await users.add('c', 'admin', PASSWORD)).level).toBe(LEVELS.COORDINATOR);
  expect((await users.add('d', 'user', PASSWORD, LEVELS.EMERGENCY)).level).toBe(LEVELS.EMERGENCY);
});
