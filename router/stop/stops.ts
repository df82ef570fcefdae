/**
 * Owns what an emergency stop is: whom it covers, who gave it and why (E1). Pure: keeps nothing and stops nothing.
 */
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';

/** `all`, `server:ID`, `tool:NAME` (as it is listed) or `agent:ID`. */
export const scopeSchema = z
  .string()
  .max(300)
  .regex(/^(?:all|(?:server|tool|agent):[^\p{Cc}]{1,256})$/u);

const text = z.string().trim().min(1).max(1_000);
export const reasonSchema = text;

export const stopSchema = z.strictObject({
  scope: scopeSchema,
  reason: text,
  /** Agent id; `owner` for whoever works on the data folder itself. */
  by: z.string().min(1).max(256),
  /** Milliseconds since the epoch. */
  at: z.int().nonnegative(),
});
/** At most one for each scope. */
export type Stop = z.infer<typeof stopSchema>;

/** By the owner of the data folder, on the command line. */
export const OWNER = 'owner';

/** What a call is about, as far as scopes look at it. */
export interface Reach {
  /** '' when it names nothing that its caller may know of. */
  readonly serverId: string;
  /** It is a tool of the router itself, by which a stop is seen and ended. */
  readonly isRouter: boolean;
  /** Its name in the merged lists; undefined for what is no tool. */
  readonly tool: string | undefined;
  readonly agentId: string;
}

/** The router's own tools reach no server: only a stop of their caller covers them. */
export function covers({ scope }: Pick<Stop, 'scope'>, { serverId, isRouter, tool, agentId }: Reach): boolean {
  if (scope === `agent:${agentId}`) return true;
  if (isRouter) return false;
  return coversServer({ scope }, serverId) || (tool !== undefined && scope === `tool:${tool}`);
}

/** Whether nothing at all may go to this server. */
export function coversServer({ scope }: Pick<Stop, 'scope'>, serverId: string): boolean {
  return scope === 'all' || scope === `server:${serverId}`;
}

/** @throws AppError INVALID_PARAMS with the forms there are */
export function parseScope(scope: string): string {
  if (scopeSchema.safeParse(scope).success) return scope;
  throw new AppError('INVALID_PARAMS', {
    text: 'The scope must be all, server:ID, tool:NAME (as it is listed) or agent:ID',
  });
}

export function stopped(stop: Pick<Stop, 'scope' | 'at'>): AppError {
  return new AppError('EMERGENCY_STOP', {
    text: `Stopped by an emergency stop (${stop.scope}). Nothing was queued: ask again when it was ended`,
    data: { scope: stop.scope, since: new Date(stop.at).toISOString() },
  });
}
