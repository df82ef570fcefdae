/**
 * Messages over the bytes of a circuit: each numbered, acknowledged by the far end when it was taken. Pure on the reading side;
 * nothing of a message is believed before it is whole.
 */
import { CircuitError } from './cell.ts';
import type { CircuitEnd } from './circuit-end.ts';

export const MAX_MESSAGE_BYTES = 1_048_576;
const KIND = { message: 1, ack: 2 } as const;
/** Kind, number, length. */
const HEAD_BYTES = 9;
/** Messages sent and not acknowledged. */
const MAX_UNACKED = 64;

export type Frame =
  | { readonly kind: 'message'; readonly number: number; readonly bytes: Buffer }
  | { readonly kind: 'ack'; readonly number: number };

export function encodeFrame(frame: Frame): Buffer {
  const bytes = frame.kind === 'message' ? frame.bytes : Buffer.alloc(0);
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = KIND[frame.kind];
  head.writeUInt32LE(frame.number, 1);
  head.writeUInt32LE(bytes.length, 5);
  return Buffer.concat([head, bytes]);
}

/** Puts frames together from pieces. It holds one frame that is not whole, at most. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #held = 0;
  #needed = HEAD_BYTES;

  /** Part of a frame came, and not its end. */
  get isPartial(): boolean {
    return this.#held > 0;
  }

  /** @throws CircuitError `protocol` for a frame that ends of ours do not send */
  *read(piece: Buffer): Generator<Frame> {
    this.#pieces.push(piece);
    this.#held += piece.length;
    while (this.#held >= this.#needed) {
      const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces, this.#held);
      const length = frameLength(all);
      if (all.length < HEAD_BYTES + length) {
        this.#pieces = [all];
        this.#needed = HEAD_BYTES + length;
        return;
      }
      const rest = all.subarray(HEAD_BYTES + length);
      this.#pieces = rest.length === 0 ? [] : [rest];
      this.#held = rest.length;
      this.#needed = HEAD_BYTES;
      const number = all.readUInt32LE(1);
      yield all[0] === KIND.ack
        ? { kind: 'ack', number }
        : { kind: 'message', number, bytes: all.subarray(HEAD_BYTES, HEAD_BYTES + length) };
    }
  }
}

function frameLength(head: Buffer): number {
  const length = head.readUInt32LE(5);
  const most = head[0] === KIND.message ? MAX_MESSAGE_BYTES : head[0] === KIND.ack ? 0 : -1;
  if (length > most) throw new CircuitError('protocol', `a frame of kind ${head[0]} with ${length} bytes`);
  return length;
}

/** One circuit as messages both ways. */
export class MessageEnd {
  readonly #end: CircuitEnd;
  readonly #take: (bytes: Buffer) => Promise<void>;
  readonly #unacked = new Map<number, () => void>();
  #number = 0;
  sent = 0;
  received = 0;

  /** `take` keeps a message; it is acknowledged when that resolves. */
  constructor(end: CircuitEnd, take: (bytes: Buffer) => Promise<void>) {
    this.#end = end;
    this.#take = take;
    // What ends the reading has ended the circuit, and whoever sends hears of it there.
    this.#run().catch(() => end.close('protocol'));
  }

  /**
   * Resolves when the far end has taken it.
   * @throws CircuitError when the circuit ends before: then it may have arrived or not
   */
  async send(bytes: Buffer): Promise<void> {
    if (this.#unacked.size >= MAX_UNACKED) throw new CircuitError('limits', `${MAX_UNACKED} messages wait to be taken`);
    const number = this.#number;
    this.#number += 1;
    const acked = new Promise<void>((resolve) => this.#unacked.set(number, resolve));
    try {
      await this.#end.write(encodeFrame({ kind: 'message', number, bytes }));
      const over = this.#end.closed.then((reason): never => {
        throw new CircuitError(reason, `the circuit ended before the message was acknowledged: ${reason}`);
      });
      await Promise.race([acked, over]);
      this.sent += 1;
    } finally {
      this.#unacked.delete(number);
    }
  }

  async #run(): Promise<void> {
    const reader = new FrameReader();
    for await (const piece of this.#end.read()) {
      for (const frame of reader.read(piece)) {
        if (frame.kind === 'ack') this.#unacked.get(frame.number)?.();
        else {
          await this.#take(Buffer.from(frame.bytes));
          this.received += 1;
          await this.#end.write(encodeFrame({ kind: 'ack', number: frame.number }));
        }
      }
    }
  }
}
