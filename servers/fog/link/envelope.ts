/**
 * One signed message: who, to whom, in which session, as which in order. A line of JSON with the signature, then the message.
 * Knows nothing of what is in it.
 */
import { z } from 'zod';
import { isSignedBy, type NodeKey } from '../../../shared/p2p/key.ts';
import { VERSION } from './messages.ts';

export type Signer = Pick<NodeKey, 'peerId' | 'sign'>;

/** What the other side did against the protocol. The link ends with it. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}

export interface Address {
  readonly from: string;
  readonly to: string;
  /** Made from what both sides drew; empty while they greet. */
  readonly session: string;
  /** Each side counts its own from 1; the greeting is 0. */
  readonly sequence: number;
}

const DOMAIN = `fog/${VERSION}`;
const MAX_HEAD = 400;
const headSchema = z.strictObject({
  v: z.literal(VERSION),
  sequence: z.int().min(0),
  signature: z.string().regex(/^[\w-]{86}$/),
});

export function seal(signer: Signer, address: Address, body: string): Uint8Array {
  const signature = Buffer.from(signer.sign(DOMAIN, signedBytes(address, body))).toString('base64url');
  const head = JSON.stringify({ v: VERSION, sequence: address.sequence, signature });
  return Buffer.from(`${head}\n${body}`);
}

/**
 * The message, when exactly the one that is expected was signed by the one it is expected from.
 * @throws LinkError otherwise: another version, a replay, a message for somebody else, of another session or out of order
 */
export function open(frame: Uint8Array, expected: Address): string {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  const end = bytes.indexOf(10);
  if (end < 0 || end > MAX_HEAD) throw new LinkError('expected a head and a message');
  const head = headSchema.safeParse(parseJson(bytes.toString('utf8', 0, end)));
  if (!head.success) throw new LinkError(`expected version ${VERSION}, a number and a signature`);
  if (head.data.sequence !== expected.sequence) {
    throw new LinkError(`expected message ${expected.sequence}, got ${head.data.sequence}`);
  }
  const body = bytes.toString('utf8', end + 1);
  const signature = Buffer.from(head.data.signature, 'base64url');
  if (!isSignedBy(expected.from, DOMAIN, signedBytes(expected, body), signature)) {
    throw new LinkError('expected a signature of the peer for this session and message');
  }
  return body;
}

/** @returns undefined for what is no JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function signedBytes({ from, to, session, sequence }: Address, body: string): Buffer {
  return Buffer.from(JSON.stringify([VERSION, from, to, session, sequence, body]));
}
