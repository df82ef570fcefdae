/**
 * Owns the verification of access tokens. A token seen before costs a hash and a look-up; a new one a signature and the
 * checks of claims.ts. Which key verifies is decided here by configuration, never by the token.
 */
import crypto from 'node:crypto';
import { type CryptoKey, compactVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Caller } from './caller.ts';
import { type AgentLookup, callerOf, checkAccessClaims, LEEWAY_SECONDS, MAX_LIFETIME_SECONDS } from './claims.ts';
import { createKeySet, MAX_AGE_MS } from './jwks.ts';
import { MAX_TOKEN_LENGTH, readHeader } from './jws.ts';
import { IdentitySetupError } from './key-file.ts';
import { refused, revocationsUnreadable } from './refusal.ts';
import { importSecret } from './secret.ts';

/** What verification asks of the revocations. */
export interface RevocationList {
  /** False when nobody can know what was revoked; then no token is accepted. */
  fresh(): boolean;
  has(tokenId: string): boolean;
}

export interface TokenVerifierOptions {
  /** For HS256; at least 32 bytes. */
  readonly secret?: Uint8Array;
  /** For EdDSA, ES256 and RS256: path or address of a JWKS. */
  readonly jwks?: string;
  readonly issuer: string;
  readonly audience: string;
  readonly agents: AgentLookup;
  readonly revocations: RevocationList;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly maxLifetimeSeconds?: number;
  /** Verified tokens remembered. */
  readonly cacheSize?: number;
}

export interface TokenVerifier {
  /**
   * The caller behind a token; at once when the token was verified before, and then the same object each time.
   * @throws AppError UNAUTHENTICATED, at once or as a rejection; its cause says why, for log and audit
   */
  verify(token: string): Caller | Promise<Caller>;
  /** Throws AppError UNAUTHENTICATED when an open session's caller has expired or was revoked since. */
  assertCurrent(caller: Caller): void;
  /** Forgets all verified tokens, for a changed configuration of agents: each is verified again at its next use. */
  forget(): void;
  /** Verified tokens remembered now. */
  readonly size: number;
}

interface Remembered {
  readonly caller: Caller;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

const PUBLIC_KEY_ALGORITHMS = new Set(['EdDSA', 'ES256', 'RS256']);

/** @throws IdentitySetupError when no key is configured, the secret is short, or the JWKS cannot be used */
export async function createTokenVerifier(options: TokenVerifierOptions): Promise<TokenVerifier> {
  const { issuer, audience, agents, revocations, now } = options;
  const maxLifetimeSeconds = options.maxLifetimeSeconds ?? MAX_LIFETIME_SECONDS;
  const policy = { type: 'access', issuer, audience, maxLifetimeSeconds, leewaySeconds: LEEWAY_SECONDS } as const;
  const secret = options.secret === undefined ? undefined : await importSecret(options.secret);
  const keySet = options.jwks === undefined ? undefined : await createKeySet(options.jwks, now);
  if (secret === undefined && keySet === undefined) {
    throw new IdentitySetupError('No key to verify tokens with: give a secret (MCP_JWT_SECRET_KEY) or a JWKS.');
  }
  const remembered = new LRUCache<string, Remembered>({ max: options.cacheSize ?? 10_000 });

  function keyFor(header: ReturnType<typeof readHeader>): CryptoKey | Promise<CryptoKey> {
    if (header.alg === 'HS256' && secret !== undefined) return secret;
    if (PUBLIC_KEY_ALGORITHMS.has(header.alg) && keySet !== undefined) return keySet.find(header);
    throw refused('algorithm', 'alg is not one that is configured here');
  }

  async function verifyNew(token: string, digest: string): Promise<Caller> {
    const header = readHeader(token);
    const key = await keyFor(header);
    let payload: Uint8Array;
    try {
      ({ payload } = await compactVerify(token, key, { algorithms: [header.alg] }));
    } catch (error) {
      throw refused('signature', 'the signature does not verify', error);
    }
    const startedAt = now();
    const caller = callerOf(checkAccessClaims(payload, policy, startedAt / 1000), agents);
    if (revocations.has(caller.tokenId)) throw refused('revoked', 'the token was revoked');
    const expiresAtMs = caller.expiresAt * 1000;
    // A key withdrawn from the JWKS must stop working: its tokens are verified again when the set is due to be read again.
    const until = header.alg === 'HS256' ? expiresAtMs : Math.min(expiresAtMs, startedAt + MAX_AGE_MS);
    if (until > startedAt) remembered.set(digest, { caller, until });
    return caller;
  }

  return {
    verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) throw refused('too_long', `longer than ${MAX_TOKEN_LENGTH} characters`);
      if (!revocations.fresh()) throw revocationsUnreadable();
      const digest = crypto.hash('sha256', token, 'base64');
      const known = remembered.get(digest);
      if (known !== undefined) {
        if (revocations.has(known.caller.tokenId)) {
          remembered.delete(digest);
          throw refused('revoked', 'the token was revoked');
        }
        if (now() < known.until) return known.caller;
        remembered.delete(digest);
      }
      return verifyNew(token, digest);
    },
    assertCurrent(caller) {
      if (!revocations.fresh()) throw revocationsUnreadable();
      if (revocations.has(caller.tokenId)) throw refused('revoked', 'the token was revoked');
      if (caller.expiresAt + LEEWAY_SECONDS <= now() / 1000) throw refused('expired', 'exp has passed');
    },
    forget: () => remembered.clear(),
    get size() {
      return remembered.size;
    },
  };
}
