import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Migration, openStore, StoreError } from '../../../shared/store.ts';

interface Tables {
  notes: { id: number; text: string };
}

const OPENER = path.resolve(import.meta.dirname, '../../fixtures/store-opener.ts');

const migrations: Migration[] = [
  async (db) => {
    await db.schema
      .createTable('notes')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('text', 'text', (c) => c.notNull())
      .execute();
  },
];

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'store-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

it('[X4] makes the file and its folder with owner-only rights and keeps what is written', async () => {
  const file = path.join(folder, 'data', 'a.db');
  const store = await openStore<Tables>({ file, migrations });
  await store.db.insertInto('notes').values({ id: 1, text: 'kept' }).execute();
  await store.close();
  expect(fs.statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  const again = await openStore<Tables>({ file, migrations });
  expect(await again.db.selectFrom('notes').selectAll().execute()).toEqual([{ id: 1, text: 'kept' }]);
  await again.close();
});

it('[X4] refuses a file that a newer version wrote and says so', async () => {
  const file = path.join(folder, 'a.db');
  await (await openStore({ file, migrations: [...migrations, async () => {}] })).close();
  await expect(openStore({ file, migrations })).rejects.toThrow(StoreError);
  await expect(openStore({ file, migrations })).rejects.toThrow(/schema version 2, this program knows 1/);
});

it('[X4] leaves nothing behind of a migration that fails', async () => {
  const file = path.join(folder, 'a.db');
  const failing: Migration = async (db) => {
    await db.schema.createTable('half').addColumn('id', 'integer').execute();
    throw new Error('on purpose');
  };
  await expect(openStore({ file, migrations: [...migrations, failing] })).rejects.toThrow('on purpose');
  const store = await openStore<Tables>({ file, migrations });
  const tables = store.connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  expect(tables).toEqual([{ name: 'notes' }]);
  await store.close();
});

it('[X4] opens a new file in several processes at the same instant', async () => {
  const atMs = Date.now() + 1_500;
  const run = async (): Promise<string> => {
    const child = spawn(process.execPath, [OPENER, folder, String(atMs), '40'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return await text(child.stderr);
  };
  expect(await Promise.all([run(), run(), run()])).toEqual(['', '', '']);
});

it('rolls a transaction back when its work throws', async () => {
  const store = await openStore<Tables>({ file: path.join(folder, 'a.db'), migrations });
  expect(() =>
    store.transaction(() => {
      store.connection.prepare('INSERT INTO notes VALUES (1, ?)').run('lost');
      throw new Error('on purpose');
    }),
  ).toThrow('on purpose');
  expect(await store.db.selectFrom('notes').selectAll().execute()).toEqual([]);
  await store.close();
});

it('[X4] lets go of the file when closed, also when nothing was asked of it', async () => {
  const file = path.join(folder, 'data', 'notes.db');
  await (await openStore({ file, migrations })).close();
  const store = await openStore({ file, migrations });
  await store.close();
  expect(store.connection.open).toBe(false);
  expect(fs.readdirSync(path.dirname(file))).toEqual(['notes.db']);
});
