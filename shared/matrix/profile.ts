/** A server's security profile (M6) and what it says of one target, beside the matrix: both must allow. Keeps no counts. */
import { z } from 'zod';
import type { Target } from './match.ts';
import { compileWildcard, type Wildcard } from './wildcard.ts';

export const securityProfileSchema = z.strictObject({
  risk_level: z.enum(['low', 'medium', 'high', 'critical']).optional(),
  /** The server's own tool names, `resource:<uri>`, `prompt:<name>`, with `*`. Absent: all. Empty: none. */
  allowed_operations: z.array(z.string().min(1).max(512)).max(1_000).optional(),
  max_concurrent_operations: z.number().int().min(1).max(10_000).optional(),
  /** Calls a minute, all callers together. */
  rate_limit: z.number().int().min(1).max(1_000_000).optional(),
  require_authentication: z.boolean().optional(),
  /** `true`: without a network, and no folder but its own. */
  sandbox: z
    .union([
      z.boolean(),
      z.strictObject({
        network: z.boolean().optional(),
        readable: z.array(z.string().max(4096)).max(100).optional(),
        writable: z.array(z.string().max(4096)).max(100).optional(),
      }),
    ])
    .optional(),
});

export type SecurityProfile = z.infer<typeof securityProfileSchema>;

export type ProfileDecision =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reasons: readonly string[] };

const allowed: ProfileDecision = { allowed: true };
const compiled = new WeakMap<readonly string[], readonly Wildcard[]>();

/** Whether the server that offers the target may be used for it. The profile is taken as unchanging. */
export function applyProfile(profile: SecurityProfile, target: Target): ProfileDecision {
  const operations = profile.allowed_operations;
  if (operations === undefined) return allowed;
  let wildcards = compiled.get(operations);
  if (wildcards === undefined) {
    wildcards = operations.map(compileWildcard);
    compiled.set(operations, wildcards);
  }
  const operation = operationOf(target);
  if (wildcards.some((wildcard) => wildcard.matches(operation))) return allowed;
  return { allowed: false, reasons: [`${operation} is not among allowed_operations of server ${target.serverId}`] };
}

function operationOf(target: Target): string {
  if (target.kind === 'resource') return `resource:${target.uri}`;
  return target.kind === 'prompt' ? `prompt:${target.ownName}` : target.ownName;
}
