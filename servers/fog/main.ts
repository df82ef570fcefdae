/** Composes the fog server from the data folder, its settings and the real clock. */
import { randomUUID } from 'node:crypto';
import { createRouterClient } from '../../shared/client/router-client.ts';
import { createClock } from '../../shared/clock.ts';
import { createWatches } from '../../shared/watches.ts';
import type { OpenServer, ServerEnvironment } from '../index.ts';
import type { FogBase, FogDeps } from './deps.ts';
import { openForge } from './forge/open.ts';
import { openMoney } from './money/open.ts';
import { createServer } from './server.ts';
import { openFogStore } from './store/open.ts';
import { openWork } from './work/open-work.ts';

export const open: OpenServer = async (environment) => createServer(await openFog(environment));

/** @throws StoreError with what to do */
export async function openFog(environment: ServerEnvironment): Promise<FogDeps> {
  const { log, dataDir, router: link } = environment;
  const store = await openFogStore(dataDir);
  const watches = createWatches(store, (cause) => log.error({ cause }, 'a change of fog.db could not be told'));
  const { now: nowMs } = createClock(Date.now, () => performance.now());
  const base: FogBase = { store, watches, nowMs, newId: randomUUID };
  // Connects when the first dispute needs it.
  const router = link && createRouterClient({ url: link.url, token: () => link.token(), name: 'fog', log });
  const money = openMoney(base, { rules: environment.economy, call: router?.call, log });
  const forge = openForge(base, { settings: environment.forge, dataDir, log });
  const { closeWork, ...work } = openWork(base, environment, money.rewards);
  return {
    ...money.deps,
    ...forge.deps,
    ...work,
    async close() {
      await closeWork();
      await forge.close();
      money.close();
      await router?.close();
      watches.close();
      await store.close();
    },
  };
}
