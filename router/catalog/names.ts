/**
 * The names under which tools and prompts of servers are listed together: unmistakable for people, models and hosts.
 * Hosts refuse names other than [A-Za-z0-9_-] of at most 64.
 */
import { createHash } from 'node:crypto';

/** What a server may call its own tool or prompt (MCP 2025-11-25, "Tool Names"); others are not listed. */
const OWN_NAME = /^[A-Za-z0-9_.-]{1,128}$/;
const LISTED_NAME = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_LISTED = 64;
const HASH_CHARS = 8;

export function isOwnName(name: string): boolean {
  return OWN_NAME.test(name);
}

/**
 * The listed name: prefix and own name, or, where that is too long or holds a dot, its likeness with a short hash of the
 * exact names behind it. Stable: it depends on nothing else.
 */
export function listedName(prefix: string, own: string): string {
  const whole = prefix + own;
  if (LISTED_NAME.test(whole)) return whole;
  const hash = createHash('sha256').update(prefix).update('\0').update(own).digest('hex').slice(0, HASH_CHARS);
  return `${whole.replaceAll('.', '_').slice(0, MAX_LISTED - HASH_CHARS - 1)}_${hash}`;
}
