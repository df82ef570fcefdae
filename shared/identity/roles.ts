/**
 * Owns what a role may do: roles → permission strings, and how a granted string meets a needed one. Levels (trust) are
 * another axis; the matrix asks for both.
 */
import { LEVELS, type Level } from './levels.ts';

/** Every permission of the built-in servers, `<domain>:<what>`. Other servers may need strings of their own. */
export const PERMISSIONS = [
  'hyperrag:read',
  'hyperrag:write',
  'hyperrag:context',
  'hyperrag:elevate',
  'governance:read',
  'governance:propose',
  'governance:vote',
  'governance:set_policy',
  'p2p:read',
  'p2p:message',
  'p2p:connect',
  'p2p:open_circuit',
  'twin:read',
  'twin:write',
  'twin:elevate',
  'twin:erase',
  'fog:read',
  'fog:use_marketplace',
  'fog:submit_job',
  'fog:deploy_shard',
  'fog:transfer_tokens',
  'fog:harvest',
  'forge:read',
  'forge:chat',
  'forge:train',
  'monitoring:read',
  'monitoring:diagnose',
  'monitoring:manage_alerts',
  'audit:read',
  'system:read',
  'system:manage_services',
  'system:emergency_stop',
  'system:full_access',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

export const ROLES = ['admin', 'developer', 'user'] as const;
export type Role = (typeof ROLES)[number];

const USER = [
  'hyperrag:read',
  'hyperrag:context',
  'governance:read',
  'governance:propose',
  'governance:vote',
  'p2p:read',
  'p2p:message',
  'twin:read',
  'twin:write',
  'twin:erase',
  'fog:read',
  'fog:use_marketplace',
  'forge:read',
  'forge:chat',
  'monitoring:read',
  'system:read',
] as const satisfies readonly Permission[];

const DEVELOPER = [
  ...USER,
  'hyperrag:*',
  'p2p:*',
  'twin:elevate',
  'fog:*',
  'forge:*',
  'monitoring:*',
  'audit:read',
] as const;

/** A4. `x:*` grants all of a domain, `system:full_access` everything. */
export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly string[]>> = {
  admin: ['system:full_access'],
  developer: DEVELOPER,
  user: USER,
};

/** The level of a person who signs in and for whom none is set. Higher levels are only ever given by name. */
export const ROLE_LEVELS: Readonly<Record<Role, Level>> = {
  admin: LEVELS.COORDINATOR,
  developer: LEVELS.OPERATOR,
  user: LEVELS.READ_ONLY,
};

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

/** Permissions of this domain are between the router and its servers. No token gives them, no pattern covers them. */
const RESERVED = 'router:';

/** Held by the assertion with which the router asks the governance server about a caller's gated call, and by nothing else. */
export const GATE_PERMISSION = 'router:gate';
/** Held by the governance server alone: it has approved calls made. */
export const EXECUTE_PERMISSION = 'router:execute';

export function isReserved(permission: string): boolean {
  return permission.startsWith(RESERVED);
}

/**
 * Whether one of the granted strings covers the needed one: the same string, a domain pattern (`fog:*` covers `fog:x` and
 * `fog:x:y`), or `system:full_access`. A bare `*` covers nothing, and only itself covers a reserved one.
 */
export function permits(granted: readonly string[], needed: string): boolean {
  if (isReserved(needed)) return granted.includes(needed);
  return granted.some(
    (grant) => grant === needed || grant === 'system:full_access' || (isPattern(grant) && covers(grant, needed)),
  );
}

function isPattern(grant: string): boolean {
  return grant.length > 2 && grant.endsWith(':*') && grant[0] !== ':' && grant[0] !== '*';
}

/** `fog:*` covers what begins with `fog:` and goes on. */
function covers(pattern: string, needed: string): boolean {
  const prefixLength = pattern.length - 1;
  return needed.length > prefixLength && needed.startsWith(pattern.slice(0, prefixLength));
}
