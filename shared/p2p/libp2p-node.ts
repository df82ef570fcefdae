/**
 * Owns the running node: puts the table, standing, discovery, topics and records on top of libp2p and gives them the form of
 * `P2pNode`. Knows no protocol above.
 */
import os from 'node:os';
import type { Connection, PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { AppError } from '../errors.ts';
import { startAnnouncements } from './announcements.ts';
import { startHeartbeat } from './heartbeat.ts';
import { isPeerId } from './key.ts';
import { dhtKeyOf, makeLibp2p, type VillageLibp2p } from './libp2p.ts';
import { planListening, rememberPorts } from './listen.ts';
import type { KnownPeer, P2pNode, Severity } from './node.ts';
import type { NodeOptions } from './open-node.ts';
import { createPeerTable } from './peer-table.ts';
import { openRecord, type PeerRecord } from './record.ts';
import { createStanding } from './standing.ts';
import { createTending } from './tending.ts';
import { topicsOn } from './topics.ts';

/** Several addresses are tried one after the other. */
const DIAL_TIMEOUT_MS = 20_000;
const PING_TIMEOUT_MS = 5_000;
const FIND_TIMEOUT_MS = 5_000;
/** Two sides that dial each other at once are no further apart than this. */
const FORGOTTEN_AFTER_MS = 3_000;
/** How long a peer that was disconnected on purpose stays away. */
const DISMISSED_MS = 60_000;

export async function startNode(options: NodeOptions): Promise<P2pNode> {
  const { key, log, now, maxConnections = 256, enoughNeighbours = 12 } = options;
  const standing = createStanding();
  const table = createPeerTable(options.maxPeers ?? 10_000, (peerId, at) => standing.of(peerId, at));
  const isRefused = (peer: PeerId) => standing.isRefused(peer.toString(), now());
  const plan = await planListening(options.listen, options.portsFile);
  const { libp2p, faults } = await makeLibp2p({
    key,
    listen: plan.addresses,
    networkKey: options.networkKey,
    mdns: options.mdns,
    quic: options.quic ?? true,
    gater: { denyDialPeer: isRefused, denyInboundEncryptedConnection: isRefused },
    maxConnections,
    now,
  });

  const listeners = new Set<(peerId: string) => void>();
  const changed = new Set<string>();
  const peerChanged = (peerId: string): void => {
    if (changed.size === 0) setImmediate(tellChanges);
    changed.add(peerId);
  };
  const tellChanges = (): void => {
    const peers = [...changed];
    changed.clear();
    for (const peerId of peers) for (const listener of listeners) listener(peerId);
  };

  const report = (peerId: string, severity: Severity, why: string): void => {
    log.info({ peerId, severity, why }, 'a peer broke a rule');
    if (!standing.report(peerId, severity, now())) return;
    log.warn({ peerId, why }, 'a peer is refused for a while');
    void libp2p.hangUp(peerIdFromString(peerId)).catch(() => undefined);
  };

  const dial = async (target: string, signal: AbortSignal | undefined): Promise<Connection> => {
    const limit = AbortSignal.timeout(DIAL_TIMEOUT_MS);
    const options = { signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) };
    if (!isPeerId(target)) return libp2p.dial(multiaddr(target), options);
    const known = dialable(target, table.get(target, now())?.addresses ?? []);
    if (known.length > 0) return libp2p.dial(known, options);
    return libp2p.dial(peerIdFromString(target), options);
  };
  const peerIdIn = (target: string): string | undefined =>
    isPeerId(target)
      ? target
      : multiaddr(target)
          .getComponents()
          .findLast(({ name }) => name === 'p2p')?.value;
  const tending = createTending(options.bootstrap, {
    now,
    log,
    dial: async (target, signal) => void (await dial(target, signal)),
    isConnected: (target) => table.isConnected(peerIdIn(target) ?? ''),
    isRefused: (target) => standing.isRefused(peerIdIn(target) ?? '', now()),
    hasRoom: () => table.connectedCount() < enoughNeighbours,
  });

  /** Who dials anew has forgotten the old connection: it was restarted. Over QUIC nothing else tells. */
  const endForgotten = ({ id, remotePeer, timeline }: Connection): void => {
    for (const old of libp2p.getConnections(remotePeer)) {
      const isForgotten = old.limits === undefined && timeline.open - old.timeline.open >= FORGOTTEN_AFTER_MS;
      if (old.id !== id && isForgotten) old.abort(new Error('the peer has dialled anew'));
    }
  };

  watchConnections(libp2p, {
    opened(connection) {
      const peerId = connection.remotePeer.toString();
      const address = connection.remoteAddr.toString();
      const { id, direction } = connection;
      table.addLink(peerId, { id, address, direction }, now());
      if (direction === 'inbound' && connection.limits === undefined) endForgotten(connection);
      peerChanged(peerId);
    },
    closed(connection) {
      const peerId = connection.remotePeer.toString();
      table.dropLink(peerId, connection.id, now());
      if (!table.isConnected(peerId)) tending.lost(peerId);
      peerChanged(peerId);
    },
    found(peerId, addresses) {
      if (peerId === key.peerId) return;
      table.addAddresses(peerId, addresses.map(String), now());
      tending.want(peerId);
    },
  });

  await libp2p.start();
  const addresses = () => libp2p.getMultiaddrs().map(String);
  if (options.portsFile !== undefined && addresses().length > 0) rememberPorts(options.portsFile, addresses());
  tending.begin();

  const { gossip, dht, ping } = libp2p.services;
  const subscribe = topicsOn({ gossip, log, report });
  const learn = (record: PeerRecord): void => {
    const isNew = table.get(record.peerId, now())?.record === undefined;
    if (!table.putRecord(record, now())) return;
    // Who has just come knows nobody's record.
    if (isNew) announcements.refresh();
    if (!table.isConnected(record.peerId)) tending.want(record.peerId);
    peerChanged(record.peerId);
  };
  const announcements = startAnnouncements({
    key,
    log,
    now,
    addresses,
    subscribe,
    learn,
    async store(record) {
      if (table.connectedCount() === 0) return;
      const signal = AbortSignal.timeout(FIND_TIMEOUT_MS);
      for await (const _ of dht.put(dhtKeyOf(key.peerId), record, { signal }));
    },
  });
  gossip.addEventListener('subscription-change', () => announcements.refresh());
  libp2p.addEventListener('self:peer:update', () => announcements.refresh());

  const pingOnce = (peerId: string, signal: AbortSignal) =>
    ping.ping(peerIdFromString(peerId), { signal, runOnLimitedConnection: true });
  const endHeartbeat = startHeartbeat({
    connected: table.connected,
    ping: pingOnce,
    measured: (peerId, latencyMs) => table.measured(peerId, latencyMs, now()),
    giveUp(peerId) {
      for (const connection of libp2p.getConnections(peerIdFromString(peerId))) connection.abort(new Error('silent'));
    },
  });

  const connect = async (target: string, signal?: AbortSignal): Promise<KnownPeer> => {
    standing.pardon(peerIdIn(target) ?? '');
    try {
      const peerId = (await dial(target, signal)).remotePeer.toString();
      standing.pardon(peerId);
      const peer = table.get(peerId, now());
      if (peer !== undefined) return peer;
    } catch (cause) {
      throw unreachable(cause);
    }
    throw unreachable(undefined);
  };

  return {
    peerId: key.peerId,
    log,
    now,
    addresses,
    faults: () => [...plan.faults, ...faults, ...noNetwork()],
    peers: () => table.list(now()),
    peer: (peerId) => table.get(peerId, now()),
    onPeerChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    connect,
    remember(peerId, addresses, seenAt) {
      if (peerId === key.peerId || !isPeerId(peerId)) return;
      if (addresses.length > 0) table.addAddresses(peerId, addresses, Math.min(seenAt, now()));
      tending.want(peerId);
    },
    async disconnect(peerId) {
      standing.refuse(peerId, DISMISSED_MS, now());
      await libp2p.hangUp(peerIdFromString(peerId));
    },
    async ping(peerId, signal) {
      const limit = AbortSignal.timeout(PING_TIMEOUT_MS);
      try {
        if (!table.isConnected(peerId)) await dial(peerId, signal);
        const taken = await pingOnce(peerId, signal === undefined ? limit : AbortSignal.any([signal, limit]));
        table.measured(peerId, taken, now());
        return taken;
      } catch (cause) {
        throw unreachable(cause);
      }
    },
    async openStream(peerId, protocol, { signal, mayUseRelay = true } = {}) {
      try {
        const connection = await dial(peerId, signal);
        return await connection.newStream(protocol, {
          signal: signal ?? AbortSignal.timeout(DIAL_TIMEOUT_MS),
          runOnLimitedConnection: mayUseRelay,
          maxOutboundStreams: 256,
        });
      } catch (cause) {
        throw unreachable(cause);
      }
    },
    async handle(protocol, handler, { maxInboundStreams = 16, mayUseRelay = true } = {}) {
      await libp2p.handle(
        protocol,
        async (stream, { remotePeer }) => {
          const peerId = remotePeer.toString();
          try {
            await handler(stream, peerId);
          } catch (cause) {
            log.debug({ cause, peerId, protocol }, 'a stream ended badly');
            stream.abort(cause instanceof Error ? cause : new Error('failed'));
          }
        },
        { maxInboundStreams, runOnLimitedConnection: mayUseRelay },
      );
      return () => libp2p.unhandle(protocol);
    },
    announce: (offer) => announcements.announce(offer),
    withdraw: (service) => announcements.withdraw(service),
    ownRecord: () => announcements.own(),
    async findRecord(peerId, signal) {
      const limit = AbortSignal.timeout(FIND_TIMEOUT_MS);
      const stop = signal === undefined ? limit : AbortSignal.any([signal, limit]);
      if (table.connectedCount() === 0) return undefined;
      try {
        for await (const event of dht.get(dhtKeyOf(peerId), { signal: stop })) {
          if (event.name !== 'VALUE') continue;
          const { record } = openRecord(event.value, now());
          if (record?.peerId === peerId) learn(record);
        }
      } catch (cause) {
        log.debug({ cause: String(cause), peerId }, 'the DHT has no record of a peer');
      }
      return table.get(peerId, now())?.record;
    },
    subscribe,
    report,
    sign: (domain, data) => key.sign(domain, data),
    async close() {
      endHeartbeat();
      tending.close();
      announcements.close();
      listeners.clear();
      await libp2p.stop();
    },
  };
}

