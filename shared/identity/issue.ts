/** Owns the making of tokens: access tokens and refresh tokens, HS256 with the secret. Says nothing of who may have one. */
import crypto from 'node:crypto';
import { SignJWT } from 'jose';
import { MAX_LIFETIME_SECONDS } from './claims.ts';
import { type Level, levelName } from './levels.ts';
import type { Role } from './roles.ts';
import { importSecret } from './secret.ts';

const ACCESS_TTL_SECONDS = 900;
export const REFRESH_TTL_SECONDS = 604_800;

export interface IssuedToken {
  readonly token: string;
  readonly tokenId: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

export interface AccessGrant {
  readonly agentId: string;
  readonly role: Role;
  /** Left out: the verifier asks the configured agents, at each verification. */
  readonly level?: Level;
  /** Beside those of the role. */
  readonly permissions?: readonly string[];
  readonly ttlSeconds?: number;
  readonly audience?: string;
}

export interface TokenIssuer {
  /** Throws RangeError when `ttlSeconds` is not within 1 … the longest lifetime. */
  access(grant: AccessGrant): Promise<IssuedToken>;
  refresh(agentId: string, familyId: string): Promise<IssuedToken>;
}

export interface TokenIssuerOptions {
  readonly secret: Uint8Array;
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly accessTtlSeconds?: number;
  readonly refreshTtlSeconds?: number;
  readonly maxLifetimeSeconds?: number;
}

/** @throws IdentitySetupError when the secret is short */
export async function createTokenIssuer(options: TokenIssuerOptions): Promise<TokenIssuer> {
  const { issuer, now, maxLifetimeSeconds = MAX_LIFETIME_SECONDS } = options;
  const key = await importSecret(options.secret);

  async function sign(
    claims: Record<string, unknown>,
    agentId: string,
    audience: string,
    ttlSeconds: number,
  ): Promise<IssuedToken> {
    const issuedAt = Math.floor(now() / 1000);
    const expiresAt = issuedAt + ttlSeconds;
    const tokenId = crypto.randomUUID();
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(agentId)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .setJti(tokenId)
      .sign(key);
    return { token, tokenId, expiresAt };
  }

  return {
    access({ agentId, role, level, permissions, ttlSeconds, audience }) {
      const ttl = ttlSeconds ?? options.accessTtlSeconds ?? ACCESS_TTL_SECONDS;
      if (!Number.isInteger(ttl) || ttl < 1 || ttl > maxLifetimeSeconds) {
        throw new RangeError(`An access token lives 1 to ${maxLifetimeSeconds} s; came ${ttl}`);
      }
      const claims = {
        type: 'access',
        agent_id: agentId,
        role,
        ...(level === undefined ? {} : { governance_level: levelName(level) }),
        ...(permissions === undefined ? {} : { permissions }),
      };
      return sign(claims, agentId, audience ?? options.audience, ttl);
    },
    refresh(agentId, familyId) {
      const claims = { type: 'refresh', family_id: familyId };
      return sign(claims, agentId, options.audience, options.refreshTtlSeconds ?? REFRESH_TTL_SECONDS);
    },
  };
}
