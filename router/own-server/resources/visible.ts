/** Whose calls a caller may know of: its own, and those of all where it may search the audit, which shows the same and more. */
import type { Caller } from '../../../shared/identity/caller.ts';
import { OWN_ID } from '../../config/server-entry.ts';
import type { VillageEvent } from '../../events/events.ts';
import type { Router } from '../../router.ts';

const AUDIT_QUERY = { kind: 'tool', listedName: 'audit_query', serverId: OWN_ID, ownName: 'audit_query' } as const;

export function seesAllCalls({ matrix }: Router, caller: Caller): boolean {
  return matrix.decide(caller, AUDIT_QUERY).allowed;
}

export function visibleTo(router: Router, caller: Caller): (event: VillageEvent) => boolean {
  if (seesAllCalls(router, caller)) return () => true;
  return ({ kind, agent }) =>
    kind === 'server_health_changed' || kind === 'emergency_activated' || agent === caller.agentId;
}
