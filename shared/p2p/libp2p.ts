/**
 * Makes the libp2p node below ours: transports, encryption, discovery, DHT, gossip, relay. Only this file knows which modules
 * and which of their settings; it starts nothing.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { dcutr } from '@libp2p/dcutr';
import { type GossipSub, gossipsub } from '@libp2p/gossipsub';
import { type Identify, identify } from '@libp2p/identify';
import {
  type ConnectionGater,
  FaultTolerance,
  type Libp2p,
  type PeerRouting,
  peerRoutingSymbol,
} from '@libp2p/interface';
import { type KadDHT, type KadDHTComponents, type KadDHTInit, kadDHT, passthroughMapper } from '@libp2p/kad-dht';
import { mdns } from '@libp2p/mdns';
import { noise } from '@libp2p/noise';
import { type Ping, ping } from '@libp2p/ping';
import { preSharedKey } from '@libp2p/pnet';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import type { Multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import type { NodeKey } from './key.ts';
import { openRecord } from './record.ts';

export type VillageLibp2p = Libp2p<{
  identify: Identify;
  ping: Ping;
  dht: KadDHT;
  gossip: GossipSub;
  relay: unknown;
  dcutr: unknown;
}>;

export interface Libp2pOptions {
  readonly key: NodeKey;
  /** Multiaddrs that can be had. */
  readonly listen: readonly string[];
  /** 32 bytes that all members of a private network share. */
  readonly networkKey: Uint8Array | undefined;
  readonly mdns: boolean;
  /** False leaves QUIC out even where it is there. */
  readonly quic: boolean;
  readonly gater: ConnectionGater;
  readonly maxConnections: number;
  now(): number;
}

export interface MadeLibp2p {
  readonly libp2p: VillageLibp2p;
  readonly hasQuic: boolean;
  readonly faults: readonly string[];
}

/** Key prefix of our records in the DHT. */
const DHT_PREFIX = 'aivillage';
const MDNS_TAG = '_aivillage._udp.local';
const WALK_EVERY_MS = 10_000;
const MINUTE_MS = 60_000;
/** Beyond what a topic allows, plus gossipsub's own fields. */
const MAX_GOSSIP_BYTES = 256 * 1024;

