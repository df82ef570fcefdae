/**
 * Owns the key of a node: Ed25519, saved with owner-only rights, and what follows from it: the peer id, signatures, and the
 * X25519 pair to which anyone who knows the peer id can encrypt. Knows no protocol.
 */
import crypto, { type KeyObject } from 'node:crypto';
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import { LRUCache } from 'lru-cache';
import { loadOrCreateKeyFile } from '../identity/key-file.ts';

export interface NodeKey {
  /** Base58, such as `12D3KooW…`; it holds the public key itself. */
  readonly peerId: string;
  /** The 32 bytes that the private key is made from. Secret. */
  readonly seed: Uint8Array;
  /** 64 bytes. `domain` says what is signed, so that no signature can be taken for another purpose. */
  sign(domain: string, data: Uint8Array): Uint8Array;
  /** The private half of `agreementKeyOf(peerId)`. */
  agreementKey(): KeyObject;
}

export const SIGNATURE_BYTES = 64;

/** Reads the key, making one where there is none. @throws IdentitySetupError when others could read or replace it */
export function loadNodeKey(file: string): NodeKey {
  const pem = loadOrCreateKeyFile(file, () =>
    crypto.generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  return toNodeKey(crypto.createPrivateKey(pem));
}

/** A key that is not saved. */
export function makeNodeKey(): NodeKey {
  return toNodeKey(crypto.generateKeyPairSync('ed25519').privateKey);
}

function toNodeKey(privateKey: KeyObject): NodeKey {
  const { d, x } = privateKey.export({ format: 'jwk' });
  const [seed, publicKey] = [Buffer.from(d ?? '', 'base64url'), Buffer.from(x ?? '', 'base64url')];
  const peerId = peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString();
  let agreement: KeyObject | undefined;
  return {
    peerId,
    seed,
    sign: (domain, data) => crypto.sign(null, separated(domain, data), privateKey),
    agreementKey() {
      agreement ??= crypto.createPrivateKey({
        key: {
          kty: 'OKP',
          crv: 'X25519',
          // RFC 8032, 5.1.5: the scalar behind an Ed25519 key is the first half of the seed's hash; X25519 clamps it itself.
          d: crypto.createHash('sha512').update(seed).digest().subarray(0, 32).toString('base64url'),
          x: toMontgomery(publicKey).toString('base64url'),
        },
        format: 'jwk',
      });
      return agreement;
    },
  };
}

interface PublicParts {
  readonly verifying: KeyObject;
  readonly agreement: KeyObject;
}

/** Peers speak often; making a key object costs more than a signature. */
const known = new LRUCache<string, PublicParts>({ max: 4_096 });

function partsOf(peerId: string): PublicParts | undefined {
  const found = known.get(peerId);
  if (found !== undefined) return found;
  const raw = publicKeyOf(peerId);
  if (raw === undefined) return undefined;
  const key = (crv: string, x: Buffer) =>
    crypto.createPublicKey({ key: { kty: 'OKP', crv, x: x.toString('base64url') }, format: 'jwk' });
  const parts = { verifying: key('Ed25519', raw), agreement: key('X25519', toMontgomery(raw)) };
  known.set(peerId, parts);
  return parts;
}

/** The Ed25519 public key that a peer id holds; undefined for other kinds of ids and for what is none. */
export function publicKeyOf(peerId: string): Buffer | undefined {
  // The text form of an Ed25519 id is 52 characters; nothing longer is decoded.
  if (peerId.length > 60) return undefined;
  try {
    const id = peerIdFromString(peerId);
    return id.type === 'Ed25519' && id.toString() === peerId ? Buffer.from(id.publicKey.raw) : undefined;
  } catch {
    return undefined;
  }
}

export function isPeerId(text: string): boolean {
  return publicKeyOf(text) !== undefined;
}

/** The peer id of 32 bytes of Ed25519 public key. */
export function peerIdOf(publicKey: Uint8Array): string {
  return peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString();
}

/** Whether the owner of this peer id signed it. Never throws. */
export function isSignedBy(peerId: string, domain: string, data: Uint8Array, signature: Uint8Array): boolean {
  const parts = signature.length === SIGNATURE_BYTES ? partsOf(peerId) : undefined;
  return parts !== undefined && crypto.verify(null, separated(domain, data), parts.verifying, signature);
}

/** The X25519 key behind a peer id. @throws Error when it is no Ed25519 peer id */
export function agreementKeyOf(peerId: string): KeyObject {
  const parts = partsOf(peerId);
  if (parts === undefined) throw new Error('not the peer id of an Ed25519 key');
  return parts.agreement;
}

function separated(domain: string, data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`aivillage ${domain}\n`), data]);
}

const P = 2n ** 255n - 19n;

/** RFC 7748, 4.1: u = (1 + y) / (1 - y) takes a point of edwards25519 to curve25519. */
function toMontgomery(edwards: Uint8Array): Buffer {
  const bytes = Buffer.from(edwards).reverse();
  bytes[0]! &= 0x7f;
  const y = BigInt(`0x${bytes.toString('hex')}`);
  const u = ((1n + y) * inverse((((1n - y) % P) + P) % P)) % P;
  return Buffer.from(u.toString(16).padStart(64, '0'), 'hex').reverse();
}

/** By Fermat: a^(p-2) mod p. The values are public, so time tells nothing. */
function inverse(value: bigint): bigint {
  let [result, base, power] = [1n, value % P, P - 2n];
  while (power > 0n) {
    if (power & 1n) result = (result * base) % P;
    base = (base * base) % P;
    power >>= 1n;
  }
  return result;
}
