/**
 * Opens hyperrag.db and runs what Kysely compiled on it, synchronously. Knows the file and its counters, not what the rows mean.
 */
import path from 'node:path';
import type { Kysely } from 'kysely';
import { openStore } from '../../../shared/store.ts';
import { createSyncQueries, type SyncQueries } from '../../../shared/sync-queries.ts';
import { migrations, type Tables } from './schema.ts';

type Counter = 'document' | 'passage' | 'removal' | 'snapshot' | 'fit' | 'verdict' | 'context' | 'vector';

export interface HyperragStore extends SyncQueries {
  /** For building queries; run them with the functions below. */
  readonly db: Kysely<Tables>;
  /** Takes the write lock at once; rolls back when `work` throws. Inside another one it is a part of that. */
  transaction<T>(work: () => T): T;
  /** The next `count` numbers of a counter, for use inside a transaction; gives the first. Numbers begin at 1. */
  take(counter: Counter, count: number): number;
  /** The last number that was taken; 0 before the first. */
  last(counter: Counter): number;
  /** Another text as soon as anything was written, by this process or another. */
  stamp(): string;
  close(): Promise<void>;
}

/** @throws StoreError when the file is newer than the code */
export async function openHyperragStore(dataDir: string): Promise<HyperragStore> {
  const file = path.join(dataDir, 'hyperrag.db');
  const store = await openStore<Tables>({ file, migrations, busyTimeoutMs: 10_000 });
  const { db, connection } = store;
  const { all, first, run } = createSyncQueries(connection);
  const totalChanges = connection.prepare<[], number>('SELECT total_changes()').pluck();

  const last = (counter: Counter): number =>
    first(db.selectFrom('counters').select('value').where('name', '=', counter))?.value ?? 0;

  return {
    db,
    all,
    first,
    run,
    transaction: (work) => (connection.inTransaction ? work() : store.transaction(work)),
    take(counter, count) {
      const before = last(counter);
      const value = before + count;
      run(
        db
          .insertInto('counters')
          .values({ name: counter, value })
          .onConflict((c) => c.column('name').doUpdateSet({ value })),
      );
      return before + 1;
    },
    last,
    stamp: () => `${connection.pragma('data_version', { simple: true })}:${totalChanges.get()}`,
    close: () => store.close(),
  };
}
