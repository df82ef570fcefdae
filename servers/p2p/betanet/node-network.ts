/**
 * The circuits' network on the village's peer-to-peer node: who relays is read from the signed records, streams are the node's, and
 * an offence counts in the node's standing of the peer.
 */
import type { KnownPeer, P2pNode, Severity } from '../../../shared/p2p/node.ts';
import { KEY_BYTES } from './keys.ts';
import { linkStream } from './libp2p-stream.ts';
import type { CircuitNetwork, Offence, RelayDescriptor } from './network.ts';

export const PROTOCOL = '/aivillage/betanet/1.0.0';
/** In a peer's record. */
export const SERVICE = 'betanet-relay';
/** On one connection; relay.ts counts over all of them and says why it refuses. */
const MAX_STREAMS = 1_024;

/** A record is told every 15 s. */
const ALIVE_MS = 60_000;

const SEVERITY: Record<Offence, Severity> = {
  malformed: 'breach',
  flood: 'slip',
  slow: 'slip',
  'half-open': 'slip',
};

/** What a peer announces of itself. */
export interface Announcement {
  readonly onionKey: Buffer;
  readonly relay: boolean;
  readonly capacity: number;
  readonly operator: string | undefined;
}

export function announce(node: P2pNode, { onionKey, relay, capacity, operator }: Announcement): void {
  const details = { onion_key: onionKey.toString('base64url'), relay, capacity };
  node.announce({ services: { [SERVICE]: operator === undefined ? details : { ...details, operator } } });
}

export function nodeNetwork(node: P2pNode): CircuitNetwork {
  return {
    self: node.peerId,
    async open(peer, signal) {
      // Nobody can make us look for peers by asking for a circuit to them.
      if (node.peer(peer) === undefined) throw new Error('the peer is not known here');
      return linkStream(await node.openStream(peer, PROTOCOL, { signal }));
    },
    handle: (handler) =>
      node.handle(PROTOCOL, (stream, from) => handler(linkStream(stream), from), { maxInboundStreams: MAX_STREAMS }),
    peers: () =>
      node
        .peers()
        .filter(({ isConnected, lastSeenAt }) => isConnected || node.now() - lastSeenAt < ALIVE_MS)
        .flatMap((peer) => describe(peer) ?? []),
    offended: (peer, offence) => node.report(peer, SEVERITY[offence], `circuits: ${offence}`),
  };
}

/** Undefined for a peer that announces no key, or nothing that is one. */
export function describe({ peerId, record, addresses }: KnownPeer): RelayDescriptor | undefined {
  const details = record?.services[SERVICE];
  if (details === undefined || typeof details.onion_key !== 'string') return undefined;
  const onionKey = Buffer.from(details.onion_key, 'base64url');
  if (onionKey.length !== KEY_BYTES) return undefined;
  const { relay, capacity, operator } = details;
  const address = addresses.flatMap((text) => /^\/ip[46]\/([^/]+)/.exec(text)?.[1] ?? [])[0];
  return {
    peer: peerId,
    onionKey,
    relay: relay === true,
    capacity: typeof capacity === 'number' && capacity > 0 ? capacity : 1,
    ...(typeof operator === 'string' ? { operator } : {}),
    ...(address === undefined ? {} : { address }),
  };
}
