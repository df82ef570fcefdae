/**
 * Owns what the claims of our tokens must be. Checked after the signature, because jose lets through a missing or endless
 * `exp`, an object as `sub` and duplicate names; never looks at a signature itself.
 */
import { z } from 'zod';
import type { Caller } from './caller.ts';
import { parseOnce } from './jws.ts';
import { LEVEL_NAMES, LEVELS, type Level } from './levels.ts';
import { refused } from './refusal.ts';
import { isReserved, isRole, ROLE_PERMISSIONS, type Role } from './roles.ts';

/** How far two clocks may be apart. */
export const LEEWAY_SECONDS = 30;
/** The longest life of an access token, from its `iat`. */
export const MAX_LIFETIME_SECONDS = 86_400;

export type TokenType = 'access' | 'refresh' | 'assertion';

export interface ClaimsPolicy {
  readonly type: TokenType;
  readonly issuer: string;
  readonly audience: string;
  readonly maxLifetimeSeconds: number;
  readonly leewaySeconds: number;
}

/** What the configuration knows of a named agent. */
export interface AgentEntry {
  readonly level: Level;
  readonly role?: Role | undefined;
  /** Beyond those of its role. */
  readonly permissions?: readonly string[] | undefined;
}
export type AgentLookup = (agentId: string) => AgentEntry | undefined;

/** Control, format, line-separator and lone surrogate characters: nothing that could forge a line of a log. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !UNPRINTABLE.test(value));

/** The name of an agent or a person: 1–256 characters, none of them a control character. */
export const agentIdSchema = text(256);

const levelNumber = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4), z.literal(5)]);
/** A level by name (`OPERATOR`) or by number (2). */
export const levelSchema = z.union([z.enum(LEVEL_NAMES).transform((name): Level => LEVELS[name]), levelNumber]);

const permissionsSchema = z.array(text(128)).max(256);

/** Roles of other issuers are names without rights of their own here. */
const roleName = text(64);

const base = {
  sub: agentIdSchema,
  iss: z.string().max(1_024),
  aud: z.union([z.string().max(1_024), z.array(z.string().max(1_024)).min(1).max(16)]),
  iat: z.int().nonnegative(),
  exp: z.int().nonnegative(),
  nbf: z.int().nonnegative().optional(),
  jti: text(256),
  type: z.string().max(32),
};

const accessSchema = z.object({
  ...base,
  agent_id: z.string().optional(),
  role: roleName,
  governance_level: levelSchema.optional(),
  permissions: permissionsSchema.optional(),
});

const refreshSchema = z.object({ ...base, family_id: text(256) });

const assertionSchema = z.object({
  ...base,
  role: roleName,
  governance_level: levelSchema,
  permissions: permissionsSchema,
  /** RFC 8693 §4.1: the router, and within it who had it make the call. */
  act: z.object({ sub: text(256), act: z.object({ sub: text(256) }).optional() }),
  token_id: text(256),
});

export type AccessClaims = z.infer<typeof accessSchema>;
export type RefreshClaims = z.infer<typeof refreshSchema>;
export type AssertionClaims = z.infer<typeof assertionSchema>;

/** @throws AppError UNAUTHENTICATED */
export function checkAccessClaims(payload: Uint8Array, policy: ClaimsPolicy, nowSeconds: number): AccessClaims {
  const claims = check(accessSchema, payload, policy, nowSeconds);
  if (claims.agent_id !== undefined && claims.agent_id !== claims.sub) {
    throw refused('claims', 'agent_id differs from sub');
  }
  return claims;
}

/** @throws AppError UNAUTHENTICATED */
export function checkRefreshClaims(payload: Uint8Array, policy: ClaimsPolicy, nowSeconds: number): RefreshClaims {
  return check(refreshSchema, payload, policy, nowSeconds);
}

/** @throws AppError UNAUTHENTICATED */
export function checkAssertionClaims(payload: Uint8Array, policy: ClaimsPolicy, nowSeconds: number): AssertionClaims {
  return check(assertionSchema, payload, policy, nowSeconds);
}

/** The caller that checked claims name; a level that the token leaves open comes from the configured agents. */
export function callerOf(claims: AccessClaims, agents: AgentLookup): Caller {
  return Object.freeze({
    agentId: claims.sub,
    role: claims.role,
    level: claims.governance_level ?? agents(claims.sub)?.level ?? LEVELS.READ_ONLY,
    permissions: permissionsOf(claims.role, [
      ...(claims.permissions ?? []),
      ...(agents(claims.sub)?.permissions ?? []),
    ]),
    tokenId: claims.jti,
    expiresAt: claims.exp,
  });
}

/** The role's permissions and the caller's own, each once; those between the router and its servers left out. */
export function permissionsOf(role: string, own: readonly string[] = []): readonly string[] {
  const all = new Set([...(isRole(role) ? ROLE_PERMISSIONS[role] : []), ...own]);
  return Object.freeze([...all].filter((permission) => !isReserved(permission)));
}

type Base = z.infer<z.ZodObject<typeof base>>;

function check<Claims extends Base>(
  schema: z.ZodType<Claims>,
  payload: Uint8Array,
  policy: ClaimsPolicy,
  nowSeconds: number,
): Claims {
  const parsed = parseOnce(payload, 'payload');
  // The class comes first: its answer is the useful one for a refresh token shown as an access token.
  if ((Object.hasOwn(parsed, 'type') ? (parsed as { type: unknown }).type : undefined) !== policy.type) {
    throw refused('type', `expected a token of type ${policy.type}`);
  }
  const { data: claims, error } = schema.safeParse(parsed);
  if (claims === undefined) {
    const wrong = [...new Set(error?.issues.map((issue) => String(issue.path[0] ?? 'payload')))];
    throw refused('claims', `missing or not of the right form: ${wrong.join(', ')}`);
  }
  if (claims.iss !== policy.issuer) throw refused('issuer', 'iss is not the configured issuer');
  const meant = Array.isArray(claims.aud) ? claims.aud.includes(policy.audience) : claims.aud === policy.audience;
  if (!meant) throw refused('audience', 'aud does not name this audience');
  const { maxLifetimeSeconds, leewaySeconds } = policy;
  if (claims.exp <= claims.iat) throw refused('lifetime', 'exp is not after iat');
  if (claims.exp > claims.iat + maxLifetimeSeconds) {
    throw refused('lifetime', `exp is more than ${maxLifetimeSeconds} s after iat`);
  }
  if (claims.exp <= nowSeconds - leewaySeconds) throw refused('expired', 'exp has passed');
  if (claims.iat > nowSeconds + leewaySeconds) throw refused('not_yet_valid', 'iat lies in the future');
  if (claims.nbf !== undefined && claims.nbf > nowSeconds + leewaySeconds) {
    throw refused('not_yet_valid', 'nbf lies in the future');
  }
  return claims;
}
