/**
 * What a running peer-to-peer node is to the code above it: the P2P server, its circuits, and a fog node of its own process.
 * Only the form stands here; open-node.ts makes one from libp2p.
 */
import type { Stream } from '@libp2p/interface';
import type { Log } from '../log.ts';
import type { Capabilities } from './capabilities.ts';
import type { PeerRecord } from './record.ts';

export type { Stream } from '@libp2p/interface';

/** A peer that was met or heard of, whether it is there now or not. */
export interface KnownPeer {
  /** Base58 peer id, such as `12D3KooW…`. */
  readonly peerId: string;
  readonly isConnected: boolean;
  /** Who dialled, while connected. */
  readonly direction: 'inbound' | 'outbound' | undefined;
  /** What the connection runs on, while connected; `relay` is a circuit through a third peer. */
  readonly transport: Transport | undefined;
  /** Multiaddrs without the peer's id: the one in use first, then those it announces, then where it was found. */
  readonly addresses: readonly string[];
  /** The last round trip that was measured. */
  readonly latencyMs: number | undefined;
  /** Of its last sign of life: a connection, a message, a record. Milliseconds since the epoch. */
  readonly lastSeenAt: number;
  /** Its newest signed record that has not run out; undefined while none is known. */
  readonly record: PeerRecord | undefined;
  /** 0 is a peer that never broke a rule; it falls with each breach and mends with time (standing.ts). */
  readonly standing: number;
}

export type Transport = 'tcp' | 'quic' | 'relay' | 'other';

export interface OpenStreamOptions {
  readonly signal?: AbortSignal;
  /** False keeps the protocol off relayed connections, which are slow and end after a while; true unless given. */
  readonly mayUseRelay?: boolean;
}

export interface HandlerLimits {
  /** Streams of this protocol at once on one connection; 16 unless given. */
  readonly maxInboundStreams?: number;
  readonly mayUseRelay?: boolean;
}

/** Takes over one incoming stream. What it throws is logged and resets the stream; the node lives on. */
export type StreamHandler = (stream: Stream, remotePeerId: string) => Promise<void> | void;

/** How bad a breach of the protocol was: `slip` may be a mistake, `breach` is not, `attack` ends the connection at once. */
export type Severity = 'slip' | 'breach' | 'attack';

export interface Topic {
  /** Sends to everyone who subscribed, now. @returns how many neighbours it was handed to */
  publish(data: Uint8Array): Promise<number>;
  leave(): void;
}

export interface TopicSpec {
  readonly name: string;
  readonly maxBytes: number;
  /** Says whether a message may be passed on. `breach` also counts against the neighbour that sent it. Must be quick. */
  judge(data: Uint8Array, author: string): 'accept' | 'ignore' | 'breach';
  /** Called once for each accepted message of others. */
  receive(data: Uint8Array, author: string): void;
}

/** The node of this process. Every `peerId` is base58. All of it is in memory and quick unless it gives a promise. */
export interface P2pNode {
  readonly peerId: string;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  now(): number;
  /** What others can dial, each ending in `/p2p/<own id>`; empty while it cannot listen. */
  addresses(): readonly string[];
  /** What does not work and what to do: port taken, no QUIC, no network. Empty when all is well. */
  faults(): readonly string[];
  peers(): readonly KnownPeer[];
  peer(peerId: string): KnownPeer | undefined;
  /** Told after each change of a peer (met, gone, new record), at most once per tick for one peer. @returns what ends it */
  onPeerChange(listener: (peerId: string) => void): () => void;

  /** @param target multiaddr or peer id (looked up in the table and the DHT) @throws AppError CONNECTION_FAILED */
  connect(target: string, signal?: AbortSignal): Promise<KnownPeer>;
  /**
   * Says that a peer is wanted, and where it was met before, if it was: it is dialled until it is there.
   * @param seenAt when it was met there; milliseconds since the epoch
   */
  remember(peerId: string, addresses: readonly string[], seenAt: number): void;
  /** Also keeps it from being dialled again by discovery for a while. */
  disconnect(peerId: string): Promise<void>;
  /** One round trip now. @throws AppError CONNECTION_FAILED, TIMEOUT */
  ping(peerId: string, signal?: AbortSignal): Promise<number>;

  /** Dials where needed. @throws AppError CONNECTION_FAILED when it cannot be reached or does not speak the protocol */
  openStream(peerId: string, protocol: string, options?: OpenStreamOptions): Promise<Stream>;
  /** @returns what takes the handler away */
  handle(protocol: string, handler: StreamHandler, limits?: HandlerLimits): Promise<() => Promise<void>>;

  /** What this node offers; replaces what it offered under this service name, `undefined` withdraws. Others hear within seconds. */
  announce(offer: Partial<Capabilities>): void;
  withdraw(service: string): void;
  /** What others are told now. */
  ownRecord(): PeerRecord;
  /** Asks the DHT for the newest record of a peer. */
  findRecord(peerId: string, signal?: AbortSignal): Promise<PeerRecord | undefined>;

  subscribe(topic: TopicSpec): Topic;
  /** Counts against a peer; enough of it and the peer is disconnected and refused for a while. */
  report(peerId: string, severity: Severity, why: string): void;
  /** With the key behind the peer id (Ed25519); key.ts `isSignedBy` checks it. */
  sign(domain: string, data: Uint8Array): Uint8Array;

  close(): Promise<void>;
}
