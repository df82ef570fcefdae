/** Composes the fog server from the data folder, its settings and the real clock. */
import { randomUUID } from 'node:crypto';
import { createClock } from '../../shared/clock.ts';
import { createWatches } from '../../shared/watches.ts';
import type { OpenServer, ServerEnvironment } from '../index.ts';
import type { FogBase, FogDeps } from './deps.ts';
import { createServer } from './server.ts';
import { openFogStore } from './store/open.ts';
import { FREE_OF_CHARGE } from './work/metering.ts';
import { openWork } from './work/open-work.ts';

export const open: OpenServer = async (environment) => createServer(await openFog(environment));

/** @throws StoreError with what to do */
export async function openFog(environment: ServerEnvironment): Promise<FogDeps> {
  const { log, dataDir } = environment;
  const store = await openFogStore(dataDir);
  const watches = createWatches(store, (cause) => log.error({ cause }, 'a change of fog.db could not be told'));
  const { now: nowMs } = createClock(Date.now, () => performance.now());
  const base: FogBase = { store, watches, nowMs, newId: randomUUID };
  const { closeWork, ...work } = openWork(base, environment, FREE_OF_CHARGE);
  return {
    ...base,
    ...work,
    async close() {
      await closeWork();
      watches.close();
      await store.close();
    },
  };
}
