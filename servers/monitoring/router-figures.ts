/**
 * What the router tells of itself, read as its client over HTTP with this server's own token, never from its files: the
 * samples of `/metrics`, and from two readings the rates that people ask for.
 */
import type { RouterLink } from '../../shared/client/router-link.ts';
import { AppError } from '../../shared/errors.ts';
import { type MetricSample, parsePrometheus } from './prometheus-text.ts';
import type { Value } from './series.ts';

export interface RouterReading {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly samples: readonly MetricSample[];
}

export type ReadRouter = () => Promise<RouterReading>;

const TIMEOUT_MS = 5_000;
/** Outcomes that are nobody's wish; refusals are the router's work. */
const BAD = new Set(['failed', 'timed_out', 'unknown', 'too_large']);
/** Servers that have series of their own. */
const MAX_SERVERS = 40;

/** @throws AppError CONNECTION_FAILED, UPSTREAM_INVALID, RESULT_TOO_LARGE */
export function routerReader(link: RouterLink, nowMs: () => number): ReadRouter {
  return async () => {
    let text: string;
    try {
      const answer = await fetch(new URL('/metrics', link.url), {
        headers: { authorization: `Bearer ${link.token()}` },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      text = await answer.text();
    } catch (cause) {
      throw new AppError('CONNECTION_FAILED', { text: 'The router did not give its metrics', cause });
    }
    return { atMs: nowMs(), samples: parsePrometheus(text) };
  };
}

export function sumOf(
  { samples }: RouterReading,
  name: string,
  passes: (labels: MetricSample['labels']) => boolean = () => true,
): number {
  let sum = 0;
  for (const sample of samples) if (sample.name === name && passes(sample.labels)) sum += sample.value;
  return sum;
}

/** The series of one reading; rates come with a second one. */
export function valuesOf(now: RouterReading, before: RouterReading | undefined): Value[] {
  const gauge = (name: string, from: string): Value => ({ name, value: sumOf(now, from) });
  const values: Value[] = [
    gauge('router.sessions', 'aivillage_sessions'),
    gauge('router.calls_in_flight', 'aivillage_calls_in_flight'),
    gauge('router.audit_up', 'aivillage_audit_up'),
    gauge('router.audit_lag_seconds', 'aivillage_audit_lag_seconds'),
    gauge('router.audit_waiting_records', 'aivillage_audit_waiting_records'),
    gauge('router.emergency_stops', 'aivillage_emergency_stops'),
    gauge('router.memory_bytes', 'process_resident_memory_bytes'),
    {
      name: 'router.event_loop_delay_seconds',
      value: sumOf(now, 'nodejs_event_loop_delay_seconds', ({ share }) => share === '0.99'),
    },
  ];
  const servers = [
    ...new Set(
      now.samples.filter(({ name }) => name === 'aivillage_server_up').map(({ labels }) => labels.server ?? ''),
    ),
  ];
  for (const server of servers.slice(0, MAX_SERVERS)) {
    const own = (labels: MetricSample['labels']) => labels.server === server;
    values.push({ name: `server.${server}.up`, value: sumOf(now, 'aivillage_server_up', own) });
    values.push({
      name: `server.${server}.calls_in_flight`,
      value: sumOf(now, 'aivillage_server_calls_in_flight', own),
    });
  }
  return before === undefined ? values : [...values, ...rates(now, before, servers.slice(0, MAX_SERVERS))];
}

function rates(now: RouterReading, before: RouterReading, servers: readonly string[]): Value[] {
  const seconds = (now.atMs - before.atMs) / 1_000;
  if (seconds <= 0) return [];
  /** A counter that fell began anew. */
  const grown = (name: string, passes?: (labels: MetricSample['labels']) => boolean) => {
    const difference = sumOf(now, name, passes) - sumOf(before, name, passes);
    return difference >= 0 ? difference : sumOf(now, name, passes);
  };
  const calls = grown('aivillage_calls_total');
  const bad = grown('aivillage_calls_total', ({ outcome }) => BAD.has(outcome ?? ''));
  const values: Value[] = [
    { name: 'router.calls_per_second', value: calls / seconds },
    { name: 'router.failed_percent', value: calls === 0 ? 0 : (100 * bad) / calls },
    { name: 'router.errors_per_second', value: grown('aivillage_errors_total') / seconds },
  ];
  const p99 = quantile(now, before, 0.99);
  if (p99 !== undefined) values.push({ name: 'router.call_p99_seconds', value: p99 });
  for (const server of servers) {
    const own = (labels: MetricSample['labels']) => labels.server === server;
    const of = grown('aivillage_calls_total', own);
    const failed = grown('aivillage_calls_total', (labels) => own(labels) && BAD.has(labels.outcome ?? ''));
    values.push({ name: `server.${server}.calls_per_second`, value: of / seconds });
    values.push({ name: `server.${server}.failed_percent`, value: of === 0 ? 0 : (100 * failed) / of });
  }
  return values;
}

/** Upper bound of the bucket that holds this share of the calls between two readings; undefined without calls. */
function quantile(now: RouterReading, before: RouterReading, share: number): number | undefined {
  const name = 'aivillage_call_duration_seconds_bucket';
  const bounds = [...new Set(now.samples.filter((one) => one.name === name).map(({ labels }) => labels.le ?? ''))]
    .map((le) => ({ le, bound: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le) }))
    .sort((a, b) => a.bound - b.bound);
  const counts = bounds.map(({ le, bound }) => ({
    bound,
    count: sumOf(now, name, (labels) => labels.le === le) - sumOf(before, name, (labels) => labels.le === le),
  }));
  const total = counts.at(-1)?.count ?? 0;
  if (total <= 0) return undefined;
  const found = counts.find(({ count }) => count >= share * total)?.bound;
  // Beyond the last bound nothing more is known than that.
  return found === Number.POSITIVE_INFINITY ? counts.at(-2)?.bound : found;
}
