/**
 * Owns who was met or heard of, in memory and bounded: connected peers are never dropped, of the others the one unseen longest
 * is. Dials nobody.
 */
import type { KnownPeer, Transport } from './node.ts';
import type { PeerRecord } from './record.ts';

const MAX_ADDRESSES = 16;

/** One open connection to a peer. */
export interface Link {
  readonly id: string;
  readonly address: string;
  readonly direction: 'inbound' | 'outbound';
}

interface Entry {
  readonly links: Map<string, Link>;
  addresses: readonly string[];
  latencyMs: number | undefined;
  lastSeenAt: number;
  record: PeerRecord | undefined;
}

export interface PeerTable {
  seen(peerId: string, now: number): void;
  addLink(peerId: string, link: Link, now: number): void;
  dropLink(peerId: string, linkId: string, now: number): void;
  /** Addresses it was found at, when; the newest first, each once. */
  addAddresses(peerId: string, addresses: readonly string[], seenAt: number): void;
  measured(peerId: string, latencyMs: number, now: number): void;
  /** Keeps the record when it is newer than the one that is known. @returns whether it was */
  putRecord(record: PeerRecord, now: number): boolean;
  get(peerId: string, now: number): KnownPeer | undefined;
  list(now: number): KnownPeer[];
  has(peerId: string): boolean;
  isConnected(peerId: string): boolean;
  connected(): string[];
  connectedCount(): number;
  size(): number;
}

/** @param standingOf for what is shown of a peer */
export function createPeerTable(maxPeers: number, standingOf: (peerId: string, now: number) => number): PeerTable {
  // In the order of the last sign of life, oldest first.
  const entries = new Map<string, Entry>();
  let connected = 0;

  const touch = (peerId: string, now: number): Entry => {
    const found = entries.get(peerId);
    if (found !== undefined) entries.delete(peerId);
    else if (entries.size >= maxPeers) makeRoom();
    const entry = found ?? {
      links: new Map(),
      addresses: [],
      latencyMs: undefined,
      lastSeenAt: now,
      record: undefined,
    };
    entry.lastSeenAt = now;
    entries.set(peerId, entry);
    return entry;
  };
  const makeRoom = () => {
    for (const [peerId, { links }] of entries) {
      if (links.size > 0) continue;
      entries.delete(peerId);
      return;
    }
  };
  const view = (peerId: string, entry: Entry, now: number): KnownPeer => {
    const link = preferred(entry.links.values());
    const record = entry.record !== undefined && entry.record.expiresAt > now ? entry.record : undefined;
    // Nobody listens where an inbound connection comes from.
    const inUse = link?.direction === 'outbound' ? [link.address] : [];
    const addresses = [...inUse, ...(record?.addresses ?? []), ...entry.addresses].map(bare(peerId));
    return {
      peerId,
      isConnected: link !== undefined,
      direction: link?.direction,
      transport: link && transportOf(link.address),
      addresses: [...new Set(addresses)].slice(0, MAX_ADDRESSES),
      latencyMs: entry.latencyMs,
      lastSeenAt: link === undefined ? entry.lastSeenAt : now,
      record,
      standing: standingOf(peerId, now),
    };
  };

  return {
    seen: (peerId, now) => void touch(peerId, now),
    addLink(peerId, link, now) {
      const { links } = touch(peerId, now);
      if (links.size === 0) connected += 1;
      links.set(link.id, link);
    },
    dropLink(peerId, linkId, now) {
      const entry = entries.get(peerId);
      if (entry === undefined || !entry.links.has(linkId)) return;
      entry.links.delete(linkId);
      if (entry.links.size === 0) connected -= 1;
      touch(peerId, now);
    },
    addAddresses(peerId, addresses, seenAt) {
      const known = entries.get(peerId);
      const entry = known !== undefined && known.lastSeenAt >= seenAt ? known : touch(peerId, seenAt);
      entry.addresses = [...new Set([...addresses, ...entry.addresses])].slice(0, MAX_ADDRESSES);
    },
    measured(peerId, latencyMs, now) {
      touch(peerId, now).latencyMs = latencyMs;
    },
    putRecord(record, now) {
      const known = entries.get(record.peerId)?.record;
      if (known !== undefined && known.sequence >= record.sequence) return false;
      touch(record.peerId, now).record = record;
      return true;
    },
    get(peerId, now) {
      const entry = entries.get(peerId);
      return entry && view(peerId, entry, now);
    },
    list: (now) => [...entries].map(([peerId, entry]) => view(peerId, entry, now)).reverse(),
    has: (peerId) => entries.has(peerId),
    isConnected: (peerId) => (entries.get(peerId)?.links.size ?? 0) > 0,
    connected: () => [...entries].flatMap(([peerId, { links }]) => (links.size > 0 ? [peerId] : [])),
    connectedCount: () => connected,
    size: () => entries.size,
  };
}

/** Without the peer's own id at the end, so that one address is one text. */
function bare(peerId: string): (address: string) => string {
  const ending = `/p2p/${peerId}`;
  return (address) => (address.endsWith(ending) ? address.slice(0, -ending.length) : address);
}

/** A direct connection before one through a relay. */
function preferred(links: Iterable<Link>): Link | undefined {
  let best: Link | undefined;
  for (const link of links) {
    if (best === undefined || transportOf(best.address) === 'relay') best = link;
  }
  return best;
}

export function transportOf(address: string): Transport {
  if (address.includes('/p2p-circuit')) return 'relay';
  if (address.includes('/quic-v1')) return 'quic';
  return address.includes('/tcp/') ? 'tcp' : 'other';
}
