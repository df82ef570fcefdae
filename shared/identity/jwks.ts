/**
 * Owns the public keys that may sign our tokens beside the secret: a JWKS from a file or an address in the configuration,
 * read again at most every 30 s and never from anywhere a token says.
 */
import fs from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type CryptoKey, createLocalJWKSet, errors, type JSONWebKeySet, type LocalJWKSet } from 'jose';
import { z } from 'zod';
import type { JwsHeader } from './jws.ts';
import { IdentitySetupError } from './key-file.ts';
import { refused } from './refusal.ts';

/** Shortest time between two reads of the source, however many unknown key ids come. */
const COOLDOWN_MS = 30_000;
/** Keys older than this are read again before they are used. */
export const MAX_AGE_MS = 600_000;
/** Keys whose source stays unreadable are used this long, then no more. */
const MAX_STALE_MS = 3_600_000;
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 262_144;

const setSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(100) });

export interface KeySet {
  /** The public key for a header. Throws AppError UNAUTHENTICATED when there is none. */
  find(header: JwsHeader): Promise<CryptoKey>;
}

/**
 * Keys of a file path, or of an address (https, or http on this machine only). A file is read at once, so that a mistake
 * in it stops the start; an address is read on first use.
 * @param now milliseconds
 * @throws IdentitySetupError
 */
export async function createKeySet(source: string, now: () => number): Promise<KeySet> {
  const read = reader(source);
  let keys: LocalJWKSet | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  let failure: unknown;

  async function readNow(): Promise<void> {
    triedAt = now();
    try {
      keys = createLocalJWKSet(parseKeySet(await read()));
      readAt = triedAt;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
  }

  /** False when it is too early to read again. */
  async function reread(): Promise<boolean> {
    if (reading === undefined) {
      if (now() - triedAt < COOLDOWN_MS) return false;
      reading = readNow().finally(() => {
        reading = undefined;
      });
    }
    await reading;
    return failure === undefined;
  }

  if (!isAddress(source)) {
    await readNow();
    if (failure !== undefined) throw failure;
  }

  return {
    async find(header) {
      if (now() - readAt > MAX_AGE_MS) await reread();
      if (keys === undefined || now() - readAt > MAX_STALE_MS) {
        throw refused('key', 'the JWKS could not be read', failure);
      }
      const found = await pick(keys, header);
      if (found !== undefined) return found;
      const again = (await reread()) ? await pick(keys, header) : undefined;
      if (again === undefined) throw refused('key', 'the JWKS has no key for this alg and kid');
      return again;
    },
  };
}

async function pick(keys: LocalJWKSet, header: JwsHeader): Promise<CryptoKey | undefined> {
  try {
    return await keys(header.kid === undefined ? { alg: header.alg } : { alg: header.alg, kid: header.kid });
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return undefined;
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      throw refused('key', 'several keys of the JWKS fit; the token must name its kid');
    }
    throw refused('key', 'the key of the JWKS cannot be used', error);
  }
}

function isAddress(source: string): boolean {
  return /^https?:/i.test(source);
}

function reader(source: string): () => Promise<string> {
  if (!isAddress(source)) return () => readKeyFile(source.startsWith('file:') ? fileURLToPath(source) : source);
  const url = URL.parse(source);
  if (url === null || (url.protocol === 'http:' && !isLoopback(url.hostname))) {
    throw new IdentitySetupError(
      `The JWKS address must be https, or http on this machine (127.0.0.1, [::1], localhost); came ${source}`,
    );
  }
  return () => download(url);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));
}

async function readKeyFile(file: string): Promise<string> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    throw new IdentitySetupError(`The JWKS file ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** No redirect is followed: the configured address is the one that is trusted. */
async function download(url: URL): Promise<string> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new Error(`the JWKS address answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`the JWKS is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseKeySet(text: string): JSONWebKeySet {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new IdentitySetupError('The JWKS is not JSON; expected {"keys": […]}.');
  }
  const { data } = setSchema.safeParse(json);
  if (data === undefined) throw new IdentitySetupError('The JWKS must be {"keys": […]} with at most 100 keys.');
  for (const key of data.keys) {
    if (Object.hasOwn(key, 'd') || Object.hasOwn(key, 'k')) {
      throw new IdentitySetupError(
        'The JWKS holds a private or a symmetric key. Only public keys belong in it; treat this one as exposed.',
      );
    }
  }
  return { keys: data.keys.filter(hasKeyType) };
}

function hasKeyType(key: Record<string, unknown>): key is Record<string, unknown> & { kty: string } {
  return key.kty === 'OKP' || key.kty === 'EC' || key.kty === 'RSA';
}
