/** Finds the session that a client names. To anyone but its own agent it does not exist; that one tried is on record (B01). */
import { toAppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';

/** @returns undefined when there is none of this caller with that id */
export function findOwnSession({ sessions, audit, log }: Router, id: string, caller: Caller): Session | undefined {
  const own = sessions.get(id, caller);
  if (own !== undefined) return own;
  const session = sessions.foreign(id, caller);
  if (session !== undefined) {
    const { agentId: agent, tokenId } = caller;
    audit
      .append({ kind: 'session_owner_mismatch', agent, tokenId, session, outcome: 'denied' })
      .catch((error: unknown) => log.error({ err: toAppError(error) }, 'a refusal could not be recorded'));
  }
  return undefined;
}
