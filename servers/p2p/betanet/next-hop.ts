/**
 * The hop after this one, from the asking to the end: its stream, its handshake as it passes by, and layers to and from it. It opens
 * none of them.
 */
import { type Cell, CircuitError, type DestroyReason, encodeCell } from './cell.ts';
import { Link } from './link.ts';
import { MixingTimes } from './mixing.ts';
import type { Clock, LinkStream } from './network.ts';
import { layerOf } from './onion.ts';
import { Outlet } from './outlet.ts';
import { readCreated } from './wire.ts';

/** Shorter than the client's own patience, so that it hears which hop it was. */
const REACHED_MS = 5_000;

export interface NextHopParts {
  readonly clock: Clock;
  readonly mixingMeanMs: number;
  readonly open: (signal: AbortSignal) => Promise<LinkStream>;
  /** The first cell that it gets. */
  readonly create: Buffer;
  /** Of the hop that it is. */
  readonly depth: number;
}

export interface NextHopEvents {
  created(answer: Buffer): void;
  /** A sealed layer that came from it. */
  layer(inner: Buffer): void;
  /** It is not there, or no more; `wasCreated` tells whether the circuit had gone on to it. */
  ended(reason: DestroyReason, wasCreated: boolean): void;
  fault(thrown: unknown): void;
}

export class NextHop {
  readonly #parts: NextHopParts;
  readonly #events: NextHopEvents;
  readonly #abort = new AbortController();
  #way: { readonly link: Link; readonly outlet: Outlet } | undefined;
  #isCreated = false;
  #over = false;

  constructor(parts: NextHopParts, events: NextHopEvents) {
    this.#parts = parts;
    this.#events = events;
    const cancel = parts.clock.after(REACHED_MS, () => this.#abort.abort());
    parts.open(this.#abort.signal).then(
      (stream) => {
        cancel();
        if (this.#over) stream.abort();
        else this.#begin(stream);
      },
      () => {
        cancel();
        this.#ended('unreachable');
      },
    );
  }

  /** Where it is written to and read from; undefined until it answered. */
  get way(): { readonly link: Link; readonly outlet: Outlet } | undefined {
    return this.#isCreated ? this.#way : undefined;
  }

  destroy(reason: DestroyReason): void {
    this.#over = true;
    this.#abort.abort();
    this.#way?.link.destroy(reason);
    this.#way?.outlet.close();
  }

  #begin(stream: LinkStream): void {
    const { clock, mixingMeanMs, create } = this.#parts;
    const link = new Link(stream, clock, {
      cell: (cell) => this.#cell(cell),
      ended: (reason, _, fault) => {
        if (fault !== undefined) this.#events.fault(fault);
        this.#ended(reason);
      },
    });
    this.#way = { link, outlet: new Outlet(link, new MixingTimes(mixingMeanMs), clock) };
    this.#way.outlet.push(create);
  }

  #cell({ type, body }: Cell): void {
    if (this.#over) return;
    const expected = this.#isCreated ? 'relay' : 'created';
    if (type !== expected) throw new CircuitError('protocol', `expected ${expected}, got ${type}`);
    if (this.#isCreated) this.#events.layer(layerOf(body, this.#parts.depth));
    else {
      const answer = readCreated(body);
      this.#isCreated = true;
      this.#events.created(answer);
    }
  }

  #ended(reason: DestroyReason): void {
    if (this.#over) return;
    this.#over = true;
    this.#way?.outlet.close();
    this.#events.ended(reason, this.#isCreated);
  }
}

/** The cell that carries an opened layer's rest on. */
export function onward(inner: Buffer): Buffer {
  return encodeCell('relay', inner);
}
