/**
 * Whose things are whose: what an agent stores is in its own namespace, unless it says `shared`. Nobody reads or writes
 * another's, and another's answers like one that does not exist.
 */
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { LEVELS } from '../../shared/identity/levels.ts';

/** As it is stored. An agent's own begins with `agent/`, so that no agent's name can be the shared one. */
export type Namespace = 'shared' | `agent/${string}`;

/** What callers say for what all may read. */
export const SHARED = 'shared';

export function ownNamespace(caller: Caller): Namespace {
  return `agent/${caller.agentId}`;
}

/** What callers call a namespace. */
export function namespaceName(namespace: string): string {
  return namespace.startsWith('agent/') ? namespace.slice('agent/'.length) : namespace;
}

/** The one namespace to write to. @throws AppError UNKNOWN_NAME for another's */
export function namespaceToWrite(caller: Caller, asked: string | undefined): Namespace {
  if (asked === undefined) return ownNamespace(caller);
  if (asked === SHARED) return SHARED;
  if (asked === caller.agentId) return ownNamespace(caller);
  throw unknownNamespace(asked);
}

/** What a search covers: one's own and the shared one unless one of them is named. @throws AppError UNKNOWN_NAME */
export function namespacesToRead(caller: Caller, asked: string | undefined): readonly Namespace[] {
  return asked === undefined ? [ownNamespace(caller), SHARED] : [namespaceToWrite(caller, asked)];
}

/** Everybody writes in its own; in the shared one only the author changes what is there, or GOVERNANCE level. */
export function mayChange(caller: Caller, item: { readonly namespace: string; readonly author: string }): boolean {
  if (item.namespace !== SHARED) return item.namespace === ownNamespace(caller);
  return item.author === caller.agentId || caller.level >= LEVELS.GOVERNANCE;
}

function unknownNamespace(asked: string): AppError {
  return new AppError('UNKNOWN_NAME', {
    text: `Unknown namespace: ${asked}. Leave it out for your own, or say "${SHARED}" for what all may read.`,
  });
}

/** What to say when an author has as many passages as it may have. */
export function fullText({ held, most }: { readonly held: number; readonly most: number }): string {
  return `You have ${held} passages there, and may have ${most}. Forget something first, or ask the owner to raise HYPERRAG_MAX_PASSAGES.`;
}
