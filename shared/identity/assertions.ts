/**
 * Owns what the router shows an upstream instead of a client's token: a JWT (EdDSA) for that server alone, 60 s long, that
 * names the caller. Made off the path of calls and used again while fresh; verified by the server with the router's public key.
 */
import crypto, { type KeyObject } from 'node:crypto';
import { compactVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Caller } from './caller.ts';
import { checkAssertionClaims } from './claims.ts';
import { MAX_TOKEN_LENGTH, readHeader } from './jws.ts';
import { levelName } from './levels.ts';
import { refused } from './refusal.ts';

const ASSERTION_TTL_SECONDS = 60;
/** Not handed out with less life than this. */
const MIN_LEFT_MS = 10_000;
/** A next one is made in the background from here on. */
const RENEW_LEFT_MS = 30_000;
/** Both ends are on machines that the owner of the village keeps. */
const LEEWAY_SECONDS = 5;

export interface AssertionMinter {
  /** An assertion with at least 10 s to live; at once when there is one for this very Caller object. */
  get(caller: Caller, serverId: string): string | Promise<string>;
}

interface Minted {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}
interface Slot {
  current: Minted | undefined;
  minting: Promise<string> | undefined;
}

export interface AssertionMinterOptions {
  readonly privateKey: KeyObject;
  /** The router's own id: `iss` and `act.sub`. */
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function createAssertionMinter({ privateKey, issuer, now }: AssertionMinterOptions): AssertionMinter {
  // By object: the token verifier gives the same Caller for the same token, and what nobody holds any more is dropped.
  const slots = new WeakMap<Caller, Map<string, Slot>>();

  function slotOf(caller: Caller, serverId: string): Slot {
    const servers = slots.get(caller) ?? new Map<string, Slot>();
    if (servers.size === 0) slots.set(caller, servers);
    const known = servers.get(serverId);
    if (known !== undefined) return known;
    const slot: Slot = { current: undefined, minting: undefined };
    servers.set(serverId, slot);
    return slot;
  }

  async function mint(caller: Caller, serverId: string, slot: Slot): Promise<string> {
    const issuedAt = Math.floor(now() / 1000);
    const expiresAt = issuedAt + ASSERTION_TTL_SECONDS;
    const token = await new SignJWT({
      type: 'assertion',
      role: caller.role,
      governance_level: levelName(caller.level),
      permissions: [...caller.permissions],
      act: { sub: issuer, ...(caller.actor !== undefined && { act: { sub: caller.actor } }) },
      token_id: caller.tokenId,
    })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT' })
      .setSubject(caller.agentId)
      .setIssuer(issuer)
      .setAudience(serverId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .setJti(crypto.randomUUID())
      .sign(privateKey);
    slot.current = { token, expiresAt: expiresAt * 1000 };
    return token;
  }

  function mintOnce(caller: Caller, serverId: string, slot: Slot): Promise<string> {
    slot.minting ??= mint(caller, serverId, slot).finally(() => {
      slot.minting = undefined;
    });
    return slot.minting;
  }

  return {
    get(caller, serverId) {
      const slot = slotOf(caller, serverId);
      const { current } = slot;
      const leftMs = current === undefined ? 0 : current.expiresAt - now();
      if (current === undefined || leftMs < MIN_LEFT_MS || leftMs > (ASSERTION_TTL_SECONDS + 1) * 1000) {
        return mintOnce(caller, serverId, slot);
      }
      if (leftMs < RENEW_LEFT_MS && slot.minting === undefined) {
        // A failure shows when the current one has run out and the caller waits for the next.
        mintOnce(caller, serverId, slot).catch(() => {});
      }
      return current.token;
    },
  };
}

export interface AssertionVerifier {
  /**
   * The caller that an assertion names; at once when it was verified before.
   * @throws AppError UNAUTHENTICATED, at once or as a rejection
   */
  verify(assertion: string): Caller | Promise<Caller>;
}

export interface AssertionVerifierOptions {
  readonly publicKey: KeyObject;
  /** This server's id: what `aud` must be. */
  readonly serverId: string;
  /** The router's id. */
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function createAssertionVerifier(options: AssertionVerifierOptions): AssertionVerifier {
  const { publicKey, serverId, issuer, now } = options;
  const remembered = new LRUCache<string, Caller>({ max: 4_096 });
  const policy = {
    type: 'assertion',
    issuer,
    audience: serverId,
    maxLifetimeSeconds: ASSERTION_TTL_SECONDS,
    leewaySeconds: LEEWAY_SECONDS,
  } as const;

  async function verifyNew(assertion: string, digest: string): Promise<Caller> {
    const { alg } = readHeader(assertion);
    if (alg !== 'EdDSA') throw refused('algorithm', 'an assertion is signed with EdDSA');
    let payload: Uint8Array;
    try {
      ({ payload } = await compactVerify(assertion, publicKey, { algorithms: ['EdDSA'] }));
    } catch (error) {
      throw refused('signature', 'the signature does not verify', error);
    }
    const claims = checkAssertionClaims(payload, policy, now() / 1000);
    if (claims.act.sub !== issuer) throw refused('claims', 'act is not the router');
    const caller: Caller = Object.freeze({
      agentId: claims.sub,
      role: claims.role,
      level: claims.governance_level,
      permissions: Object.freeze(claims.permissions),
      tokenId: claims.token_id,
      expiresAt: claims.exp,
      ...(claims.act.act !== undefined && { actor: claims.act.act.sub }),
    });
    remembered.set(digest, caller);
    return caller;
  }

  return {
    verify(assertion) {
      if (assertion.length > MAX_TOKEN_LENGTH) throw refused('too_long', `longer than ${MAX_TOKEN_LENGTH} characters`);
      const digest = crypto.hash('sha256', assertion, 'base64');
      const known = remembered.get(digest);
      if (known !== undefined) {
        if (now() < known.expiresAt * 1000) return known;
        remembered.delete(digest);
      }
      return verifyNew(assertion, digest);
    },
  };
}
