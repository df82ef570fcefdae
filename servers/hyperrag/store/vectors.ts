/**
 * Owns the vectors that embedders made of passages, who is making them now, and how many there are. Knows neither texts nor how a
 * vector is made.
 */
import type { HyperragStore } from './open.ts';

export interface StoredVector {
  readonly position: number;
  readonly passageKey: number;
  readonly vector: Float32Array;
}

/** The vectors of one embedder. */
export interface Vectors {
  /** undefined before its first vector. */
  readonly dimensions: number | undefined;
  /** Passages above `key` that have none, in order. */
  missing(key: number, limit: number): number[];
  /** Keeps those whose passage is still there. @throws RangeError for another length than before */
  put(vectors: ReadonlyMap<number, Float32Array>): void;
  /** In the order in which they were put. */
  since(position: number, limit: number): StoredVector[];
  /** The last position of all embedders. */
  last(): number;
  /** Takes or keeps the right to make vectors until then; false while another process has it. */
  lease(holder: string, now: number, until: number): boolean;
  release(holder: string): void;
  counts(): { readonly embedded: number; readonly passages: number };
  /** Forgets the vectors of embedders that nobody has used since. */
  forgetOthers(unusedSince: number): void;
}

export function removeVectors(store: HyperragStore, passageKey: number): void {
  store.run(store.db.deleteFrom('vectors').where('passage_key', '=', passageKey));
}

export function createVectors(store: HyperragStore, name: string): Vectors {
  const { db } = store;
  const row = () => store.first(db.selectFrom('embedders').selectAll().where('name', '=', name));
  const change = (values: Partial<{ dimensions: number; holder: string; lease_until: number; used_at: number }>) =>
    store.run(db.updateTable('embedders').set(values).where('name', '=', name));
  store.run(
    db
      .insertInto('embedders')
      .values({ name, dimensions: 0, holder: '', lease_until: 0, used_at: 0 })
      .onConflict((c) => c.column('name').doNothing()),
  );

  return {
    get dimensions() {
      return row()?.dimensions || undefined;
    },
    missing: (key, limit) =>
      store
        .all(
          db
            .selectFrom('passages')
            .leftJoin('vectors', (join) =>
              join.onRef('vectors.passage_key', '=', 'passages.key').on('vectors.embedder', '=', name),
            )
            .select('passages.key')
            .where('passages.key', '>', key)
            .where('vectors.position', 'is', null)
            .orderBy('passages.key')
            .limit(limit),
        )
        .map((found) => found.key),
    put(vectors) {
      store.transaction(() => {
        const known = row()?.dimensions ?? 0;
        const keys = [...vectors.keys()];
        const there = store.all(db.selectFrom('passages').select('key').where('key', 'in', keys));
        let position = there.length === 0 ? 0 : store.take('vector', there.length);
        for (const { key } of there) {
          const vector = vectors.get(key)!;
          if (known !== 0 && vector.length !== known) {
            throw new RangeError(
              `The embedder gave ${known} dimensions before and gives ${vector.length} now: name the new model otherwise.`,
            );
          }
          const octets = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
          const values = { position: position++, embedder: name, passage_key: key, octets };
          store.run(
            db
              .insertInto('vectors')
              .values(values)
              .onConflict((c) => c.columns(['embedder', 'passage_key']).doNothing()),
          );
        }
        const [first] = vectors.values();
        if (known === 0 && first) change({ dimensions: first.length });
      });
    },
    since: (position, limit) =>
      store
        .all(
          db
            .selectFrom('vectors')
            .select(['position', 'passage_key', 'octets'])
            .where('embedder', '=', name)
            .where('position', '>', position)
            .orderBy('position')
            .limit(limit),
        )
        .map((found) => ({
          position: found.position,
          passageKey: found.passage_key,
          vector: new Float32Array(Uint8Array.from(found.octets).buffer),
        })),
    last: () => store.last('vector'),
    lease: (holder, now, until) =>
      store.transaction(() => {
        const { holder: current = '', lease_until = 0 } = row() ?? {};
        if (current !== '' && current !== holder && lease_until > now) return false;
        change({ holder, lease_until: until, used_at: now });
        return true;
      }),
    release(holder) {
      if (row()?.holder === holder) change({ holder: '', lease_until: 0 });
    },
    counts() {
      const embedded = store.first(
        db
          .selectFrom('vectors')
          .select((e) => e.fn.countAll<number>().as('count'))
          .where('embedder', '=', name),
      );
      const passages = store.first(db.selectFrom('passages').select((e) => e.fn.countAll<number>().as('count')));
      return { embedded: embedded?.count ?? 0, passages: passages?.count ?? 0 };
    },
    forgetOthers(unusedSince) {
      store.transaction(() => {
        const unused = db
          .selectFrom('embedders')
          .select('name')
          .where('name', '!=', name)
          .where('used_at', '<', unusedSince);
        store.run(db.deleteFrom('vectors').where('embedder', 'in', unused));
        store.run(db.deleteFrom('embedders').where('name', 'in', unused));
      });
    },
  };
}
