import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { migrations as twinMigrations } from '../../../../../servers/digital-twin/store/schema.ts';
import { type CounterTables, createCounters, createCounterTables } from '../../../../../shared/counters.ts';
import { createQueries } from '../../../../../shared/queries.ts';
import {
  createIndexStore,
  createIndexTables,
  type IndexCounter,
  type IndexTables,
} from '../../../../../shared/retrieval/kept/index-tables.ts';
import { type Beside, createKeptIndex } from '../../../../../shared/retrieval/kept/kept-index.ts';
import { openStore } from '../../../../../shared/store.ts';
import { tempFolder } from '../../../../fixtures/hyperrag/knowledge.ts';

interface Tables extends CounterTables, IndexTables {
  passages: { key: number; text: string };
}

const log = { debug() {}, info() {}, warn() {}, error() {} };
let dataDir: string;
const opened: { close(): Promise<void> }[] = [];

beforeEach(() => {
  dataDir = tempFolder();
});
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
  fs.rmSync(dataDir, { recursive: true, force: true });
});

/** A store of passages and the index beside it, as one process has them. */
async function openShelf(beside?: Beside) {
  const file = path.join(dataDir, 'shelf.db');
  const passageTable = (db: Parameters<typeof createIndexTables>[0]) =>
    db.schema.createTable('passages').addColumn('key', 'bigint').addColumn('text', 'text').execute();
  const migrations = [createCounterTables, createIndexTables, passageTable];
  const queries = createQueries(await openStore<Tables>({ file, migrations }));
  const counters = createCounters<IndexCounter | 'passage'>(queries);
  const saved = createIndexStore(queries, counters);
  const { db, all, run, transaction } = queries;
  const index = createKeptIndex({
    passages: {
      stamp: queries.stamp,
      lastKey: () => counters.last('passage'),
      after: (after, limit) =>
        all(db.selectFrom('passages').selectAll().where('key', '>', after).orderBy('key').limit(limit)).map(
          ({ key, text }) => ({ key, passage: { title: '', text } }),
        ),
    },
    saved,
    isLearning: false,
    isSaveDue: () => false,
    ...(beside && { beside }),
    log,
  });
  opened.push(queries, index);
  return {
    index,
    saved,
    add(text: string): number {
      return transaction(() => {
        const key = counters.take('passage');
        run(db.insertInto('passages').values({ key, text }));
        return key;
      });
    },
    remove(key: number): void {
      transaction(() => {
        run(db.deleteFrom('passages').where('key', '=', key));
        saved.noteRemoved([key]);
      });
    },
    partsKept: () => all(db.selectFrom('snapshot_parts').select('ordinal')).length,
    find: async (question: string) => (await index.ready()).search(question).map(({ id }) => Number(id)),
  };
}

it('[H1] [T2] an index follows what another process adds and removes, from its saved copy too', async () => {
  const one = await openShelf();
  const heron = one.add('The heron stands in the reeds.');
  const otter = one.add('The otter sleeps by the weir.');
  expect(await one.find('heron reeds')).toEqual([heron]);
  await one.index.save();
  const two = await openShelf();
  expect(await two.find('otter weir')).toEqual([otter]);
  two.remove(otter);
  const late = two.add('An otter swims at dusk.');
  expect(await one.find('otter weir')).toEqual([late]);
  const three = await openShelf();
  expect(three.saved.newest()).toMatchObject({ passageKey: otter, removal: 0 });
  expect(await three.find('otter weir')).toEqual([late]);
});

it('[T7] [H1] what was removed while the index was made ready to be saved is in no saved copy', async () => {
  const one = await openShelf();
  const secret = one.add('The zimmerfold lies under the third stone.');
  one.add('The gate is painted green.');
  const octets = (await one.index.ready()).snapshot();
  one.remove(secret);
  expect(await one.saved.save({ passageKey: secret + 1, removal: 0, octets })).toBe(false);
  expect(one.saved.newest()).toBeUndefined();
  await one.index.save();
  const kept = one.saved.newest()!;
  expect(kept).toMatchObject({ passageKey: secret + 1, removal: 1 });
  expect(Buffer.from(kept.octets).includes('gate')).toBe(true);
  expect(Buffer.from(kept.octets).includes('zimmerfold')).toBe(false);
  one.saved.forgetSaved();
  expect(one.saved.newest()).toBeUndefined();
});

it('[T7] [H1] a removal while a large index is being saved leaves no part of it', async () => {
  const one = await openShelf();
  const gone = one.add('The zimmerfold lies under the third stone.');
  const octets = new Uint8Array(20 * 2 ** 20).fill(7);
  const saving = one.saved.save({ passageKey: gone, removal: 0, octets });
  expect(one.partsKept()).toBe(1);
  one.remove(gone);
  expect(await saving).toBe(false);
  expect(one.partsKept()).toBe(0);
});

it('[H1] of two indexes that are saved at the same time one is kept whole', async () => {
  const [one, two] = [await openShelf(), await openShelf()];
  const key = one.add('The gate is painted green.');
  const octets = new Uint8Array(20 * 2 ** 20).fill(7);
  const outcomes = await Promise.all(
    [one, two].map(({ saved }) => saved.save({ passageKey: key, removal: 0, octets })),
  );
  expect(outcomes).toContain(true);
  expect(one.partsKept()).toBe(3);
  expect(Buffer.from(two.saved.newest()!.octets).equals(octets)).toBe(true);
});

it('[T2] what stands beside the passages is found, and is in no saved copy', async () => {
  let wanted = 'zimmerfold on Mondays';
  let there = '';
  const beside: Beside = {
    isCurrent: () => there === wanted,
    take(into) {
      there = wanted;
      into.add({ id: '-1', title: '', text: wanted });
    },
    withdraw(from) {
      there = '';
      from.remove('-1');
    },
  };
  const { index, saved, add, find } = await openShelf(beside);
  add('The gate is painted green.');
  expect(await find('zimmerfold')).toEqual([-1]);
  await index.save();
  expect(Buffer.from(saved.newest()!.octets).includes('zimmerfold')).toBe(false);
  expect(await find('zimmerfold')).toEqual([-1]);
  wanted = 'quellbrook on Fridays';
  expect(await find('quellbrook')).toEqual([-1]);
});

it('[T2] [X4] a twin whose index was kept in the first form keeps its numbers and gets the tables of now', async () => {
  const file = path.join(dataDir, 'twin.db');
  const first = await openStore<unknown>({ file, migrations: twinMigrations.slice(0, 1) });
  first.connection.exec(`
    CREATE TABLE removals (position INTEGER PRIMARY KEY, fact_key INTEGER);
    CREATE TABLE snapshots (id INTEGER PRIMARY KEY, fact_key INTEGER, removal INTEGER, octets BLOB);
    INSERT INTO counters VALUES ('removal', 7);
    INSERT INTO snapshots VALUES (1, 3, 7, x'00')`);
  await first.close();
  const queries = createQueries(await openStore<Tables>({ file, migrations: twinMigrations }));
  opened.push(queries);
  const index = createIndexStore(queries, createCounters<IndexCounter>(queries));
  expect(index.newest()).toBeUndefined();
  expect(index.lastRemoval()).toBe(7);
  index.noteRemoved([12]);
  expect(index.removedAfter(7, 10)).toEqual([{ position: 8, passage_key: 12 }]);
});
