/** Opens fog.db. Several processes may work on it at the same time. */
import path from 'node:path';
import { createQueries, type Queries } from '../../../shared/queries.ts';
import { openStore } from '../../../shared/store.ts';
import { migrations, type Tables } from './schema.ts';

export type FogStore = Queries<Tables>;

/** @throws StoreError when the file is newer than the code */
export async function openFogStore(dataDir: string): Promise<FogStore> {
  const file = path.join(dataDir, 'fog.db');
  return createQueries(await openStore<Tables>({ file, migrations, busyTimeoutMs: 10_000 }));
}
