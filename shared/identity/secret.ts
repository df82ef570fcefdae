/** Owns the HS256 secret: the configured one, or one made on first start in the data folder. Never prints it. */
import crypto from 'node:crypto';
import path from 'node:path';
import type { CryptoKey } from 'jose';
import { IdentitySetupError, loadOrCreateKeyFile } from './key-file.ts';

/** RFC 7518 §3.2: a key of at least the hash's size. */
const MIN_SECRET_BYTES = 32;

/**
 * A secret as it stands in MCP_JWT_SECRET_KEY, as bytes.
 * @throws IdentitySetupError when it is shorter than 32 bytes
 */
export function parseSecret(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length < MIN_SECRET_BYTES) {
    throw new IdentitySetupError(
      `MCP_JWT_SECRET_KEY has ${bytes.length} bytes, expected at least ${MIN_SECRET_BYTES}. ` +
        'Make one with: openssl rand -base64 32. Or leave it unset, and one is made and kept in the data folder.',
    );
  }
  return bytes;
}

/**
 * The secret kept in a file with rights 600: 32 random bytes as base64url text. The text's own bytes are the key, so that the
 * file's content may also be given as MCP_JWT_SECRET_KEY.
 * @throws IdentitySetupError
 */
export function loadOrCreateSecret(file: string): Uint8Array {
  const text = loadOrCreateKeyFile(file, () => `${crypto.randomBytes(32).toString('base64url')}\n`).trim();
  if (Buffer.byteLength(text) < MIN_SECRET_BYTES) {
    throw new IdentitySetupError(
      `${file} holds fewer than ${MIN_SECRET_BYTES} bytes. Remove it and a new secret is made; tokens signed with the old ` +
        'one are then no longer valid.',
    );
  }
  return new TextEncoder().encode(text);
}

/** Where a data folder keeps its keys. */
export function keyFiles(dataDir: string): { secret: string; signingKey: string } {
  const folder = path.join(dataDir, 'keys');
  return { secret: path.join(folder, 'jwt-secret'), signingKey: path.join(folder, 'assertion-key.pem') };
}

/**
 * The secret as a key for jose, imported once (raw bytes cost twice as much at each use).
 * @throws IdentitySetupError when it is shorter than 32 bytes
 */
export async function importSecret(secret: Uint8Array): Promise<CryptoKey> {
  if (secret.length < MIN_SECRET_BYTES) {
    throw new IdentitySetupError(
      `The secret for tokens has ${secret.length} bytes, expected at least ${MIN_SECRET_BYTES}. ` +
        'Set MCP_JWT_SECRET_KEY to a longer one, for instance from: openssl rand -base64 32',
    );
  }
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', Uint8Array.from(secret), algorithm, false, ['sign', 'verify']);
}
