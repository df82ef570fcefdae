/** What stands in the cells and commands that build a circuit: bytes to values and back. Refuses what is not exactly that. */
import { CircuitError, encodeCell, requireZeros } from './cell.ts';
import { ANSWER_BYTES, KEY_BYTES, KEY_ID_BYTES } from './keys.ts';

const VERSION = 1;

/** The first cell on every stream. */
export interface Create {
  readonly depth: number;
  readonly keyId: Buffer;
  readonly clientKey: Buffer;
}

/** Asks the last hop for one more. */
export interface Extend {
  readonly peer: string;
  readonly keyId: Buffer;
  readonly clientKey: Buffer;
}

/** Asks a meeting point for the hidden service of that key. */
export interface Join {
  readonly serviceKey: Buffer;
  readonly clientKey: Buffer;
}

export interface Register {
  readonly serviceKey: Buffer;
  readonly proof: Buffer;
}

export const PROOF_BYTES = 32;
/** A peer id in base58 is 46 to 52 letters. */
const MAX_PEER_ID = 64;

export function encodeCreate({ depth, keyId, clientKey }: Create): Buffer {
  return encodeCell('create', Buffer.from([VERSION, depth]), keyId, clientKey);
}

export function readCreate(body: Buffer): Create {
  const fields = new Fields(body);
  const version = fields.byte();
  if (version !== VERSION)
    throw new CircuitError('protocol', `expected circuits of version ${VERSION}, got ${version}`);
  const create = { depth: fields.byte(), keyId: fields.take(KEY_ID_BYTES), clientKey: fields.take(KEY_BYTES) };
  requireZeros(fields.rest());
  return create;
}

export function encodeCreated(answer: Uint8Array): Buffer {
  return encodeCell('created', answer);
}

export function readCreated(body: Buffer): Buffer {
  const fields = new Fields(body);
  const answer = fields.take(ANSWER_BYTES);
  requireZeros(fields.rest());
  return answer;
}

export function encodeExtend({ peer, keyId, clientKey }: Extend): Buffer {
  const name = Buffer.from(peer);
  return Buffer.concat([Buffer.from([name.length]), name, keyId, clientKey]);
}

export function readExtend(payload: Buffer): Extend {
  const fields = new Fields(payload);
  const length = fields.byte();
  if (length === 0 || length > MAX_PEER_ID) throw new CircuitError('protocol', `a peer id of ${length} bytes`);
  const peer = fields.take(length).toString('latin1');
  const extend = { peer, keyId: fields.take(KEY_ID_BYTES), clientKey: fields.take(KEY_BYTES) };
  fields.done();
  return extend;
}

export function encodeJoin({ serviceKey, clientKey }: Join): Buffer {
  return Buffer.concat([serviceKey, clientKey]);
}

export function readJoin(payload: Buffer): Join {
  const fields = new Fields(payload);
  const join = { serviceKey: fields.take(KEY_BYTES), clientKey: fields.take(KEY_BYTES) };
  fields.done();
  return join;
}

export function encodeRegister({ serviceKey, proof }: Register): Buffer {
  return Buffer.concat([serviceKey, proof]);
}

export function readRegister(payload: Buffer): Register {
  const fields = new Fields(payload);
  const register = { serviceKey: fields.take(KEY_BYTES), proof: fields.take(PROOF_BYTES) };
  fields.done();
  return register;
}

/** Both the answer of a hop that was extended to and that of a hidden receiver. */
export function readAnswer(payload: Buffer): Buffer {
  const fields = new Fields(payload);
  const answer = fields.take(ANSWER_BYTES);
  fields.done();
  return answer;
}

/** Reads from left to right. @throws CircuitError when there is less, or more */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  take(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) throw new CircuitError('protocol', 'a handshake is too short');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  done(): void {
    if (this.rest().length > 0) throw new CircuitError('protocol', 'a handshake is too long');
  }
}
