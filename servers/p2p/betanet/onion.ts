/**
 * The layers of a circuit: how large each is, what stands in it, and the client's whole stack, which wraps a command for any of its
 * hops and peels what comes back. Pure; a hop's own layer is in layer.ts.
 */
import { BODY_BYTES, CircuitError, emptyCell, requireZeros } from './cell.ts';
import type { HopKeys } from './keys.ts';
import { LayerOpener, LayerSealer, TAG_BYTES } from './layer.ts';

/** Three relays, then the peer that is spoken to (or meets a hidden one); behind that at most the hidden one itself. */
export const RELAYS = 3;
export const MEETING_DEPTH = RELAYS + 1;
export const MAX_DEPTH = MEETING_DEPTH + 1;

/** What a layer says to the hop that opens it; numbers on the wire. */
const COMMAND = {
  /** The rest is the next hop's layer (towards the client: one that came from beyond). */
  forward: 0,
  extend: 1,
  extended: 2,
  refused: 3,
  data: 4,
  end: 5,
  credit: 6,
  /** Cover: means nothing. */
  drop: 7,
  register: 8,
  registered: 9,
  join: 10,
  introduce: 11,
  answer: 12,
} as const;
export type CommandName = keyof typeof COMMAND;

const NAMES = new Map<number, CommandName>(
  Object.entries(COMMAND).map(([name, number]) => [number, name as CommandName]),
);
const COMMAND_BYTES = 1;
const LENGTH_BYTES = 2;

/** Bytes of the sealed layer that the hop at `depth` opens. The rest of the body is zeros. */
export function layerBytes(depth: number): number {
  return BODY_BYTES - (depth - 1) * (TAG_BYTES + COMMAND_BYTES);
}

/** The most that a command for the hop at `depth` can carry. */
export function payloadBytes(depth: number): number {
  return layerBytes(depth) - TAG_BYTES - COMMAND_BYTES - LENGTH_BYTES;
}

/** Opened by one hop: either a command for it, or the next layer. */
export type Opened =
  | { readonly command: 'forward'; readonly inner: Buffer }
  | { readonly command: Exclude<CommandName, 'forward'>; readonly payload: Buffer };

/** The plain text of the layer at `depth`. @throws RangeError when the payload is too long */
export function commandLayer(depth: number, command: Exclude<CommandName, 'forward'>, payload: Uint8Array): Buffer {
  if (payload.length > payloadBytes(depth)) throw new RangeError(`a layer holds ${payloadBytes(depth)} bytes`);
  const plain = Buffer.allocUnsafe(layerBytes(depth) - TAG_BYTES);
  plain[0] = COMMAND[command];
  plain.writeUInt16LE(payload.length, COMMAND_BYTES);
  plain.set(payload, COMMAND_BYTES + LENGTH_BYTES);
  return plain.fill(0, COMMAND_BYTES + LENGTH_BYTES + payload.length);
}

const FORWARD = Buffer.from([COMMAND.forward]);

/** The plain text that carries another layer. */
export function forwardLayer(inner: Uint8Array): Buffer {
  return Buffer.concat([FORWARD, inner], inner.length + COMMAND_BYTES);
}

/** @throws CircuitError `protocol` for what no hop of ours seals */
export function readLayer(plain: Buffer): Opened {
  const command = NAMES.get(plain[0] ?? -1);
  if (command === undefined) throw new CircuitError('protocol', `command ${plain[0]} is unknown`);
  if (command === 'forward') return { command, inner: plain.subarray(COMMAND_BYTES) };
  const end = COMMAND_BYTES + LENGTH_BYTES + plain.readUInt16LE(COMMAND_BYTES);
  if (end > plain.length) throw new CircuitError('protocol', `a ${command} is longer than its layer`);
  return { command, payload: plain.subarray(COMMAND_BYTES + LENGTH_BYTES, end) };
}

/** The sealed layer in a cell's body, for the hop at `depth`. @throws CircuitError when the filling is not zeros */
export function layerOf(body: Buffer, depth: number): Buffer {
  requireZeros(body.subarray(layerBytes(depth)));
  return body.subarray(0, layerBytes(depth));
}

/** The cell in which `plain` goes to a neighbour, under one layer; what it does not fill is zeros. */
export function sealCell(sealer: LayerSealer, plain: Uint8Array): Buffer {
  const cell = emptyCell('relay');
  sealer.sealInto(cell, 1, plain);
  return cell.fill(0, 1 + plain.length + TAG_BYTES);
}

/** What the client holds for one hop. */
interface ClientHop {
  readonly sealer: LayerSealer;
  readonly opener: LayerOpener;
}

/** The client's side of all hops it has come to so far; `depth` 1 is next to it. */
export class Onion {
  readonly #hops: ClientHop[] = [];

  /** How many hops there are. */
  get depth(): number {
    return this.#hops.length;
  }

  /** The next hop, farther out. */
  add(keys: HopKeys): void {
    if (this.#hops.length >= MAX_DEPTH) throw new RangeError(`a circuit has at most ${MAX_DEPTH} hops`);
    this.#hops.push({ sealer: new LayerSealer(keys.forward), opener: new LayerOpener(keys.backward) });
  }

  /**
   * A hidden receiver's circuit: what comes from beyond its last hop is the sender's layer, of which it is the far end. So the two
   * directions change places.
   */
  addAsFarEnd(keys: HopKeys): void {
    this.add({ forward: keys.backward, backward: keys.forward, binding: keys.binding });
  }

  /** A whole cell for the hop at `depth`. */
  wrap(depth: number, command: Exclude<CommandName, 'forward'>, payload: Uint8Array): Buffer {
    let plain = commandLayer(depth, command, payload);
    for (let at = depth; at > 1; at--) {
      const outer = Buffer.allocUnsafe(COMMAND_BYTES + layerBytes(at));
      outer[0] = COMMAND.forward;
      this.#hop(at).sealer.sealInto(outer, COMMAND_BYTES, plain);
      plain = outer;
    }
    return sealCell(this.#hop(1).sealer, plain);
  }

  /** What a cell that came back says, and which hop says it. @throws CircuitError `integrity` or `protocol` */
  peel(body: Buffer): {
    readonly depth: number;
    readonly command: Exclude<CommandName, 'forward'>;
    readonly payload: Buffer;
  } {
    let layer = body;
    for (let depth = 1; depth <= this.#hops.length; depth++) {
      const opened = readLayer(this.#hop(depth).opener.open(layer));
      if (opened.command !== 'forward') return { depth, ...opened };
      layer = opened.inner;
    }
    throw new CircuitError('protocol', 'a cell came from beyond the last hop');
  }

  #hop(depth: number): ClientHop {
    const hop = this.#hops[depth - 1];
    if (hop === undefined) throw new RangeError(`there is no hop ${depth}`);
    return hop;
  }
}
