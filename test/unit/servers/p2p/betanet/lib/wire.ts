/**
 * A network of peers in one process, for circuits: every stream's bytes are logged at both ends and can be tampered with. What a
 * peer announces is what the test gave it.
 */
import type {
  CircuitNetwork,
  LinkStream,
  Offence,
  RelayDescriptor,
} from '../../../../../../servers/p2p/betanet/network.ts';

/** One write, as the one who received it could log it. */
export interface Written {
  readonly from: string;
  readonly to: string;
  readonly bytes: Buffer;
}

/** What the receiver gets instead; `bytes` is one write from `from` to `to`, the `index`-th of that stream and direction. */
export type Tamper = (write: Written & { readonly index: number }) => Buffer | readonly Buffer[];

type Listener = Parameters<LinkStream['listen']>[0];

class Side implements LinkStream {
  peer: Side | undefined;
  closed = false;
  #listener: Listener | undefined;
  #unread: Buffer[] = [];
  #paused = false;
  #sent = 0;
  #needsDrain = false;
  readonly #wire: Wire;
  readonly #from: string;
  readonly #to: string;

  constructor(wire: Wire, from: string, to: string) {
    this.#wire = wire;
    this.#from = from;
    this.#to = to;
  }

  send(bytes: Uint8Array): boolean {
    if (this.closed) throw new Error('the stream is closed');
    const write = { from: this.#from, to: this.#to, bytes: Buffer.from(bytes) };
    this.#wire.log.push(write);
    const came = this.#wire.tamper({ ...write, index: this.#sent });
    this.#sent += 1;
    this.peer?.receive(Buffer.isBuffer(came) ? Buffer.from(came) : Buffer.concat([...came]));
    this.#needsDrain = (this.peer?.unread ?? 0) > this.#wire.windowBytes;
    return !this.#needsDrain;
  }

  get unread(): number {
    return this.#unread.reduce((sum, { length }) => sum + length, 0);
  }

  listen(on: Listener): void {
    this.#listener = on;
    this.#deliver();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
  }

  async close(): Promise<void> {
    this.abort();
  }

  abort(): void {
    if (this.closed) return;
    this.closed = true;
    const { peer } = this;
    setImmediate(() => peer?.farClosed());
  }

  receive(bytes: Buffer): void {
    this.#unread.push(bytes);
    this.#deliver();
  }

  farClosed(): void {
    if (this.closed) return;
    this.closed = true;
    setImmediate(() => this.#listener?.closed());
  }

  drained(): void {
    if (!this.#needsDrain) return;
    this.#needsDrain = false;
    this.#listener?.drain();
  }

  #deliver(): void {
    setImmediate(() => {
      if (this.#paused || this.closed) return;
      const bytes = this.#unread;
      this.#unread = [];
      if (this.#listener === undefined) this.#unread = bytes;
      else if (bytes.length > 0) {
        this.#listener.data(Buffer.concat(bytes));
        this.peer?.drained();
      }
    });
  }
}

export class Wire {
  readonly log: Written[] = [];
  readonly offences: { readonly by: string; readonly peer: string; readonly offence: Offence }[] = [];
  tamper: Tamper = ({ bytes }) => bytes;
  /** Bytes that one end may leave unread before the other is told to wait. */
  windowBytes = 262_144;
  readonly #handlers = new Map<string, (stream: LinkStream, from: string) => void>();
  readonly #peers = new Map<string, RelayDescriptor>();

  announce(descriptor: RelayDescriptor): void {
    this.#peers.set(descriptor.peer, descriptor);
  }

  gone(peer: string): void {
    this.#peers.delete(peer);
    this.#handlers.delete(peer);
  }

  /** A stream from a peer that may be no peer of ours at all. */
  dial(from: string, to: string): LinkStream {
    const handler = this.#handlers.get(to);
    if (handler === undefined) throw new Error(`${to} is not there`);
    const near = new Side(this, from, to);
    const far = new Side(this, to, from);
    near.peer = far;
    far.peer = near;
    setImmediate(() => handler(far, from));
    return near;
  }

  network(self: string): CircuitNetwork {
    return {
      self,
      open: async (peer) => this.dial(self, peer),
      handle: async (handler) => {
        this.#handlers.set(self, handler);
        return async () => void this.#handlers.delete(self);
      },
      peers: () => [...this.#peers.values()],
      offended: (peer, offence) => this.offences.push({ by: self, peer, offence }),
    };
  }
}
