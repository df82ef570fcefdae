/** Owns the saved index in hyperrag.db, in parts that any database takes; only the newest is kept. */
import type { HyperragStore } from './open.ts';

export interface Snapshot {
  /** The last passage and the last removal that the index has seen. */
  readonly passageKey: number;
  readonly removal: number;
  readonly octets: Uint8Array;
}

export interface Snapshots {
  newest(): Snapshot | undefined;
  newestSeen(): Omit<Snapshot, 'octets'> | undefined;
  save(snapshot: Snapshot): void;
}

const PART_OCTETS = 8 * 2 ** 20;

export function createSnapshots(store: HyperragStore): Snapshots {
  const { db } = store;
  const newestRow = () => store.first(db.selectFrom('snapshots').selectAll().orderBy('id', 'desc').limit(1));
  return {
    newest() {
      const row = newestRow();
      if (!row) return undefined;
      const parts = store.all(
        db.selectFrom('snapshot_parts').select('octets').where('snapshot_id', '=', row.id).orderBy('ordinal'),
      );
      const octets = new Uint8Array(row.octets);
      let at = 0;
      for (const part of parts) {
        if (at + part.octets.length > octets.length) break;
        octets.set(part.octets, at);
        at += part.octets.length;
      }
      return { passageKey: row.passage_key, removal: row.removal, octets };
    },
    newestSeen() {
      const row = newestRow();
      return row && { passageKey: row.passage_key, removal: row.removal };
    },
    save({ passageKey, removal, octets }) {
      store.transaction(() => {
        const id = store.take('snapshot', 1);
        for (let ordinal = 0; ordinal * PART_OCTETS < octets.length; ordinal++) {
          const part = Buffer.from(octets.subarray(ordinal * PART_OCTETS, (ordinal + 1) * PART_OCTETS));
          store.run(db.insertInto('snapshot_parts').values({ snapshot_id: id, ordinal, octets: part }));
        }
        store.run(db.insertInto('snapshots').values({ id, passage_key: passageKey, removal, octets: octets.length }));
        store.run(db.deleteFrom('snapshot_parts').where('snapshot_id', '<', id));
        store.run(db.deleteFrom('snapshots').where('id', '<', id));
      });
    },
  };
}
