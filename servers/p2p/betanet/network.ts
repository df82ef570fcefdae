/**
 * What circuits need of the peer-to-peer node, and of a clock: the only way by which this folder reaches the world. No code but
 * the real clock.
 */

/** One stream to a neighbour: bytes in order, with back-pressure both ways. */
export interface LinkStream {
  /** False: taken, but wait for `drain` before more. */
  send(bytes: Uint8Array): boolean;
  /** Set once, before anything is read. */
  listen(on: { data(bytes: Uint8Array): void; drain(): void; closed(): void }): void;
  /** The neighbour is slowed down until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends after what was sent; resolves when it is gone. Never rejects. */
  close(): Promise<void>;
  /** Ends at once. */
  abort(): void;
}

/** What a peer announces of itself, signed by its peer id; the node has verified it. */
export interface RelayDescriptor {
  readonly peer: string;
  /** X25519, 32 bytes. */
  readonly onionKey: Uint8Array;
  /** Carries circuits of others. A peer that does not may still be spoken to. */
  readonly relay: boolean;
  /** What it says it can carry, in cells a second. */
  readonly capacity: number;
  /** Who runs it, where it says so; relays of one operator count as one. */
  readonly operator?: string;
  /** Where it was last seen, an IP address without port. */
  readonly address?: string;
}

/** What a neighbour did against the protocol, as far as it is the neighbour's doing and nobody's behind it. */
export type Offence = 'malformed' | 'flood' | 'slow' | 'half-open';

export interface CircuitNetwork {
  /** Our own peer id. */
  readonly self: string;
  /** Rejects when the peer cannot be reached before the signal. */
  open(peer: string, signal: AbortSignal): Promise<LinkStream>;
  /** From now on streams of the circuits' protocol come to `handler`; the result ends that. */
  handle(handler: (stream: LinkStream, from: string) => void): Promise<() => Promise<void>>;
  /** Peers known to be alive, with what they announced; our own may be among them. */
  peers(): readonly RelayDescriptor[];
  /** Told of each offence, so that the node can think less of the peer. */
  offended(peer: string, offence: Offence): void;
}

export interface Clock {
  /** Milliseconds that never go back. */
  now(): number;
  /** Runs `work` once, later; the result cancels it. */
  after(delayMs: number, work: () => void): () => void;
}

/** Timers that keep no process alive. */
export const realClock: Clock = {
  now: () => performance.now(),
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
