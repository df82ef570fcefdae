/** The router's Prometheus families: what the line counted, and how sessions, servers, queues and the audit are now. */
import type { Family, Labels } from '../../shared/metrics/exposition.ts';
import { serviceState } from '../health.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import { STEPS } from './figures.ts';

const NONE: Labels = {};
const DOORS: readonly Session['door'][] = ['http', 'sse', 'websocket', 'stdio', 'approved'];
const STATES = ['idle', 'starting', 'ready', 'waiting', 'stopped', 'halted'] as const;

export function routerFamilies(router: Router): readonly Family[] {
  const { figures, audit } = router;
  const services = () => router.catalog.all().map(serviceState);
  const gauge = (name: string, help: string, read: () => number): Family => ({
    kind: 'gauge',
    name,
    help,
    labels: [],
    read: () => [[NONE, read()]],
  });
  return [
    {
      kind: 'counter',
      name: 'aivillage_calls_total',
      help: 'Calls by server, tool and outcome, as the audit words it. Without a server: what names nothing.',
      labels: ['server', 'tool', 'outcome'],
      read: function* () {
        for (const { count, ...labels } of figures.callCounts()) yield [labels, count] as const;
      },
    },
    {
      kind: 'histogram',
      name: 'aivillage_call_duration_seconds',
      help: 'From the arrival of a call to its answer, by server.',
      labels: ['server'],
      read: function* () {
        for (const [server, durations] of figures.calls) yield [{ server }, durations] as const;
      },
    },
    {
      kind: 'histogram',
      name: 'aivillage_call_step_seconds',
      help: 'Time that calls spent in each step of the line.',
      labels: ['step'],
      read: () => STEPS.map((step) => [{ step }, figures.steps[step]] as const),
    },
    {
      kind: 'counter',
      name: 'aivillage_client_messages_total',
      help: 'Messages from clients by kind.',
      labels: ['kind'],
      read: () => Object.entries(figures.messages).map(([kind, count]) => [{ kind }, count] as const),
    },
    {
      kind: 'counter',
      name: 'aivillage_errors_total',
      help: 'Errors answered to clients, by reason.',
      labels: ['reason'],
      read: function* () {
        for (const [reason, count] of figures.errors) yield [{ reason }, count] as const;
      },
    },
    {
      kind: 'gauge',
      name: 'aivillage_sessions',
      help: 'Open sessions by door.',
      labels: ['door'],
      read: () => {
        const open = new Map(DOORS.map((door) => [door, 0]));
        for (const { door } of router.sessions.all()) open.set(door, open.get(door)! + 1);
        return [...open].map(([door, count]) => [{ door }, count] as const);
      },
    },
    gauge('aivillage_calls_in_flight', 'Requests of clients that are not answered yet.', () =>
      router.sessions.all().reduce((sum, { calls }) => sum + calls.size, 0),
    ),
    {
      kind: 'gauge',
      name: 'aivillage_server_up',
      help: '1 while calls to the server can be answered: healthy or degraded.',
      labels: ['server'],
      read: () => services().map(({ id, status }) => [{ server: id }, status === 'unhealthy' ? 0 : 1] as const),
    },
    {
      kind: 'gauge',
      name: 'aivillage_server_state',
      help: '1 for the state that the server is in.',
      labels: ['server', 'state'],
      read: function* () {
        for (const { id, state } of services())
          for (const each of STATES) yield [{ server: id, state: each }, each === state ? 1 : 0] as const;
      },
    },
    {
      kind: 'gauge',
      name: 'aivillage_server_calls_in_flight',
      help: 'Requests that a server has not answered yet.',
      labels: ['server'],
      read: () => services().map(({ id, calls_in_flight }) => [{ server: id }, calls_in_flight] as const),
    },
    {
      kind: 'counter',
      name: 'aivillage_server_starts_total',
      help: 'Starts of a server since the router started.',
      labels: ['server'],
      read: () => services().map(({ id, starts }) => [{ server: id }, starts] as const),
    },
    {
      kind: 'gauge',
      name: 'aivillage_server_bad_messages',
      help: 'What the present connections of a server sent that is no message.',
      labels: ['server'],
      read: () => services().map(({ id, bad_messages }) => [{ server: id }, bad_messages] as const),
    },
    gauge('aivillage_audit_up', '1 while records can be written; without them no call runs.', () =>
      audit.available ? 1 : 0,
    ),
    gauge('aivillage_audit_waiting_records', 'Records that wait to be committed.', () => audit.waiting.records),
    gauge(
      'aivillage_audit_lag_seconds',
      'Age of the oldest record that is not committed.',
      () => audit.waiting.oldestMs / 1_000,
    ),
    {
      kind: 'gauge',
      name: 'aivillage_tls_certificate_expiry_timestamp_seconds',
      help: 'When the certificate of the router ends, in seconds since the epoch; absent without TLS.',
      labels: [],
      read: () => (figures.certificateEndsAt === undefined ? [] : [[NONE, figures.certificateEndsAt] as const]),
    },
    gauge('aivillage_emergency_stops', 'Emergency stops in force.', () => router.stop.stops.length),
  ];
}
