/**
 * Real libp2p nodes on 127.0.0.1 (TCP, noise, yamux) with circuits on each. Every stream is logged at both of its ends, behind the
 * encryption of the connection: what a peer could write down of its neighbours. What peers announce is handed round by the test.
 */
import { noise } from '@libp2p/noise';
import { peerIdFromString } from '@libp2p/peer-id';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p, type Libp2p } from 'libp2p';
import {
  type Betanet,
  type BetanetSettings,
  type CircuitMessage,
  DEFAULT_SETTINGS,
  startBetanet,
} from '../../../../../servers/p2p/betanet/betanet.ts';
import { linkStream } from '../../../../../servers/p2p/betanet/libp2p-stream.ts';
import {
  type CircuitNetwork,
  type LinkStream,
  type Offence,
  type RelayDescriptor,
  realClock,
} from '../../../../../servers/p2p/betanet/network.ts';
import { PROTOCOL } from '../../../../../servers/p2p/betanet/node-network.ts';

export interface Logged {
  readonly neighbour: string;
  readonly direction: 'in' | 'out';
  readonly bytes: Buffer;
}

export interface LoopbackPeer {
  readonly id: string;
  readonly libp2p: Libp2p;
  readonly betanet: Betanet;
  readonly network: CircuitNetwork;
  readonly inbox: CircuitMessage[];
  readonly log: Logged[];
  /** Plain text of every layer that it opened. */
  readonly seen: Buffer[];
  readonly offences: { readonly peer: string; readonly offence: Offence }[];
  readonly reports: unknown[];
}

export interface LoopbackOptions {
  readonly count: number;
  readonly settings?: Partial<BetanetSettings>;
  /** Off where it would be measured too. */
  readonly isLogged?: boolean;
  /** What a peer writes to a neighbour instead of what it would write. */
  readonly tamper?: (write: { readonly from: string; readonly to: string; readonly bytes: Buffer }) => Buffer;
}

export async function startLoopbackPeers({ count, settings, isLogged = true, tamper }: LoopbackOptions) {
  const nodes = await Promise.all(Array.from({ length: count }, plainNode));
  const descriptors = new Map<string, RelayDescriptor>();
  const peers: LoopbackPeer[] = [];
  for (const libp2p of nodes) {
    const id = libp2p.peerId.toString();
    const log: Logged[] = [];
    const seen: Buffer[] = [];
    const offences: LoopbackPeer['offences'] = [];
    const inbox: CircuitMessage[] = [];
    const reports: unknown[] = [];
    const watch = (stream: LinkStream, neighbour: string): LinkStream => {
      const change = tamper && ((bytes: Buffer) => tamper({ from: id, to: neighbour, bytes }));
      return isLogged ? logged(stream, neighbour, log, change) : stream;
    };
    const network: CircuitNetwork = {
      self: id,
      open: async (peer, signal) =>
        watch(linkStream(await libp2p.dialProtocol(peerIdFromString(peer), PROTOCOL, { signal })), peer),
      handle: async (handler) => {
        const take = (stream: LinkStream, from: string) => handler(watch(stream, from), from);
        await libp2p.handle(PROTOCOL, (stream, { remotePeer }) => take(linkStream(stream), remotePeer.toString()), {
          maxInboundStreams: 1_024,
        });
        return () => libp2p.unhandle(PROTOCOL);
      },
      peers: () => [...descriptors.values()],
      offended: (peer, offence) => offences.push({ peer, offence }),
    };
    const betanet = await startBetanet({
      network,
      clock: realClock,
      settings: { ...DEFAULT_SETTINGS, ...settings },
      announce: (onionKey) =>
        descriptors.set(id, { peer: id, onionKey, relay: true, capacity: 1_000, address: '127.0.0.1' }),
      deliver: async (message) => void inbox.push(message),
      wallClock: Date.now,
      report: (_, cause) => reports.push(cause),
      ...(isLogged ? { tap: ({ plain }: { readonly plain: Buffer }) => void seen.push(plain) } : {}),
    });
    peers.push({ id, libp2p, betanet, network, inbox, log, seen, offences, reports });
  }
  for (const node of nodes) for (const other of nodes) await know(node, other);
  const stop = async (): Promise<void> => {
    await Promise.all(peers.map(({ betanet }) => betanet.stop()));
    await Promise.all(nodes.map((node) => node.stop()));
  };
  return { peers, stop };
}

/** A node without circuits: for a stranger, or for a plain stream. */
export async function plainNode(): Promise<Libp2p> {
  return await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  });
}

/** `node` learns where `other` listens. */
export async function know(node: Libp2p, other: Libp2p): Promise<void> {
  if (node !== other) await node.peerStore.merge(other.peerId, { multiaddrs: other.getMultiaddrs() });
}

function logged(
  stream: LinkStream,
  neighbour: string,
  log: Logged[],
  change: (bytes: Buffer) => Buffer = (bytes) => bytes,
): LinkStream {
  return {
    send(bytes) {
      const written = change(Buffer.from(bytes));
      log.push({ neighbour, direction: 'out', bytes: written });
      return stream.send(written);
    },
    listen: ({ data, drain, closed }) =>
      stream.listen({
        data(bytes) {
          log.push({ neighbour, direction: 'in', bytes: Buffer.from(bytes) });
          data(bytes);
        },
        drain,
        closed,
      }),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    close: () => stream.close(),
    abort: () => stream.abort(),
  };
}