export async function makeLibp2p(options: Libp2pOptions): Promise<MadeLibp2p> {
  const { key, networkKey, now } = options;
  const faults: string[] = [];
  const quic = await quicTransport(options, faults);
  const listen = options.listen.filter((address) => quic !== undefined || !address.includes('/quic-v1'));
  const isReachable = listen.some((address) => !/^\/ip4\/127\.|^\/ip6\/::1\//.test(address));
  const libp2p: VillageLibp2p = await createLibp2p({
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', key.seed),
    nodeInfo: { name: 'aivillage', version: '1' },
    // Behind NAT others come through a relay; on this machine alone nobody needs one.
    addresses: { listen: [...listen, ...(isReachable ? ['/p2p-circuit'] : [])] },
    transports: [tcp(), ...(quic === undefined ? [] : [quic]), circuitRelayTransport()],
    transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...(networkKey !== undefined && { connectionProtector: preSharedKey({ psk: pskFile(networkKey) }) }),
    connectionGater: options.gater,
    connectionManager: {
      maxConnections: options.maxConnections,
      // Many peers may share one address: a household, a machine.
      inboundConnectionThreshold: 64,
      maxIncomingPendingConnections: 64,
      addressSorter: (a, b) => inOrder(rank(a.multiaddr), rank(b.multiaddr)),
      addressDialTimeout: 4_000,
    },
    connectionMonitor: { enabled: false },
    peerDiscovery: options.mdns ? [mdns({ serviceTag: MDNS_TAG, interval: 3_000 })] : [],
    services: {
      identify: identify(),
      ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
      dht: pacedDht({
        protocol: '/aivillage/kad/1.0.0',
        clientMode: false,
        // Neighbours come by gossip and mDNS; the DHT looks around when that has settled.
        initialQuerySelfInterval: 30_000,
        peerInfoMapper: passthroughMapper,
        validators: { [DHT_PREFIX]: (dhtKey, value) => refuseWrongRecord(dhtKey, value, now()) },
        selectors: { [DHT_PREFIX]: (_, values) => newest(values, now()) },
      }),
      gossip: gossipsub({
        allowPublishToZeroTopicPeers: true,
        fallbackToFloodsub: false,
        runOnLimitedConnection: true,
        maxInboundDataLength: MAX_GOSSIP_BYTES,
        // Many honest peers on one address are the usual case here, not an attack.
        scoreParams: { IPColocationFactorWeight: 0 },
      }),
      relay: circuitRelayServer({
        reservations: { maxReservations: 64, defaultDurationLimit: 30 * MINUTE_MS, defaultDataLimit: 64n * 1_048_576n },
      }),
      dcutr: dcutr(),
    },
  });
  return { libp2p, hasQuic: quic !== undefined, faults };
}

/** The key under which a peer's record lies in the DHT. */
export function dhtKeyOf(peerId: string): Uint8Array {
  return Buffer.from(`/${DHT_PREFIX}/${peerId}`);
}

/** In the order in which addresses of one peer are tried: QUIC before TCP, this machine late, relays last. */
function rank(address: Multiaddr): number {
  const names = address.getComponents().map(({ name }) => name);
  const isLoopback = /^\/ip4\/127\.|^\/ip6\/::1\//.test(address.toString());
  return (names.includes('p2p-circuit') ? 4 : 0) + (isLoopback ? 2 : 0) + (names.includes('quic-v1') ? 0 : 1);
}

function inOrder(a: number, b: number): -1 | 0 | 1 {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

async function quicTransport({ quic, networkKey, listen }: Libp2pOptions, faults: string[]) {
  if (!quic) return undefined;
  const isAsked = listen.some((address) => address.includes('/quic-v1'));
  if (networkKey !== undefined) {
    if (isAsked) faults.push('QUIC is off: a network key protects TCP only.');
    return undefined;
  }
  try {
    const { quic: make } = await import('@chainsafe/libp2p-quic');
    return make();
  } catch {
    faults.push(
      'QUIC is not there for this platform, so TCP is used alone. To have it, run "npm install" again where the optional ' +
        'package @chainsafe/libp2p-quic can be had.',
    );
    return undefined;
  }
}

/**
 * The search for relays walks the DHT at random without a pause as long as it has no relay, which in a small network is always: it
 * took a whole core. So each walk waits a while first.
 */
function pacedDht(init: KadDHTInit): (components: KadDHTComponents) => KadDHT {
  return (components) => {
    const dht = kadDHT(init)(components);
    const routing: PeerRouting = Reflect.get(dht, peerRoutingSymbol);
    const walk = routing.getClosestPeers.bind(routing);
    routing.getClosestPeers = async function* (key, options) {
      await pause(WALK_EVERY_MS, undefined, { ref: false, ...(options?.signal && { signal: options.signal }) });
      yield* walk(key, options);
    };
    return dht;
  };
}

/** The file form that @libp2p/pnet takes. */
function pskFile(networkKey: Uint8Array): Uint8Array {
  return Buffer.from(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(networkKey).toString('hex')}`);
}

function refuseWrongRecord(dhtKey: Uint8Array, value: Uint8Array, now: number): void {
  const { record } = openRecord(value, now);
  if (record === undefined || Buffer.compare(dhtKeyOf(record.peerId), dhtKey) !== 0) {
    throw new Error('no live record of the peer that its key names');
  }
}

function newest(values: readonly Uint8Array[], now: number): number {
  const sequences = values.map((value) => openRecord(value, now).record?.sequence ?? -1);
  return sequences.indexOf(Math.max(...sequences));
}
