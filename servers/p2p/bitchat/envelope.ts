/**
 * The form of a BitChat envelope on the wire, and its signature: pure, no keys are kept and nothing is sent. What it hides and
 * what not stands in the README.
 */
import { isSignedBy, type NodeKey, peerIdOf, publicKeyOf, SIGNATURE_BYTES } from '../../../shared/p2p/key.ts';
import { MAX_HOPS, MAX_LIFETIME_MS } from '../limits.ts';

const DOMAIN = 'bitchat envelope 1';
const VERSION = 1;
const KINDS = ['message', 'confirmation'] as const;

export const ID_BYTES = 16;
/** Clocks of peers differ. */
const CLOCK_SKEW_MS = 120_000;

/** All that comes before the body: also what the encryption binds the body to. */
const HEADER_BYTES = 1 + 1 + ID_BYTES + 32 + 32 + 8 + 8 + 1;
/** One of these plus what encryption adds, so that the length tells little of the content. */
export const SIZE_CLASSES = [256, 1_024, 4_096, 16_384, 65_536] as const;
/** Ephemeral key and tag. */
export const SEALED_EXTRA_BYTES = 32 + 16;
export const MAX_ENVELOPE_BYTES = HEADER_BYTES + SIZE_CLASSES[4] + SEALED_EXTRA_BYTES + SIGNATURE_BYTES;

export interface Header {
  readonly kind: (typeof KINDS)[number];
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Peer ids. */
  readonly from: string;
  readonly to: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Links that it may pass at most. How many are left travels beside it: a relay could not change what is signed. */
  readonly maxHops: number;
}

export interface Envelope extends Header {
  /** A sealed message, or the id that is confirmed. */
  readonly body: Uint8Array;
}

/** The header's bytes, to which a body is bound. @throws Error when an id is no Ed25519 peer id */
export function encodeHeader({ kind, id, from, to, createdAt, expiresAt, maxHops }: Header): Buffer {
  const [fromKey, toKey] = [publicKeyOf(from), publicKeyOf(to)];
  if (fromKey === undefined || toKey === undefined) throw new Error('expected two Ed25519 peer ids');
  const times = Buffer.alloc(17);
  times.writeBigUInt64BE(BigInt(createdAt), 0);
  times.writeBigUInt64BE(BigInt(expiresAt), 8);
  times.writeUInt8(maxHops, 16);
  const start = Buffer.from([VERSION, KINDS.indexOf(kind) + 1]);
  return Buffer.concat([start, Buffer.from(id, 'hex'), fromKey, toKey, times]);
}

/** The whole envelope, signed by its sender. */
export function signEnvelope(key: NodeKey, envelope: Envelope): Buffer {
  const unsigned = Buffer.concat([encodeHeader(envelope), envelope.body]);
  return Buffer.concat([unsigned, key.sign(DOMAIN, unsigned)]);
}

/**
 * Reads what came from the network; the signature is another step, because it costs more and duplicates need none.
 * @returns undefined when it has not the form, or bounds are broken: no honest peer sends that
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = KINDS[(buffer[1] ?? 0) - 1];
  if (buffer.length > MAX_ENVELOPE_BYTES || buffer.length < HEADER_BYTES + ID_BYTES + SIGNATURE_BYTES) return undefined;
  if (buffer[0] !== VERSION || kind === undefined) return undefined;
  let at = 2;
  const take = (length: number) => {
    at += length;
    return buffer.subarray(at - length, at);
  };
  const id = take(ID_BYTES).toString('hex');
  const [from, to] = [peerIdOf(take(32)), peerIdOf(take(32))];
  const createdAt = Number(take(8).readBigUInt64BE());
  const expiresAt = Number(take(8).readBigUInt64BE());
  const maxHops = take(1)[0] ?? 0;
  const body = buffer.subarray(at, buffer.length - SIGNATURE_BYTES);
  const lifetime = expiresAt - createdAt;
  const isBounded = lifetime > 0 && lifetime <= MAX_LIFETIME_MS && maxHops >= 1 && maxHops <= MAX_HOPS;
  if (!isBounded || !Number.isSafeInteger(expiresAt) || !hasLengthOf(kind, body.length)) return undefined;
  return { kind, id, from, to, createdAt, expiresAt, maxHops, body };
}

/** Whether its sender signed exactly these bytes. */
export function isGenuine(bytes: Uint8Array, { from }: Envelope): boolean {
  const end = bytes.length - SIGNATURE_BYTES;
  return isSignedBy(from, DOMAIN, bytes.subarray(0, end), bytes.subarray(end));
}

/** Whether it may be carried now. */
export function isTimely({ createdAt, expiresAt }: Header, now: number): boolean {
  return expiresAt > now && createdAt <= now + CLOCK_SKEW_MS;
}

function hasLengthOf(kind: Header['kind'], length: number): boolean {
  if (kind === 'confirmation') return length === ID_BYTES;
  return SIZE_CLASSES.some((size) => length === size + SEALED_EXTRA_BYTES);
}
