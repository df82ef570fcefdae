/**
 * Owns refresh tokens (RFC 9700 §4.14.2): each is exchanged once; one that comes again was copied by somebody, so its whole
 * family ends, with all access tokens that came of it.
 */
import crypto from 'node:crypto';
import { compactVerify } from 'jose';
import { prepare } from '../store.ts';
import { checkRefreshClaims, LEEWAY_SECONDS, type RefreshClaims } from './claims.ts';
import type { IdentityStore } from './identity-store.ts';
import { type IssuedToken, REFRESH_TTL_SECONDS, type TokenIssuer } from './issue.ts';
import { readHeader } from './jws.ts';
import { refused, TokenRefusal } from './refusal.ts';
import type { Revocations } from './revocations.ts';
import { importSecret } from './secret.ts';
import type { User } from './users.ts';

export interface TokenPair {
  readonly agentId: string;
  readonly access: IssuedToken;
  readonly refresh: IssuedToken;
}

export interface Refresher {
  /** A first pair, in a new family. */
  begin(user: User): Promise<TokenPair>;
  /**
   * The next pair for a refresh token. The user's role and level are read anew.
   * @throws AppError UNAUTHENTICATED; cause `reused` when the family was ended because of it
   */
  exchange(token: string): Promise<TokenPair>;
  /** Ends the family of a valid refresh token that belongs to this agent; false when it is not such a token. */
  end(token: string, agentId: string): Promise<boolean>;
  /** Ends the family that a refresh or access token of this id belongs to; false when it belongs to none. */
  endFamilyOf(tokenId: string): Promise<boolean>;
  /** Ends all families of an agent. */
  endAll(agentId: string): Promise<void>;
}

export interface RefresherOptions {
  readonly store: IdentityStore;
  readonly revocations: Revocations;
  readonly tokenIssuer: TokenIssuer;
  readonly findUser: (name: string) => User | undefined;
  readonly secret: Uint8Array;
  /** What `iss` must be. */
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly refreshTtlSeconds?: number;
}

/** @throws IdentitySetupError when the secret is short */
export async function createRefresher(options: RefresherOptions): Promise<Refresher> {
  const { store, revocations, tokenIssuer, findUser, now } = options;
  const key = await importSecret(options.secret);
  const sql = statements(store);
  const seconds = () => Math.floor(now() / 1000);
  const policy = {
    type: 'refresh',
    issuer: options.issuer,
    audience: options.audience,
    maxLifetimeSeconds: options.refreshTtlSeconds ?? REFRESH_TTL_SECONDS,
    leewaySeconds: LEEWAY_SECONDS,
  } as const;

  async function verify(token: string): Promise<RefreshClaims> {
    const { alg } = readHeader(token);
    if (alg !== 'HS256') throw refused('algorithm', 'a refresh token is signed with HS256');
    let payload: Uint8Array;
    try {
      ({ payload } = await compactVerify(token, key, { algorithms: ['HS256'] }));
    } catch (error) {
      throw refused('signature', 'the signature does not verify', error);
    }
    return checkRefreshClaims(payload, policy, seconds());
  }

  async function issuePair(user: User, familyId: string): Promise<TokenPair> {
    const { name: agentId, role, level } = user;
    const [access, refresh] = await Promise.all([
      tokenIssuer.access({ agentId, role, level }),
      tokenIssuer.refresh(agentId, familyId),
    ]);
    return { agentId, access, refresh };
  }

  function keep({ access, refresh }: TokenPair, familyId: string): void {
    sql.addToken.run(refresh.tokenId, familyId, access.tokenId, access.expiresAt, refresh.expiresAt, null);
  }

  /** Inside a transaction. */
  function endFamily(familyId: string): void {
    sql.revokeFamily.run(seconds(), familyId);
    for (const { access_id, access_expires_at } of sql.accessOf.all(familyId)) {
      if (access_expires_at + LEEWAY_SECONDS >= seconds()) revocations.insert(access_id, access_expires_at);
    }
  }

  /** What stands against an exchange; ends the family of a token that comes a second time. Inside a transaction. */
  function objection(tokenId: string, familyId: string): TokenRefusal | undefined {
    const row = sql.findToken.get(tokenId);
    if (row === undefined || row.family_id !== familyId) return new TokenRefusal('revoked', 'unknown refresh token');
    if (row.revoked_at !== null) return new TokenRefusal('revoked', 'the family of this refresh token has ended');
    if (row.used_at === null) return undefined;
    endFamily(familyId);
    return new TokenRefusal('reused', 'the refresh token was used before; its family has ended');
  }

  return {
    async begin(user) {
      const familyId = crypto.randomUUID();
      const pair = await issuePair(user, familyId);
      await store.write(() => {
        sql.prune.run(seconds() - LEEWAY_SECONDS);
        sql.pruneFamilies.run();
        sql.addFamily.run(familyId, user.name, null);
        keep(pair, familyId);
      });
      return pair;
    },
    async exchange(token) {
      const { sub, jti, family_id: familyId } = await verify(token);
      const user = findUser(sub);
      const pair = user === undefined ? undefined : await issuePair(user, familyId);
      const refusal = await store.write(() => {
        const found = objection(jti, familyId);
        if (found !== undefined) return found;
        if (pair === undefined) return new TokenRefusal('revoked', 'the user is no longer there');
        sql.use.run(seconds(), jti);
        keep(pair, familyId);
        return undefined;
      });
      if (refusal !== undefined || pair === undefined) {
        revocations.poll();
        throw refused(refusal!.reason, refusal!.message);
      }
      return pair;
    },
    async end(token, agentId) {
      const claims = await verify(token).catch(() => undefined);
      if (claims === undefined || claims.sub !== agentId) return false;
      await store.write(() => endFamily(claims.family_id));
      revocations.poll();
      return true;
    },
    async endFamilyOf(tokenId) {
      const families = await store.write(() => {
        const found = sql.familyOf.all(tokenId, tokenId);
        for (const { family_id } of found) endFamily(family_id);
        return found.length;
      });
      revocations.poll();
      return families > 0;
    },
    async endAll(agentId) {
      await store.write(() => {
        for (const { family_id } of sql.familiesOf.all(agentId)) endFamily(family_id);
      });
      revocations.poll();
    },
  };
}

