/** Composes the fog server from the data folder, its settings and the real clock. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { createRouterClient } from '../../shared/client/router-client.ts';
import { createClock } from '../../shared/clock.ts';
import { NO_FOG_RULES } from '../../shared/fog-rules.ts';
import { createWatches } from '../../shared/watches.ts';
import type { OpenServer, ServerEnvironment } from '../index.ts';
import type { FogDeps } from './deps.ts';
import { openForge } from './forge/open.ts';
import { openMoney } from './money/open.ts';
import { createServer } from './server.ts';
import { openFogStore } from './store/open.ts';
import { TIMING } from './work/dispatcher.ts';
import { createNodes } from './work/nodes.ts';
import { createOwnership } from './work/owner.ts';
import { openSwitchboard } from './work/switchboard.ts';
import { createWork } from './work/work.ts';

export const open: OpenServer = async (environment) => createServer(await openFog(environment));

/** @throws StoreError with what to do */
export async function openFog(environment: ServerEnvironment): Promise<FogDeps> {
  const { log, dataDir } = environment;
  const store = await openFogStore(dataDir);
  const watches = createWatches(store, (cause) => log.error({ cause }, 'a change of fog.db could not be told'));
  const { now: nowMs } = createClock(Date.now, () => performance.now());
  const rules = environment.fog?.rules ?? (() => NO_FOG_RULES);
  const router = environment.router && createRouterClient({ ...linkOf(environment.router), name: 'fog', log });
  const base = { store, watches, nowMs, newId: randomUUID };
  const money = openMoney(base, { rules: environment.economy, call: router?.call, log });
  const forge = openForge(base, { settings: environment.forge, dataDir, log });
  const work = createWork(store, money.rewards);
  const nodes = createNodes(store);
  const ownership = createOwnership(store, randomUUID());
  const switchboard = openSwitchboard({
    ownership,
    openNode: () => openServerNode(environment),
    dispatcher: {
      work,
      nodes,
      nowMs,
      log,
      timing: TIMING,
      admits: (nodeId) => rules().nodes?.has(nodeId) ?? true,
    },
    router,
    log,
  });
  return {
    ...money.deps,
    ...forge.deps,
    rewards: money.rewards,
    work,
    nodes,
    rules,
    switchboard,
    async close() {
      await switchboard.close();
      await forge.close();
      money.close();
      await router?.close();
      watches.close();
      await store.close();
    },
  };
}

function linkOf(router: NonNullable<ServerEnvironment['router']>) {
  return { url: router.url, token: () => router.token() };
}

/** A node of the server's own, for fog nodes alone: it looks for nobody. */
async function openServerNode({ dataDir, fog, peers, log }: ServerEnvironment) {
  const [{ loadNodeKey }, { openNode }] = await Promise.all([
    import('../../shared/p2p/key.ts'),
    import('../../shared/p2p/open-node.ts'),
  ]);
  return openNode({
    key: loadNodeKey(path.join(dataDir, 'fog.key')),
    listen: [fog?.listen ?? '/ip4/127.0.0.1/tcp/0'],
    bootstrap: [],
    networkKey: peers?.networkKey,
    mdns: false,
    quic: false,
    portsFile: path.join(dataDir, 'fog.ports'),
    maxConnections: 10_000,
    log,
    now: Date.now,
  });
}
