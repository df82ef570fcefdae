/**
 * Keys: X25519 pairs, and the handshake by which a client and one hop come to a secret that only they know (ntor: Tor proposal
 * 216, with the depth of the hop bound in). Pure but for randomness; it holds no state between calls.
 */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { CircuitError } from './cell.ts';

export const KEY_BYTES = 32;
/** Names one of a peer's onion keys. */
export const KEY_ID_BYTES = 16;
const PROTOCOL = 'aivillage-betanet-ntor-x25519-sha256-1';

export interface OnionKey {
  readonly privateKey: KeyObject;
  /** Raw, 32 bytes. */
  readonly publicKey: Buffer;
  readonly id: Buffer;
}

/** The two directions of one hop, and a value that both ends know and nobody else. */
export interface HopKeys {
  /** Away from the client. */
  readonly forward: KeyObject;
  /** Towards the client. */
  readonly backward: KeyObject;
  /** 32 bytes; proves things about this one circuit. */
  readonly binding: Buffer;
}

/** DER before a raw key (RFC 8410). */
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

function rawPublicKey(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(PUBLIC_PREFIX.length);
}

function publicKeyFrom(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, raw]), type: 'spki', format: 'der' });
}

export function onionKeyId(publicKey: Uint8Array): Buffer {
  return createHash('sha256').update('betanet key').update(publicKey).digest().subarray(0, KEY_ID_BYTES);
}

function onionKeyFrom(privateKey: KeyObject): OnionKey {
  const publicKey = rawPublicKey(createPublicKey(privateKey));
  return { privateKey, publicKey, id: onionKeyId(publicKey) };
}

export function newOnionKey(): OnionKey {
  return onionKeyFrom(generateKeyPairSync('x25519').privateKey);
}

/** The key whose 32 secret bytes were kept. @throws Error when they are not 32 */
export function restoreOnionKey(secret: Uint8Array): OnionKey {
  const key = Buffer.concat([PRIVATE_PREFIX, secret]);
  return onionKeyFrom(createPrivateKey({ key, type: 'pkcs8', format: 'der' }));
}

/** The 32 secret bytes, to be kept. */
export function exportOnionKey(key: OnionKey): Buffer {
  return key.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(PRIVATE_PREFIX.length);
}

/**
 * The shared secret of one pair. OpenSSL refuses points of small order, whose secret is known to all.
 * @throws CircuitError `protocol`
 */
export function agree(privateKey: KeyObject, publicKey: Uint8Array): Buffer {
  try {
    return diffieHellman({ privateKey, publicKey: publicKeyFrom(publicKey) });
  } catch {
    throw new CircuitError('protocol', 'the public key of a handshake is not one');
  }
}

/** Whom the client means to reach, and where in the path. Both ends must say the same, else the proof fails. */
export interface HopIdentity {
  /** A peer id, or a hidden service's name. */
  readonly name: string;
  readonly onionKey: Uint8Array;
  /** 1 is next to the client. */
  readonly depth: number;
}

export interface ClientHandshake {
  /** X, 32 bytes, sent to the hop. */
  readonly publicKey: Buffer;
  /** @throws CircuitError `integrity` when the answer is not from the holder of the onion key */
  finish(answer: Uint8Array): HopKeys;
}

/** Y and the proof. */
export const ANSWER_BYTES = 64;

export function startHandshake(hop: HopIdentity): ClientHandshake {
  const own = newOnionKey();
  return {
    publicKey: own.publicKey,
    finish(answer) {
      const theirs = answer.subarray(0, KEY_BYTES);
      const secrets = [agree(own.privateKey, theirs), agree(own.privateKey, hop.onionKey)];
      const { keys, proof } = derive(secrets, hop, own.publicKey, theirs);
      const given = answer.subarray(KEY_BYTES, ANSWER_BYTES);
      if (given.length !== proof.length || !timingSafeEqual(given, proof)) {
        throw new CircuitError('integrity', 'the hop did not prove that it holds the onion key it announced');
      }
      return keys;
    },
  };
}

/** The hop's half: its keys, and the answer that proves them. @throws CircuitError `protocol` for a bad key */
export function answerHandshake(
  identity: { readonly name: string; readonly key: OnionKey; readonly depth: number },
  clientKey: Uint8Array,
): { readonly keys: HopKeys; readonly answer: Buffer } {
  const own = newOnionKey();
  const hop = { name: identity.name, onionKey: identity.key.publicKey, depth: identity.depth };
  const secrets = [agree(own.privateKey, clientKey), agree(identity.key.privateKey, clientKey)];
  const { keys, proof } = derive(secrets, hop, clientKey, own.publicKey);
  return { keys, answer: Buffer.concat([own.publicKey, proof]) };
}

function derive(secrets: readonly Buffer[], hop: HopIdentity, clientKey: Uint8Array, hopKey: Uint8Array) {
  const name = Buffer.from(hop.name);
  const identity = Buffer.concat([Buffer.from([hop.depth, name.length]), name, hop.onionKey]);
  const secret = Buffer.concat([...secrets, identity, clientKey, hopKey, Buffer.from(PROTOCOL)]);
  const verify = createHmac('sha256', `${PROTOCOL}:verify`).update(secret).digest();
  const proof = createHmac('sha256', `${PROTOCOL}:mac`)
    .update(Buffer.concat([verify, identity, hopKey, clientKey, Buffer.from(`${PROTOCOL}server`)]))
    .digest();
  const bytes = Buffer.from(hkdfSync('sha256', secret, `${PROTOCOL}:extract`, `${PROTOCOL}:expand`, 3 * KEY_BYTES));
  const keys: HopKeys = {
    forward: createSecretKey(bytes.subarray(0, KEY_BYTES)),
    backward: createSecretKey(bytes.subarray(KEY_BYTES, 2 * KEY_BYTES)),
    binding: bytes.subarray(2 * KEY_BYTES),
  };
  return { keys, proof };
}