function statements({ db, connection }: IdentityStore) {
  const token = {
    token_id: '',
    family_id: '',
    access_id: '',
    access_expires_at: 0,
    expires_at: 0,
    used_at: 0,
  };
  return {
    addFamily: prepare(
      connection,
      db.insertInto('refresh_families').values({ family_id: '', agent_id: '', revoked_at: 0 }).compile(),
    ),
    addToken: prepare(connection, db.insertInto('refresh_tokens').values(token).compile()),
    findToken: prepare<{ family_id: string; used_at: number | null; revoked_at: number | null }>(
      connection,
      db
        .selectFrom('refresh_tokens')
        .innerJoin('refresh_families', 'refresh_families.family_id', 'refresh_tokens.family_id')
        .select(['refresh_tokens.family_id', 'refresh_tokens.used_at', 'refresh_families.revoked_at'])
        .where('refresh_tokens.token_id', '=', '')
        .compile(),
    ),
    use: prepare(connection, db.updateTable('refresh_tokens').set({ used_at: 0 }).where('token_id', '=', '').compile()),
    revokeFamily: prepare(
      connection,
      db
        .updateTable('refresh_families')
        .set({ revoked_at: 0 })
        .where('family_id', '=', '')
        .where('revoked_at', 'is', null)
        .compile(),
    ),
    accessOf: prepare<{ access_id: string; access_expires_at: number }>(
      connection,
      db.selectFrom('refresh_tokens').select(['access_id', 'access_expires_at']).where('family_id', '=', '').compile(),
    ),
    familyOf: prepare<{ family_id: string }>(
      connection,
      db
        .selectFrom('refresh_tokens')
        .select('family_id')
        .where((where) => where.or([where('token_id', '=', ''), where('access_id', '=', '')]))
        .compile(),
    ),
    familiesOf: prepare<{ family_id: string }>(
      connection,
      db
        .selectFrom('refresh_families')
        .select('family_id')
        .where('agent_id', '=', '')
        .where('revoked_at', 'is', null)
        .compile(),
    ),
    prune: prepare(connection, db.deleteFrom('refresh_tokens').where('expires_at', '<', 0).compile()),
    pruneFamilies: prepare(
      connection,
      db
        .deleteFrom('refresh_families')
        .where('family_id', 'not in', db.selectFrom('refresh_tokens').select('family_id'))
        .compile(),
    ),
  };
}
