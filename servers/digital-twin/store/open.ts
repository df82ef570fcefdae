/**
 * Opens one person's store: an encrypted SQLite file. Knows the file, its key and its counters and the tables of its index, not what the rows mean. What is no
 * store of this key is an error, and stays as it was found.
 */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type BetterSqlite3 from 'better-sqlite3';
import { type Counters, createCounters } from '../../../shared/counters.ts';
import { createQueries, type Queries } from '../../../shared/queries.ts';
import { createIndexStore, type IndexCounter, type IndexStore } from '../../../shared/retrieval/kept/index-tables.ts';
import { openStore, StoreError } from '../../../shared/store.ts';
import { migrations, type Tables } from './schema.ts';

type Counter = IndexCounter | 'fact' | 'event' | 'consent' | 'spending';

export interface TwinStore extends Queries<Tables>, Counters<Counter> {
  readonly index: IndexStore;
  /** A value of the store, made where there is none. */
  setting(name: string, make: () => Uint8Array): Uint8Array;
  setSetting(name: string, value: Uint8Array): void;
  /** Makes the file forget what was deleted: no page, free or in the write-ahead log, keeps it. `all` rewrites every page. */
  scrub(all: boolean): void;
  /**
   * Runs `work` while nobody can write and everything is in the file itself.
   * @throws StoreError when others write all the time
   */
  holdStill(work: () => void): Promise<void>;
  /** Whether the file was replaced or removed since it was opened. */
  isGone(): boolean;
}

/** How long a backup looks for a moment in which everything is in the file. */
const HOLD_MS = 10_000;
/** SQLCipher 4's. A file of another length was cut off, unless the write-ahead log still has what is missing. */
const PAGE_OCTETS = 4_096;

export interface TwinFile {
  readonly file: string;
  readonly key: Uint8Array;
  /** Makes it where it is not there; without this a missing or empty file is an error. */
  readonly mayMake: boolean;
}

/** @throws StoreError when the file is missing, damaged, of another key, or newer than the code */
export async function openTwinStore({ file, key, mayMake }: TwinFile): Promise<TwinStore> {
  const size = fs.statSync(file, { throwIfNoEntry: false })?.size;
  if (!mayMake && (size === undefined || size === 0)) {
    throw damaged(size === undefined ? 'its file is missing' : 'its file is empty');
  }
  if (size !== undefined && size % PAGE_OCTETS !== 0 && sizeOf(`${file}-wal`) === 0) throw damaged(DAMAGED);
  const store = await open(file, key);
  const { db, connection } = store;
  const queries = createQueries(store);
  const counters = createCounters<Counter>(queries);
  const { first, run } = queries;
  const { ino } = fs.statSync(file);

  function setSetting(name: string, value: Uint8Array): void {
    const insert = db.insertInto('settings').values({ name, value });
    run(insert.onConflict((c) => c.column('name').doUpdateSet({ value })));
  }

  return {
    ...queries,
    ...counters,
    index: createIndexStore(queries, counters),
    setting(name, make) {
      const select = db.selectFrom('settings').select('value').where('name', '=', name);
      const found = first<{ value: Uint8Array }>(select);
      if (found) return found.value;
      const insert = db.insertInto('settings').values({ name, value: make() });
      run(insert.onConflict((c) => c.doNothing()));
      return first<{ value: Uint8Array }>(select)!.value;
    },
    setSetting,
    scrub(all) {
      if (all) connection.exec('VACUUM');
      connection.pragma('wal_checkpoint(TRUNCATE)');
    },
    async holdStill(work) {
      for (const began = performance.now(); performance.now() - began < HOLD_MS; ) {
        connection.pragma('wal_checkpoint(TRUNCATE)');
        const isDone = store.transaction(() => {
          // Somebody may have written between the checkpoint and this transaction.
          if (sizeOf(`${file}-wal`) > 0) return false;
          work();
          return true;
        });
        if (isDone) return;
        await sleep(Math.random() * 5);
      }
      throw new StoreError('A twin is written to all the time, so it could not be copied; try again.');
    },
    isGone: () => fs.statSync(file, { throwIfNoEntry: false })?.ino !== ino,
  };
}

function sizeOf(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

async function open(file: string, key: Uint8Array) {
  try {
    return await openStore<Tables>({ file, migrations, busyTimeoutMs: 10_000, unlock: (c) => unlock(c, key) });
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw damaged(DAMAGED, error);
  }
}

export const DAMAGED = 'its file is damaged, cut off, or locked with another key';

/** SQLCipher 4's format with a raw key; overwrites what is deleted. */
function unlock(connection: BetterSqlite3.Database, key: Uint8Array): void {
  connection.pragma("cipher = 'sqlcipher'");
  connection.pragma(`key = "x'${Buffer.from(key).toString('hex')}'"`);
  connection.pragma('secure_delete = ON');
  connection.prepare('SELECT count(*) FROM sqlite_master').get();
}

/** What SQLite says of a file that is not, or no longer, a whole database of this key; it may show late. */
export function isDamage(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_IOERR_SHORT_READ';
}

export function damaged(what: string, cause?: unknown): StoreError {
  return new StoreError(
    `This twin's store cannot be read: ${what}. Nothing was changed, and no new store is made in its place; put the file back ` +
      'from a backup.',
    { cause },
  );
}
