/**
 * Composes a fog node: its key, its peer-to-peer node, its runner, and the way to the one server that it trusts. A process of its
 * own with a data folder of its own.
 */
import path from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { FogRules } from '../../../shared/fog-rules.ts';
import type { Log } from '../../../shared/log.ts';
import { isPeerId, loadNodeKey } from '../../../shared/p2p/key.ts';
import type { P2pNode } from '../../../shared/p2p/node.ts';
import { openNode } from '../../../shared/p2p/open-node.ts';
import type { PeerRecord } from '../../../shared/p2p/record.ts';
import type { PeerSettings } from '../../../shared/settings.ts';
import type { Link } from '../link/link.ts';
import type { FromNode, FromServer } from '../link/messages.ts';
import { dialLink } from '../link/peer-link.ts';
import { SERVER_SERVICE } from '../work/switchboard.ts';
import { type NodeAgent, type NodeOffering, startNodeAgent } from './agent.ts';
import { measureBusy, measureMachine } from './machine.ts';
import { openRunner } from './runner-client.ts';

export interface FogNodeOptions {
  readonly dataDir: string;
  /** Multiaddr, ending in `/p2p/<peer id>`, of the fog server or of a peer whose record names one. */
  readonly join: string;
  readonly rules: () => FogRules;
  /** What it offers at most; what the machine has when left out. */
  readonly offer: Partial<Pick<NodeOffering, 'cpuCores' | 'memoryGb' | 'priceMicro' | 'agent'>>;
  readonly peers: PeerSettings;
  readonly log: Log;
}

export interface FogNode {
  readonly nodeId: string;
  readonly agent: NodeAgent;
  readonly offering: NodeOffering;
  close(): Promise<void>;
}

/** @throws AppError INVALID_PARAMS for an address without a peer id */
export async function openFogNode(options: FogNodeOptions): Promise<FogNode> {
  const { join, rules, offer, log } = options;
  const joinedPeer = /\/p2p\/([^/]+)$/.exec(join)?.[1] ?? '';
  if (!isPeerId(joinedPeer)) {
    throw new AppError('INVALID_PARAMS', {
      text: 'Expected a multiaddr that ends in /p2p/ and a peer id; "aivillage p2p address" prints one',
    });
  }
  const [machine, runner] = await Promise.all([measureMachine(), openRunner(log)]);
  const offering: NodeOffering = {
    cpuCores: Math.min(offer.cpuCores ?? machine.cpuCores, machine.cpuCores),
    memoryGb: Math.min(offer.memoryGb ?? machine.memoryGb, machine.memoryGb),
    gpu: machine.gpu,
    agent: offer.agent ?? 'local',
    priceMicro: offer.priceMicro ?? 0,
  };
  const { why } = runner.containment;
  if (why !== undefined) log.warn({ why }, 'programs that need a sandbox are not offered');
  const node = await openPeer(options).catch(async (cause: unknown) => {
    await runner.close();
    throw cause;
  });
  node.announce({
    cpu_cores: offering.cpuCores,
    memory_gb: offering.memoryGb,
    gpu: offering.gpu,
    services: { 'fog-node': { agent: offering.agent, price_micro: offering.priceMicro } },
  });
  const agent = startNodeAgent({
    offering,
    rules,
    runner,
    busy: measureBusy,
    dial: () => dialServer(node, join, joinedPeer),
    onPeers: (addresses) => {
      for (const address of addresses.slice(0, 1)) {
        node.connect(address).catch((cause: unknown) => log.info({ cause }, 'a peer of the village was not reached'));
      }
    },
    log,
  });
  return {
    nodeId: node.peerId,
    agent,
    offering,
    async close() {
      await agent.close();
      await node.close();
    },
  };
}

async function openPeer({ dataDir, join, peers, log }: FogNodeOptions): Promise<P2pNode> {
  return openNode({
    key: loadNodeKey(path.join(dataDir, 'fog-node.key')),
    listen: peers.listen,
    bootstrap: [join, ...peers.bootstrap],
    networkKey: peers.networkKey,
    mdns: peers.mdns,
    portsFile: path.join(dataDir, 'fog-node.ports'),
    log,
    now: Date.now,
  });
}

/**
 * Links to the server that this node trusts: the peer that it joined when that is a fog server, else the one that the peer's own signed
 * record names.
 * @throws AppError CONNECTION_FAILED when nobody is there
 */
async function dialServer(node: P2pNode, join: string, joinedPeer: string): Promise<Link<FromNode, FromServer>> {
  const peer = await node.connect(join);
  const direct = peer.record === undefined ? await dialLink(node, joinedPeer).catch(notThere) : undefined;
  if (direct !== undefined) return direct;
  const record = peer.record ?? (await recordOf(node, joinedPeer));
  const { peer_id: serverPeerId, address } = record?.services[SERVER_SERVICE] ?? {};
  if (typeof serverPeerId !== 'string' || typeof address !== 'string' || !isPeerId(serverPeerId)) {
    return dialLink(node, joinedPeer);
  }
  node.remember(serverPeerId, [address], node.now());
  await node.connect(address.endsWith(`/p2p/${serverPeerId}`) ? address : `${address}/p2p/${serverPeerId}`);
  return dialLink(node, serverPeerId);
}

/** It is there, but no fog server. @throws whatever else went wrong */
function notThere(error: unknown): undefined {
  if (error instanceof AppError && error.kind === 'CONNECTION_FAILED') return undefined;
  throw error;
}

/** A peer tells its record to who has just come, mostly sooner than the DHT finds it. */
async function recordOf(node: P2pNode, peerId: string): Promise<PeerRecord | undefined> {
  const told = Promise.withResolvers<PeerRecord>();
  const enough = new AbortController();
  const end = node.onPeerChange(() => {
    const record = node.peer(peerId)?.record;
    if (record !== undefined) told.resolve(record);
  });
  try {
    return await Promise.race([told.promise, node.findRecord(peerId, enough.signal)]);
  } finally {
    end();
    enough.abort();
  }
}
