/**
 * Answers about peers in the process that owns the node: who is there, who to connect to, what is offered, which fog nodes are
 * live. Carries no message.
 */

import type { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import { isPeerId } from '../../shared/p2p/key.ts';
import type { KnownPeer, P2pNode } from '../../shared/p2p/node.ts';
import {
  announce,
  connectPeer,
  disconnectPeer,
  discoverFogNodes,
  listPeers,
  MAX_FOG_NODES,
  type PeerView,
  status,
  type statusSchema,
} from './operations.ts';
import { type Served, serveOperation } from './owner/operation.ts';

/** The service name of nodes that run shards and jobs. */
const FOG_NODE_SERVICE = 'fog-node';
/** A candidate that does not answer a ping in this time is not there. */
const LIVE_WITHIN_MS = 2_000;

export interface NetworkParts {
  readonly node: P2pNode;
  readonly isPrivate: boolean;
  readonly mdns: boolean;
  /** What else of the status is known elsewhere. */
  bitchat(): z.input<typeof statusSchema>['bitchat'];
  betanet(): z.input<typeof statusSchema>['betanet'];
}

export interface Network {
  readonly operations: readonly Served[];
  close(): void;
}

export function createNetwork({ node, isPrivate, mdns, bitchat, betanet }: NetworkParts): Network {
  const startedAt = node.now();
  /** When each announced service lapses. */
  const lapses = new Map<string, { readonly timer: NodeJS.Timeout; readonly at: number }>();
  const withdraw = (service: string): void => {
    clearTimeout(lapses.get(service)?.timer);
    lapses.delete(service);
    node.withdraw(service);
  };

  const operations = [
    serveOperation(status, async () => {
      const peers = node.peers();
      const connected = peers.filter(({ isConnected }) => isConnected).map(toView);
      const addresses = node.addresses();
      return {
        peer_id: node.peerId,
        addresses: addresses.slice(0, 64),
        transports: {
          tcp: addresses.some((address) => address.includes('/tcp/')),
          quic: addresses.some((address) => address.includes('/quic-v1')),
          relay: addresses.some((address) => address.includes('/p2p-circuit')),
        },
        private_network: isPrivate,
        mdns,
        peers_connected: connected.length,
        peers_known: peers.length,
        uptime_seconds: Math.floor((node.now() - startedAt) / 1_000),
        faults: node.faults().slice(0, 32),
        topology: connected
          .sort((a, b) => (a.latency_ms ?? Number.MAX_VALUE) - (b.latency_ms ?? Number.MAX_VALUE))
          .slice(0, 100),
        bitchat: bitchat(),
        betanet: betanet(),
        owner_pid: process.pid,
      };
    }),
    serveOperation(listPeers, async ({ connectedOnly, service, limit }) => {
      const wanted = node
        .peers()
        .filter(
          ({ isConnected, record }) =>
            (isConnected || !connectedOnly) && (service === undefined || record?.services[service] !== undefined),
        );
      // The connected ones first; each in the order of their last sign of life.
      wanted.sort((a, b) => Number(b.isConnected) - Number(a.isConnected));
      return { peers: wanted.slice(0, limit).map(toView), total: wanted.length };
    }),
    serveOperation(connectPeer, async ({ target }) => {
      if (!isPeerId(target) && !target.startsWith('/')) {
        throw new AppError('INVALID_PARAMS', {
          text: 'Expected a multiaddr such as /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW…, or the id of a peer that is known',
        });
      }
      return toView(await node.connect(target));
    }),
    serveOperation(disconnectPeer, async ({ peerId }) => {
      if (!isPeerId(peerId))
        throw new AppError('INVALID_PARAMS', { text: 'Expected a peer id, as p2p_peers gives it' });
      const wasConnected = node.peer(peerId)?.isConnected === true;
      await node.disconnect(peerId);
      return { wasConnected };
    }),
    serveOperation(announce, async ({ service, details, cpuCores, memoryGb, gpu, ttlSeconds }) => {
      withdraw(service);
      if (ttlSeconds > 0) {
        node.announce({
          services: { [service]: details },
          ...(cpuCores !== undefined && { cpu_cores: cpuCores }),
          ...(memoryGb !== undefined && { memory_gb: memoryGb }),
          ...(gpu !== undefined && { gpu }),
        });
        const timer = setTimeout(() => withdraw(service), ttlSeconds * 1_000);
        timer.unref();
        lapses.set(service, { timer, at: node.now() + ttlSeconds * 1_000 });
      }
      const { services, cpu_cores, memory_gb, gpu: hasGpu } = node.ownRecord();
      const at = lapses.get(service)?.at;
      const expires_at = at === undefined ? null : new Date(at).toISOString();
      return { services, cpu_cores, memory_gb, gpu: hasGpu, expires_at };
    }),
    serveOperation(discoverFogNodes, async ({ minCpuCores, minMemoryGb, gpuRequired }) => {
      const candidates = [node.ownRecord(), ...node.peers().flatMap(({ record }) => record ?? [])].filter(
        ({ services, cpu_cores, memory_gb, gpu }) =>
          services[FOG_NODE_SERVICE] !== undefined &&
          cpu_cores >= minCpuCores &&
          memory_gb >= minMemoryGb &&
          (gpu || !gpuRequired),
      );
      const asked = await Promise.all(
        candidates.slice(0, MAX_FOG_NODES).map(async ({ peerId: node_id, cpu_cores, memory_gb, gpu }) => {
          const latency_ms = await roundTrip(node, node_id);
          return latency_ms === undefined ? [] : [{ node_id, cpu_cores, memory_gb, gpu, latency_ms }];
        }),
      );
      return { available_nodes: asked.flat().sort((a, b) => a.latency_ms - b.latency_ms) };
    }),
  ];
  return {
    operations,
    close() {
      for (const { timer } of lapses.values()) clearTimeout(timer);
    },
  };
}

/** Milliseconds to a peer and back; 0 to itself; undefined when it is not there. */
async function roundTrip(node: P2pNode, peerId: string): Promise<number | undefined> {
  if (peerId === node.peerId) return 0;
  try {
    return await node.ping(peerId, AbortSignal.timeout(LIVE_WITHIN_MS));
  } catch {
    return undefined;
  }
}

function toView(peer: KnownPeer): PeerView {
  const { record } = peer;
  return {
    peer_id: peer.peerId,
    connected: peer.isConnected,
    transport: peer.transport ?? null,
    direction: peer.direction ?? null,
    latency_ms: peer.latencyMs ?? null,
    addresses: peer.addresses.filter((address) => address.length <= 512),
    last_seen: new Date(peer.lastSeenAt).toISOString(),
    services: Object.keys(record?.services ?? {}),
    cpu_cores: record?.cpu_cores ?? 0,
    memory_gb: record?.memory_gb ?? 0,
    gpu: record?.gpu ?? false,
    standing: Math.max(-100, peer.standing),
  };
}
