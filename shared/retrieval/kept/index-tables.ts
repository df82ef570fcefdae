/**
 * Owns the tables beside a store's passages that an index is kept by: which passages went, and the saved index. Knows neither the
 * passages nor what is in the octets. A saved index never outlives the removal of what it holds.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Counters } from '../../counters.ts';
import type { Queries } from '../../queries.ts';

export interface IndexTables {
  /** Passages that went, in order, for processes that have them in their index. Holds no word of them. */
  removals: { position: number; passage_key: number };
  /** The last saved index, and up to where it has seen the passages and removals. */
  snapshots: { id: number; passage_key: number; removal: number; octets: number };
  snapshot_parts: { snapshot_id: number; ordinal: number; octets: Uint8Array };
}

/** Which numbers the tables take. */
export type IndexCounter = 'removal' | 'snapshot';

/** An index up to the last passage and the last removal that it has seen. */
export interface SavedIndex {
  readonly passageKey: number;
  readonly removal: number;
  readonly octets: Uint8Array;
}

export interface IndexStore {
  /** For use inside the transaction that removes them. */
  noteRemoved(passageKeys: readonly number[]): void;
  lastRemoval(): number;
  removedAfter(position: number, limit: number): IndexTables['removals'][];
  newest(): SavedIndex | undefined;
  /**
   * Keeps it in place of the one before, unless that one is as new. Nobody else has to wait for the whole of it: each part is a
   * transaction.
   * @returns false when something was removed that it still holds: then nothing of it is kept
   */
  save(index: SavedIndex): Promise<boolean>;
  /** For when something must be forgotten: inside the transaction that removes it. */
  forgetSaved(): void;
}

/** One value is at most so large, so that any database takes it. */
const PART_OCTETS = 8 * 2 ** 20;

/** A part of a migration. */
export async function createIndexTables({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('removals')
    .addColumn('position', 'bigint', (c) => c.primaryKey())
    .addColumn('passage_key', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('snapshots')
    .addColumn('id', 'bigint', (c) => c.primaryKey())
    .addColumn('passage_key', 'bigint', (c) => c.notNull())
    .addColumn('removal', 'bigint', (c) => c.notNull())
    .addColumn('octets', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('snapshot_parts')
    .addColumn('snapshot_id', 'bigint', (c) => c.notNull())
    .addColumn('ordinal', 'integer', (c) => c.notNull())
    .addColumn('octets', 'blob', (c) => c.notNull())
    .addPrimaryKeyConstraint('snapshot_parts_key', ['snapshot_id', 'ordinal'])
    .execute();
}

export function createIndexStore(
  { db, all, first, run, transaction }: Queries<IndexTables>,
  { take, last }: Counters<IndexCounter>,
): IndexStore {
  const newestRow = () => first(db.selectFrom('snapshots').selectAll().orderBy('id', 'desc').limit(1));

  function forgetSaved(): void {
    run(db.deleteFrom('snapshot_parts'));
    run(db.deleteFrom('snapshots'));
  }

  return {
    noteRemoved(passageKeys) {
      if (passageKeys.length === 0) return;
      let position = take('removal', passageKeys.length);
      for (const passage_key of passageKeys) {
        run(db.insertInto('removals').values({ position: position++, passage_key }));
      }
    },
    lastRemoval: () => last('removal'),
    removedAfter: (position, limit) =>
      all(db.selectFrom('removals').selectAll().where('position', '>', position).orderBy('position').limit(limit)),
    newest() {
      const row = newestRow();
      if (!row) return undefined;
      const select = db.selectFrom('snapshot_parts').select('octets').where('snapshot_id', '=', row.id);
      const octets = new Uint8Array(row.octets);
      let at = 0;
      for (const part of all(select.orderBy('ordinal'))) {
        if (at + part.octets.length > octets.length) break;
        octets.set(part.octets, at);
        at += part.octets.length;
      }
      return { passageKey: row.passage_key, removal: row.removal, octets };
    },
    async save({ passageKey, removal, octets }) {
      const there = newestRow();
      if (there && there.removal === removal && there.passage_key >= passageKey) return true;
      const id = transaction(() => take('snapshot'));
      const parts = Math.ceil(octets.length / PART_OCTETS);
      for (let ordinal = 0; ordinal < parts; ordinal++) {
        const part = Buffer.from(octets.subarray(ordinal * PART_OCTETS, (ordinal + 1) * PART_OCTETS));
        transaction(() => {
          if (last('removal') !== removal) return;
          run(db.insertInto('snapshot_parts').values({ snapshot_id: id, ordinal, octets: part }));
        });
        await nextTurn();
      }
      return transaction(() => {
        // Whoever saved meanwhile, or forgot, has taken parts away.
        const isWhole =
          all(db.selectFrom('snapshot_parts').select('ordinal').where('snapshot_id', '=', id)).length === parts;
        if (!isWhole || last('removal') !== removal) {
          run(db.deleteFrom('snapshot_parts').where('snapshot_id', '=', id));
          return false;
        }
        run(db.deleteFrom('snapshot_parts').where('snapshot_id', '<', id));
        run(db.deleteFrom('snapshots').where('id', '<', id));
        run(db.insertInto('snapshots').values({ id, passage_key: passageKey, removal, octets: octets.length }));
        return true;
      });
    },
    forgetSaved,
  };
}
