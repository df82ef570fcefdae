/** Access tokens for the bench's agents, signed by hand: several agents, so that per-caller state is not one hot entry. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';

export const SECRET = randomBytes(32).toString('hex');
const AGENTS = 16;
const LIFETIME_SECONDS = 3_600;

/** One token (HS256) for each agent, of level OPERATOR, as A1 wants its claims. */
export function bearerTokens(): string[] {
  return Array.from({ length: AGENTS }, (_, i) => bearerToken(`bench-${i}`));
}

/** One that may see everything there is to watch. */
export function watcherToken(): string {
  return bearerToken('watcher', { role: 'admin', governance_level: 5 });
}

function bearerToken(agentId: string, more: Readonly<Record<string, unknown>> = {}): string {
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    sub: agentId,
    agent_id: agentId,
    role: 'user',
    governance_level: 2,
    permissions: [],
    iss: 'aivillage',
    aud: 'aivillage',
    iat,
    exp: iat + LIFETIME_SECONDS,
    jti: randomUUID(),
    type: 'access',
    ...more,
  };
  const text = `${base64({ alg: 'HS256', typ: 'JWT' })}.${base64(claims)}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
