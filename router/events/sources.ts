/** Where events come from: records on their way into the audit, states of servers, and emergency stops. Adds nothing to them. */
import type { AuditLog } from '../audit/audit-log.ts';
import type { AuditEntry } from '../audit/entry.ts';
import { type Health, serviceState } from '../health.ts';
import type { Stop } from '../stop/stops.ts';
import type { UpstreamServer } from '../upstreams/server.ts';
import type { Events, NewEvent } from './events.ts';

/** The audit as it is, with an ear for what is recorded. */
export function heardBy(events: Events, audit: AuditLog): AuditLog {
  return {
    append(entry, args) {
      const event = eventOf(entry);
      if (event !== undefined) events.add(event);
      return audit.append(entry, args);
    },
    get available() {
      return audit.available;
    },
    get waiting() {
      return audit.waiting;
    },
    close: () => audit.close(),
  };
}

function eventOf(entry: AuditEntry): NewEvent | undefined {
  const { kind, outcome, reason, callId, durationMs } = entry;
  const { agent, server, tool } = entry.subject?.fields ?? entry;
  switch (kind) {
    case 'call_finished':
      if (tool === undefined) return undefined;
      return { kind: 'tool_executed', agent, server, tool, outcome, reason, callId, durationMs };
    case 'call_denied':
      if (outcome !== 'denied' && outcome !== 'blocked') return undefined;
      return { kind: 'security_violation', agent, server, tool, outcome, reason, callId };
    case 'auth_denied':
    case 'session_owner_mismatch':
    case 'screened':
      return { kind: 'security_violation', agent, server, tool, outcome, reason: reason ?? kind, callId };
    default:
      return undefined;
  }
}

/** Call it when something of a server may have changed: only another health is an event. */
export function healthEvents(events: Events): (server: UpstreamServer) => void {
  const known = new WeakMap<UpstreamServer, Health>();
  return (server) => {
    const { status, problem } = serviceState(server);
    const before = known.get(server) ?? 'healthy';
    known.set(server, status);
    if (before === status) return;
    events.add({ kind: 'server_health_changed', server: server.id, status, reason: problem?.slice(0, 300) });
  };
}

/** Call it with the stops in force whenever they changed: each that was not there before is an event. */
export function stopEvents(events: Events): (stops: readonly Stop[]) => void {
  let known = new Set<string>();
  return (stops) => {
    const now = new Set(stops.map(({ scope, at }) => `${scope} ${at}`));
    for (const { scope, by, reason, at } of stops) {
      if (known.has(`${scope} ${at}`)) continue;
      events.add({ kind: 'emergency_activated', scope, agent: by, reason: reason.slice(0, 300) });
    }
    known = now;
  };
}
