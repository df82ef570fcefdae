/** The router's own resources: the village's events (O9) and its metrics (O6). What a caller may not know is left out. */
import { z } from 'zod';
import type { Caller } from '../../shared/identity/caller.ts';
import { defineResource, defineResourceTemplate, type Resource } from '../../shared/resource.ts';
import { OWN_ID } from '../config/server-entry.ts';
import type { VillageEvent } from '../events/events.ts';
import { METRICS_URI } from '../metrics/metrics.ts';
import type { Router } from '../router.ts';

const NEWEST = 200;
const MOST = 1_000;
const AUDIT_QUERY = { kind: 'tool', listedName: 'audit_query', serverId: OWN_ID, ownName: 'audit_query' } as const;

export function ownResources({ router }: { readonly router: Router }): readonly Resource[] {
  const { events, metrics } = router;
  return [
    defineResource({
      uri: 'village://events',
      name: 'events',
      title: 'Events of the village',
      description: `The last ${NEWEST} events, oldest first: tool_executed, server_health_changed, security_violation, emergency_activated. Who may search the audit sees all of them, others their own calls. Updated within a tenth of a second; village://events/{after} goes on from a number.`,
      mimeType: 'application/json',
      read: async ({ caller }) => ({ json: page(events.newest(NEWEST, visibleTo(router, caller)), events.last) }),
      watch: (onUpdate) => events.watch(onUpdate),
    }),
    defineResourceTemplate({
      uriTemplate: 'village://events/{after}',
      variables: z.strictObject({ after: z.string().regex(/^\d{1,15}$/) }),
      name: 'events_after',
      title: 'Events after a number',
      description: `Up to ${MOST} events with a greater number than the one given, oldest first; 0 begins with the oldest that is kept.`,
      mimeType: 'application/json',
      read: async ({ after }, { caller }) => ({
        json: page(events.after(Number(after), MOST, visibleTo(router, caller)), events.last),
      }),
      watch: (onUpdate) => events.watch(onUpdate),
    }),
    defineResource({
      uri: METRICS_URI,
      name: 'metrics',
      title: 'Metrics of the router',
      description: 'What the router counts and measures, as Prometheus text: the same that GET /metrics answers.',
      mimeType: 'text/plain',
      read: async () => ({ text: await metrics.text() }),
    }),
  ];
}

/** By the row of audit_query: it shows the same and more. */
function visibleTo({ matrix }: Router, caller: Caller): (event: VillageEvent) => boolean {
  if (matrix.decide(caller, AUDIT_QUERY).allowed) return () => true;
  return ({ kind, agent }) =>
    kind === 'server_health_changed' || kind === 'emergency_activated' || agent === caller.agentId;
}

function page(found: readonly VillageEvent[], last: number): Record<string, unknown> {
  const events = found.map(({ seq, kind, atMs, callId, durationMs, ...rest }) => ({
    seq,
    kind,
    at: new Date(atMs).toISOString(),
    ...rest,
    ...(callId !== undefined && { call_id: callId }),
    ...(durationMs !== undefined && { duration_ms: durationMs }),
  }));
  return { events, last };
}