interface Watcher {
  opened(connection: Connection): void;
  closed(connection: Connection): void;
  found(peerId: string, addresses: readonly Multiaddr[]): void;
}

function watchConnections(libp2p: VillageLibp2p, { opened, closed, found }: Watcher): void {
  libp2p.addEventListener('connection:open', ({ detail }) => opened(detail));
  libp2p.addEventListener('connection:close', ({ detail }) => closed(detail));
  libp2p.addEventListener('peer:discovery', ({ detail }) => found(detail.id.toString(), detail.multiaddrs));
  libp2p.addEventListener('peer:identify', ({ detail }) => found(detail.peerId.toString(), detail.listenAddrs));
}

/** Each address with the peer's id at its end, so that nobody else can answer there in its place. */
function dialable(peerId: string, addresses: readonly string[]): Multiaddr[] {
  return addresses.flatMap((address) => {
    try {
      const parsed = multiaddr(address);
      const ending = parsed.getComponents().at(-1);
      if (ending?.name === 'p2p') return ending.value === peerId ? [parsed] : [];
      return [parsed.encapsulate(`/p2p/${peerId}`)];
    } catch {
      return [];
    }
  });
}

/** Looked at anew each time: cables come and go. */
function noNetwork(): string[] {
  if (Object.keys(os.networkInterfaces()).length > 0) return [];
  return [
    'No network interface is up, so no peer can be reached. Connect this machine to a network; the node goes on by itself.',
  ];
}

function unreachable(cause: unknown): AppError {
  return new AppError('CONNECTION_FAILED', {
    text: 'The peer cannot be reached: it is off, at another address, of another network, or does not speak this protocol',
    cause,
  });
}
