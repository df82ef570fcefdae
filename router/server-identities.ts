/**
 * Who our own servers are when they are clients of the router (DESIGN §2): tokens of this process alone, that name a server
 * and nobody else. No token of the village's key can name one.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Caller } from '../shared/identity/caller.ts';
import { LEVELS, type Level } from '../shared/identity/levels.ts';
import { refused } from '../shared/identity/refusal.ts';
import { EXECUTE_PERMISSION } from '../shared/identity/roles.ts';

export const TWINS_ID = 'digital-twin';

interface Rights {
  readonly level: Level;
  readonly permissions: readonly string[];
}

/** The servers that are clients, and what each may do. */
const CLIENTS: ReadonlyMap<string, Rights> = new Map<string, Rights>([
  ['governance', { level: LEVELS.READ_ONLY, permissions: [EXECUTE_PERMISSION] }],
  // Both follow the retention policy; the twins elevate knowledge.
  ['hyperrag', { level: LEVELS.READ_ONLY, permissions: ['governance:read'] }],
  // It finds nodes and joins them; it brings disputes about contracts before governance, whose approval then resolves them in its name.
  [
    'fog',
    { level: LEVELS.OPERATOR, permissions: ['p2p:read', 'p2p:connect', 'governance:propose', 'fog:use_marketplace'] },
  ],
  [TWINS_ID, { level: LEVELS.OPERATOR, permissions: ['governance:read', 'hyperrag:elevate'] }],
]);

/** A token is renewed at half its life. */
export const SERVER_TOKEN_TTL_MS = 15 * 60_000;

const CALLERS: ReadonlyMap<string, Caller> = new Map(
  [...CLIENTS].map(([agentId, { level, permissions }]) => [
    agentId,
    Object.freeze({
      agentId,
      role: 'server',
      level,
      permissions: Object.freeze([...permissions]),
      tokenId: `server:${agentId}`,
      // The token ends, not the caller behind it: who verifies it says so.
      expiresAt: Number.MAX_SAFE_INTEGER,
    }),
  ]),
);

const SERVER_CALLERS: ReadonlySet<Caller> = new Set(CALLERS.values());

/** Whether this is one of our own servers, as `verify` gives it: the very object, which no token of the village makes. */
export function isServerCaller(caller: Caller): boolean {
  return SERVER_CALLERS.has(caller);
}

interface Issued {
  readonly serverId: string;
  readonly endsAt: number;
}

export class ServerIdentities {
  private readonly now: () => number;
  private readonly ttlMs: number;
  /** By the token's SHA-256. */
  private readonly issued = new Map<string, Issued>();

  /** @param now milliseconds on any clock that does not go back */
  constructor(now: () => number, ttlMs = SERVER_TOKEN_TTL_MS) {
    this.now = now;
    this.ttlMs = ttlMs;
  }

  /** Whether this id is that of a server which is a client of the router. */
  isClient(serverId: string): boolean {
    return CALLERS.has(serverId);
  }

  /** A new token; earlier ones hold until their end. */
  issue(serverId: string): string {
    const now = this.now();
    for (const [digest, { endsAt }] of this.issued) if (endsAt <= now) this.issued.delete(digest);
    const token = `server-${randomBytes(32).toString('base64url')}`;
    this.issued.set(digestOf(token), { serverId, endsAt: now + this.ttlMs });
    return token;
  }

  /** The server behind a token. Throws AppError UNAUTHENTICATED. */
  verify(token: string): Caller {
    const issued = this.issued.get(digestOf(token));
    const caller = issued === undefined || issued.endsAt <= this.now() ? undefined : CALLERS.get(issued.serverId);
    if (caller === undefined) throw refused('signature', 'no token of a server of this router');
    return caller;
  }

  /** Throws AppError UNAUTHENTICATED when a token of the village claims to be one of the servers. */
  refuseServer(caller: Caller): Caller {
    if (this.isClient(caller.agentId)) throw refused('claims', 'sub is the id of a server of the router');
    return caller;
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
