/** Owns the Ed25519 key pair by which the router signs for its servers: kept as PKCS #8 PEM, public half as short text. */
import crypto, { type KeyObject } from 'node:crypto';
import { IdentitySetupError, loadOrCreateKeyFile } from './key-file.ts';

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The public key as base64url of its 32 bytes: what a child process gets in its environment. */
  readonly publicKeyText: string;
}

/**
 * The key pair of this file, made on first use; the same for all processes that come at once.
 * @throws IdentitySetupError
 */
export function loadOrCreateSigningKey(file: string): SigningKey {
  const pem = loadOrCreateKeyFile(file, () =>
    crypto.generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  const privateKey = parsePrivateKey(pem);
  if (privateKey?.asymmetricKeyType !== 'ed25519') {
    throw new IdentitySetupError(`${file} holds no Ed25519 private key in PEM. Remove it and a new one is made.`);
  }
  const publicKey = crypto.createPublicKey(privateKey);
  return { privateKey, publicKey, publicKeyText: publicKey.export({ format: 'jwk' }).x! };
}

/**
 * The public key behind the text of `publicKeyText`.
 * @throws IdentitySetupError
 */
export function parsePublicKey(text: string): KeyObject {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) {
    throw new IdentitySetupError(
      'The public key for assertions must be 43 characters of base64url (32 bytes, Ed25519).',
    );
  }
  return crypto.createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: text } });
}

function parsePrivateKey(pem: string): KeyObject | undefined {
  try {
    return crypto.createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
