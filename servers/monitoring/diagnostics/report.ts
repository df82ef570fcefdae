/** Sums up records of the audit and the router's counts for diagnostics_report. Pure. */
import type { RouterReading } from '../router-figures.ts';
import type { AuditRecord } from '../workflow/records.ts';
import { stepsOf } from '../workflow/steps.ts';

export interface Count {
  readonly kind: string;
  readonly count: number;
}

/** Reasons that say that a message was none, or broke the protocol. */
const VIOLATIONS = new Set([
  'INVALID_MESSAGE_FORMAT',
  'INVALID_PROTOCOL_VERSION',
  'INVALID_MESSAGE_ID',
  'MESSAGE_TOO_LARGE',
  'HEARTBEAT_TIMEOUT',
]);
const DENIED = new Set(['denied', 'limited', 'blocked', 'stopped']);
const GOOD = new Set(['ok', 'cached', 'pending_approval', 'cancelled']);

interface Tally {
  calls: number;
  failed: number;
  denied: number;
  lastMs: number;
}

export function summarize(records: readonly AuditRecord[], router: RouterReading | undefined, top: number) {
  const steps = stepsOf(records);
  const total: Tally = newTally();
  const clients = new Map<string, Tally>();
  const tools = new Map<string, Tally & { server: string | null; durations: number[] }>();
  const failures = new Map<
    string,
    { tool: string; outcome: string; reason: string | null; count: number; lastMs: number }
  >();
  for (const { agent, name, server, outcome, reason, startMs, endMs } of steps) {
    const client = clients.get(agent) ?? newTally();
    clients.set(agent, client);
    const tool = tools.get(name) ?? { ...newTally(), server, durations: [] };
    tools.set(name, tool);
    tool.durations.push(endMs - startMs);
    for (const tally of [total, client, tool]) {
      tally.calls++;
      if (DENIED.has(outcome)) tally.denied++;
      else if (!GOOD.has(outcome)) tally.failed++;
      tally.lastMs = Math.max(tally.lastMs, endMs);
    }
    if (GOOD.has(outcome)) continue;
    const key = `${name}\0${outcome}\0${reason ?? ''}`;
    const failure = failures.get(key) ?? { tool: name, outcome, reason, count: 0, lastMs: 0 };
    failures.set(key, failure);
    failure.count++;
    failure.lastMs = Math.max(failure.lastMs, endMs);
  }
  const errors = countsOf(router, 'aivillage_errors_total', 'reason');
  return {
    messages: countsOf(router, 'aivillage_client_messages_total', 'kind'),
    violations: errors.filter(({ kind }) => VIOLATIONS.has(kind)),
    errors,
    connections: countsOf(router, 'aivillage_sessions', 'door'),
    calls: { total: total.calls, failed: total.failed, denied: total.denied },
    clients: [...clients]
      .sort(([, a], [, b]) => byTrouble(a, b))
      .slice(0, top)
      .map(([agent, { calls, failed, denied, lastMs }]) => ({ agent, calls, failed, denied, last_at: iso(lastMs) })),
    tools: [...tools]
      .sort(([, a], [, b]) => byTrouble(a, b))
      .slice(0, top)
      .map(([tool, { server, calls, failed, denied, durations }]) => {
        const sorted = durations.toSorted((a, b) => a - b);
        return { tool, server, calls, failed, denied, median_ms: at(sorted, 0.5), p95_ms: at(sorted, 0.95) };
      }),
    failures: [...failures.values()]
      .sort((a, b) => b.count - a.count)
      .slice(0, top)
      .map(({ lastMs, ...rest }) => ({ ...rest, last_at: iso(lastMs) })),
  };
}

function newTally(): Tally {
  return { calls: 0, failed: 0, denied: 0, lastMs: 0 };
}

function byTrouble(a: Tally, b: Tally): number {
  return b.failed + b.denied - (a.failed + a.denied) || b.calls - a.calls;
}

function countsOf(router: RouterReading | undefined, metric: string, label: string): Count[] {
  return (router?.samples ?? [])
    .filter(({ name }) => name === metric)
    .map(({ labels, value }) => ({ kind: labels[label] ?? '', count: value }))
    .slice(0, 200);
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

const iso = (ms: number) => new Date(ms).toISOString();
