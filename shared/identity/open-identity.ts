/** Owns the putting together of identity for one data folder: store, revocations, users, tokens in and out. */
import { type AgentLookup, MAX_LIFETIME_SECONDS } from './claims.ts';
import { type IdentityStore, openIdentityStore } from './identity-store.ts';
import { createTokenIssuer, type TokenIssuer } from './issue.ts';
import { createRefresher, type Refresher } from './refresh.ts';
import { openRevocations, type Revocations } from './revocations.ts';
import { keyFiles, loadOrCreateSecret, parseSecret } from './secret.ts';
import { createTokenVerifier, type TokenVerifier } from './tokens.ts';
import { createUsers, type Users } from './users.ts';

const DEFAULT_ISSUER = 'aivillage';
const DEFAULT_AUDIENCE = 'aivillage';

export interface IdentitySettings {
  readonly dataDir: string;
  /** Default `aivillage`. */
  readonly issuer?: string;
  /** Default `aivillage`. */
  readonly audience?: string;
  /** MCP_JWT_SECRET_KEY; without it a secret is made and kept in the data folder. */
  readonly secret?: string;
  /** Path or address of a JWKS, beside the secret. */
  readonly jwks?: string;
  readonly agents: AgentLookup;
  readonly maxLifetimeSeconds?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface Identity {
  readonly store: IdentityStore;
  readonly revocations: Revocations;
  readonly users: Users;
  readonly verifier: TokenVerifier;
  readonly issuer: TokenIssuer;
  readonly refresher: Refresher;
  readonly maxLifetimeSeconds: number;
  close(): Promise<void>;
}

/** @throws IdentitySetupError, StoreError: messages fit for the user */
export async function openIdentity(settings: IdentitySettings): Promise<Identity> {
  const { dataDir, agents, now = Date.now, maxLifetimeSeconds = MAX_LIFETIME_SECONDS } = settings;
  const secret =
    settings.secret === undefined ? loadOrCreateSecret(keyFiles(dataDir).secret) : parseSecret(settings.secret);
  const names = { issuer: settings.issuer ?? DEFAULT_ISSUER, audience: settings.audience ?? DEFAULT_AUDIENCE };
  const store = await openIdentityStore(dataDir);
  const revocations = openRevocations({ store, now });
  const close = async () => {
    revocations.close();
    await store.close();
  };
  try {
    const users = createUsers(store, now);
    const issuer = await createTokenIssuer({ ...names, secret, now, maxLifetimeSeconds });
    const jwks = settings.jwks === undefined ? {} : { jwks: settings.jwks };
    const verifier = await createTokenVerifier({
      ...names,
      ...jwks,
      secret,
      agents,
      revocations,
      now,
      maxLifetimeSeconds,
    });
    const refresher = await createRefresher({
      ...names,
      store,
      revocations,
      tokenIssuer: issuer,
      findUser: users.find,
      secret,
      now,
    });
    return { store, revocations, users, verifier, issuer, refresher, maxLifetimeSeconds, close };
  } catch (error) {
    await close();
    throw error;
  }
}
