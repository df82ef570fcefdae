/** Owns who the caller is on a stdio door without MCP_TOKEN (A7): whoever started the process, an OPERATOR that cannot vote. */
import type { Caller } from './caller.ts';
import { LEVELS } from './levels.ts';
import { ROLE_PERMISSIONS } from './roles.ts';

const LOCAL_AGENT_ID = 'local-user';

/** The same object each time, so that what is kept per caller is kept; it never expires, its process does. */
export const LOCAL_CALLER: Caller = Object.freeze({
  agentId: LOCAL_AGENT_ID,
  role: 'developer',
  level: LEVELS.OPERATOR,
  permissions: Object.freeze(ROLE_PERMISSIONS.developer.filter((permission) => permission !== 'governance:vote')),
  tokenId: 'local-user',
  expiresAt: Number.MAX_SAFE_INTEGER,
});
