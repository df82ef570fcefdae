/** Peers with circuits, on a wire in this process; all of them relays unless said otherwise. */
import {
  type Betanet,
  type BetanetSettings,
  type CircuitMessage,
  DEFAULT_SETTINGS,
  startBetanet,
} from '../../../../../../servers/p2p/betanet/betanet.ts';
import { type Clock, realClock } from '../../../../../../servers/p2p/betanet/network.ts';
import { Wire } from './wire.ts';

export interface Peer {
  readonly name: string;
  readonly betanet: Betanet;
  readonly inbox: CircuitMessage[];
  /** Plain text of every layer that this peer opened for others. */
  readonly seen: { readonly from: string; readonly plain: Buffer }[];
  readonly reports: unknown[];
  /** While set, nothing that comes is taken. */
  hold: Promise<void> | undefined;
  /** Messages that wait for it. */
  held: number;
}

export interface VillageOptions {
  readonly names: readonly string[];
  readonly settings?: Partial<BetanetSettings>;
  readonly clock?: Clock;
  /** Those that carry nothing for others; all relay unless named here. */
  readonly clients?: readonly string[];
}

export async function startVillage({ names, settings, clock = realClock, clients = [] }: VillageOptions) {
  const wire = new Wire();
  const peers = new Map<string, Peer>();
  for (const [index, name] of names.entries()) {
    const inbox: CircuitMessage[] = [];
    const seen: Peer['seen'] = [];
    const reports: unknown[] = [];
    const relay = !clients.includes(name);
    const betanet = await startBetanet({
      network: wire.network(name),
      clock,
      settings: { ...DEFAULT_SETTINGS, relay, ...settings },
      announce: (onionKey) =>
        wire.announce({ peer: name, onionKey, relay, capacity: 1_000, address: `10.0.${index}.1` }),
      async deliver(message) {
        if (peer.hold !== undefined) {
          peer.held += 1;
          await peer.hold;
        }
        inbox.push(message);
      },
      wallClock: Date.now,
      report: (_, cause) => reports.push(cause),
      tap: (layer) => seen.push(layer),
    });
    const peer: Peer = { name, betanet, inbox, seen, reports, hold: undefined, held: 0 };
    peers.set(name, peer);
  }
  const peer = (name: string): Peer => {
    const found = peers.get(name);
    if (found === undefined) throw new Error(`no peer ${name}`);
    return found;
  };
  const stop = async (): Promise<void> => {
    await Promise.all([...peers.values()].map(({ betanet }) => betanet.stop()));
  };
  return { wire, peer, peers: [...peers.values()], stop };
}
