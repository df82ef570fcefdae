/** Composes the work part of the server: nodes, work, and the door for nodes. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { createRouterClient } from '../../../shared/client/router-client.ts';
import { NO_FOG_RULES } from '../../../shared/fog-rules.ts';
import type { ServerEnvironment } from '../../index.ts';
import type { FogBase, WorkDeps } from '../deps.ts';
import type { Rewards } from './metering.ts';
import { createNodes } from './nodes.ts';
import { createOwnership } from './owner.ts';
import { openSwitchboard } from './switchboard.ts';
import { TIMING } from './timing.ts';
import { createWork } from './work.ts';

export interface OpenWork extends Omit<WorkDeps, keyof FogBase> {
  readonly closeWork: () => Promise<void>;
}

export function openWork({ store, nowMs }: FogBase, environment: ServerEnvironment, rewards: Rewards): OpenWork {
  const { log } = environment;
  const programs = environment.fog?.rules ?? (() => NO_FOG_RULES);
  const work = createWork(store, rewards);
  const nodes = createNodes(store, () => programs().trust);
  const link = environment.router;
  const router = link && createRouterClient({ url: link.url, token: () => link.token(), name: 'fog', log });
  const ownership = createOwnership(store, randomUUID());
  const switchboard = openSwitchboard({
    ownership,
    openNode: () => openServerNode(environment),
    dispatcher: { work, nodes, nowMs, log, timing: TIMING, admits: (nodeId) => programs().nodes?.has(nodeId) ?? true },
    router,
    log,
  });
  return {
    rewards,
    work,
    nodes,
    programs,
    switchboard,
    door: () => ownership.published(nowMs()),
    async closeWork() {
      await switchboard.close();
      await router?.close();
    },
  };
}

/** A node of the server's own, for fog nodes alone: it looks for nobody. */
async function openServerNode({ dataDir, fog, peers, log }: ServerEnvironment) {
  const [{ loadNodeKey }, { openNode }] = await Promise.all([
    import('../../../shared/p2p/key.ts'),
    import('../../../shared/p2p/open-node.ts'),
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
