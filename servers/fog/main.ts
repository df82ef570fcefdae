/** Composes the fog server from the data folder, its settings and the real clock. */
import { randomUUID } from 'node:crypto';
import { createClock } from '../../shared/clock.ts';
import { createWatches } from '../../shared/watches.ts';
import type { OpenServer, ServerEnvironment } from '../index.ts';
import type { FogDeps } from './deps.ts';
import { createServer } from './server.ts';
import { openFogStore } from './store/open.ts';
import { FREE_OF_CHARGE } from './work/metering.ts';

export const open: OpenServer = async (environment) => createServer(await openFog(environment));

/** @throws StoreError with what to do */
export async function openFog({ log, dataDir }: Pick<ServerEnvironment, 'log' | 'dataDir'>): Promise<FogDeps> {
  const store = await openFogStore(dataDir);
  const watches = createWatches(store, (cause) => log.error({ cause }, 'a change of fog.db could not be told'));
  const clock = createClock(Date.now, () => performance.now());
  return {
    store,
    watches,
    nowMs: clock.now,
    newId: randomUUID,
    rewards: FREE_OF_CHARGE,
    async close() {
      watches.close();
      await store.close();
    },
  };
}
