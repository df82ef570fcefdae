/** The resources of the village's events (O9). What a caller may not know is left out. */
import { z } from 'zod';
import { defineResource, defineResourceTemplate, type Resource } from '../../../shared/resource.ts';
import type { VillageEvent } from '../../events/events.ts';
import type { Router } from '../../router.ts';
import { visibleTo } from './visible.ts';

const NEWEST = 200;
const MOST = 1_000;

export function eventResources(router: Router): readonly Resource[] {
  const { events } = router;
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
  ];
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
