/**
 * The one thing that travels between neighbours of a circuit: a cell of exactly 1,024 bytes, its type in the first. Bytes in,
 * cells out; it knows nothing of keys, streams or what a layer holds.
 */

/** Every cell, whatever it carries, so that its size tells nothing. */
export const CELL_BYTES = 1_024;
/** What a cell holds behind its type. */
export const BODY_BYTES = CELL_BYTES - 1;

/** Numbers on the wire; never changed. */
export const CELL = { create: 1, created: 2, relay: 3, destroy: 4 } as const;
export type CellType = keyof typeof CELL;

const TYPES = new Map<number, CellType>(Object.entries(CELL).map(([name, number]) => [number, name as CellType]));

/** Why a circuit ended, as the neighbour is told; numbers on the wire. */
export const DESTROY = {
  closed: 1,
  protocol: 2,
  integrity: 3,
  limits: 4,
  unreachable: 5,
  idle: 6,
  stalled: 7,
  staleKey: 8,
  unknownService: 9,
  shutdown: 10,
  replay: 11,
  /** Our own mistake. */
  fault: 12,
} as const;
export type DestroyReason = keyof typeof DESTROY;

const REASONS = new Map<number, DestroyReason>(
  Object.entries(DESTROY).map(([name, number]) => [number, name as DestroyReason]),
);

/** A number that no version of ours sends is read as a breach of the protocol. */
export function destroyReason(number: number): DestroyReason {
  return REASONS.get(number) ?? 'protocol';
}

/** What ends a circuit. */
export class CircuitError extends Error {
  override readonly name = 'CircuitError';
  readonly reason: DestroyReason;

  constructor(reason: DestroyReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface Cell {
  readonly type: CellType;
  /** BODY_BYTES long. */
  readonly body: Buffer;
}

/** A cell from the parts of its body, filled up with zeros. @throws RangeError when they do not fit */
export function encodeCell(type: CellType, ...parts: readonly Uint8Array[]): Buffer {
  const cell = emptyCell(type);
  let at = 1;
  for (const part of parts) {
    if (at + part.length > CELL_BYTES) throw new RangeError(`a cell holds ${BODY_BYTES} bytes`);
    cell.set(part, at);
    at += part.length;
  }
  return cell.fill(0, at);
}

/** A cell whose body is still to be written, all of it: it holds what was in memory before. */
export function emptyCell(type: CellType): Buffer {
  const cell = Buffer.allocUnsafe(CELL_BYTES);
  cell[0] = CELL[type];
  return cell;
}

/** @throws CircuitError `protocol` for a type that no cell has */
export function decodeCell(cell: Buffer): Cell {
  const type = TYPES.get(cell[0] ?? 0);
  if (type === undefined || cell.length !== CELL_BYTES) {
    throw new CircuitError('protocol', `expected a cell of ${CELL_BYTES} bytes and type 1 to 4, got type ${cell[0]}`);
  }
  return { type, body: cell.subarray(1) };
}

/** What is filled up must be zeros: a neighbour can hide nothing in it, and a flipped bit there is refused too. */
export function requireZeros(rest: Uint8Array): void {
  for (const byte of rest) if (byte !== 0) throw new CircuitError('protocol', 'the filling of a cell is not zeros');
}

/**
 * Cuts a stream of bytes into cells. It never holds more than one cell that is not whole yet, whatever comes.
 */
export class CellReader {
  #partial = Buffer.alloc(CELL_BYTES);
  #held = 0;

  /** Bytes of a cell that has begun and is not whole. */
  get held(): number {
    return this.#held;
  }

  /** The cells that `bytes` completes, in order; they stay valid as long as `bytes` does. */
  *read(bytes: Uint8Array): Generator<Buffer> {
    let at = 0;
    if (this.#held > 0) {
      const missing = Math.min(CELL_BYTES - this.#held, bytes.length);
      this.#partial.set(bytes.subarray(0, missing), this.#held);
      this.#held += missing;
      at = missing;
      if (this.#held < CELL_BYTES) return;
      const whole = this.#partial;
      this.#partial = Buffer.alloc(CELL_BYTES);
      this.#held = 0;
      yield whole;
    }
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; at + CELL_BYTES <= buffer.length; at += CELL_BYTES) yield buffer.subarray(at, at + CELL_BYTES);
    this.#held = buffer.length - at;
    this.#partial.set(buffer.subarray(at));
  }
}
