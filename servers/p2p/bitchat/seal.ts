/**
 * Encrypts a message for one peer id and opens what was encrypted for this node: X25519 with a key made for this one message,
 * HKDF-SHA256, ChaCha20-Poly1305, padded to a size class. Sends nothing.
 */
import crypto, { type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { agreementKeyOf, type NodeKey } from '../../../shared/p2p/key.ts';
import { MAX_CONTENT_BYTES } from '../limits.ts';
import { encodeHeader, type Header, SIZE_CLASSES } from './envelope.ts';

const INFO = 'aivillage bitchat 1';
const LENGTH_BYTES = 4;
const TAG_BYTES = 16;
const CIPHER = 'chacha20-poly1305';

const contentSchema = z.object({
  /** The agent behind the sender, by the word of the sender's village. */
  from_agent: z.string().max(128),
  content: z.string().max(MAX_CONTENT_BYTES),
});

export interface Content {
  readonly fromAgent: string;
  readonly text: string;
}

/** @returns ephemeral public key, ciphertext, tag @throws Error when it is longer than the largest size class */
export function sealContent(header: Header, { fromAgent, text }: Content): Buffer {
  const plain = pad(Buffer.from(JSON.stringify({ from_agent: fromAgent, content: text })));
  const ephemeral = crypto.generateKeyPairSync('x25519');
  const ephemeralPublic = rawOf(ephemeral.publicKey);
  const shared = crypto.diffieHellman({ privateKey: ephemeral.privateKey, publicKey: agreementKeyOf(header.to) });
  const { key, nonce } = derive(shared, ephemeralPublic, rawOf(agreementKeyOf(header.to)));
  const cipher = crypto.createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(encodeHeader(header), { plaintextLength: plain.length });
  return Buffer.concat([ephemeralPublic, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @returns undefined when it was not made for this node and this header, or holds nothing that can be read */
export function openContent(nodeKey: NodeKey, header: Header, body: Uint8Array): Content | undefined {
  const ephemeralPublic = Buffer.from(body.subarray(0, 32));
  const sealed = body.subarray(32, body.length - TAG_BYTES);
  try {
    const shared = crypto.diffieHellman({ privateKey: nodeKey.agreementKey(), publicKey: publicOf(ephemeralPublic) });
    const { key, nonce } = derive(shared, ephemeralPublic, rawOf(agreementKeyOf(nodeKey.peerId)));
    const decipher = crypto.createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(encodeHeader(header), { plaintextLength: sealed.length });
    decipher.setAuthTag(body.subarray(body.length - TAG_BYTES));
    const plain = unpad(Buffer.concat([decipher.update(sealed), decipher.final()]));
    const parsed = contentSchema.parse(JSON.parse(plain.toString('utf8')));
    return { fromAgent: parsed.from_agent, text: parsed.content };
  } catch {
    return undefined;
  }
}

/** One key and nonce for one message: both sides' public keys are in it, so that no other pair gives the same. */
function derive(shared: Buffer, ephemeralPublic: Buffer, recipientPublic: Buffer): { key: Buffer; nonce: Buffer } {
  const salt = Buffer.concat([ephemeralPublic, recipientPublic]);
  const bytes = Buffer.from(crypto.hkdfSync('sha256', shared, salt, INFO, 44));
  return { key: bytes.subarray(0, 32), nonce: bytes.subarray(32) };
}

function pad(plain: Buffer): Buffer {
  const size = SIZE_CLASSES.find((each) => plain.length + LENGTH_BYTES <= each);
  if (size === undefined) throw new Error(`a message has at most ${MAX_CONTENT_BYTES} bytes`);
  const padded = Buffer.alloc(size);
  padded.writeUInt32BE(plain.length);
  plain.copy(padded, LENGTH_BYTES);
  return padded;
}

function unpad(padded: Buffer): Buffer {
  const length = padded.readUInt32BE(0);
  if (length > padded.length - LENGTH_BYTES) throw new Error('the length does not fit');
  return padded.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
}

function rawOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

function publicOf(raw: Buffer): KeyObject {
  return crypto.createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: raw.toString('base64url') }, format: 'jwk' });
}
