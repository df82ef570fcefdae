/** Opens hyperrag.db. Knows the file and its counters, not what the rows mean. */
import path from 'node:path';
import { createQueries, type Queries } from '../../../shared/queries.ts';
import { openStore } from '../../../shared/store.ts';
import { migrations, type Tables } from './schema.ts';

type Counter = 'document' | 'passage' | 'removal' | 'snapshot' | 'fit' | 'verdict' | 'context' | 'vector';

export interface HyperragStore extends Queries<Tables> {
  /** The next `count` numbers of a counter, for use inside a transaction; gives the first. Numbers begin at 1. */
  take(counter: Counter, count: number): number;
  /** The last number that was taken; 0 before the first. */
  last(counter: Counter): number;
}

/** @throws StoreError when the file is newer than the code */
export async function openHyperragStore(dataDir: string): Promise<HyperragStore> {
  const file = path.join(dataDir, 'hyperrag.db');
  const queries = createQueries(await openStore<Tables>({ file, migrations, busyTimeoutMs: 10_000 }));
  const { db, first, run } = queries;

  const last = (counter: Counter): number =>
    first(db.selectFrom('counters').select('value').where('name', '=', counter))?.value ?? 0;

  return {
    ...queries,
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
  };
}
