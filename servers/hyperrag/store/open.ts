/** Opens hyperrag.db. Knows the file, its counters and the tables of its index, not what the rows mean. */
import path from 'node:path';
import { type Counters, createCounters } from '../../../shared/counters.ts';
import { createQueries, type Queries } from '../../../shared/queries.ts';
import { createIndexStore, type IndexCounter, type IndexStore } from '../../../shared/retrieval/kept/index-tables.ts';
import { openStore } from '../../../shared/store.ts';
import { migrations, type Tables } from './schema.ts';

type Counter = IndexCounter | 'document' | 'passage' | 'fit' | 'verdict' | 'context' | 'vector';

export interface HyperragStore extends Queries<Tables>, Counters<Counter> {
  readonly index: IndexStore;
}

/** @throws StoreError when the file is newer than the code */
export async function openHyperragStore(dataDir: string): Promise<HyperragStore> {
  const file = path.join(dataDir, 'hyperrag.db');
  const queries = createQueries(await openStore<Tables>({ file, migrations, busyTimeoutMs: 10_000 }));
  const counters = createCounters<Counter>(queries);
  return { ...queries, ...counters, index: createIndexStore(queries, counters) };
}
