/** The checks of system_diagnostics, a function for each component: what is wrong and what to do. Each asks only what it needs. */
import fs from 'node:fs/promises';
import { sql } from 'kysely';
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { MonitoringDeps } from '../deps.ts';
import { judge } from '../health.ts';
import { sumOf } from '../router-figures.ts';
import { readRecords } from '../workflow/records.ts';
import type { Check, Component } from './check.ts';

/** `full` also asks what takes longer. */
export type Depth = 'basic' | 'full';
type Run = (deps: MonitoringDeps, depth: Depth) => Promise<Check[]>;

const LOOK_BACK_MS = 3_600_000;
const MANY_REFUSALS = 20;
const MAX_SECURITY_RECORDS = 2_000;
const DAY_S = 86_400;

const servicesSchema = z.object({
  services: z.array(
    z.looseObject({
      id: z.string(),
      status: z.enum(['healthy', 'degraded', 'unhealthy']),
      state: z.string(),
      since: z.string(),
      problem: z.string().nullable(),
      bad_messages: z.number(),
    }),
  ),
});

const system: Run = async ({ sampler, collector }, depth) => {
  const { checks } = judge(await sampler.current());
  const found: Check[] = checks.map(({ component, ...rest }) => ({
    component: 'system',
    part: component === 'disk' ? `disk ${rest.finding.split(':', 1)[0] ?? ''}` : component,
    ...rest,
  }));
  if (depth === 'basic') return found;
  const busy = (collector.processes ?? []).toSorted((a, b) => b.rssBytes - a.rssBytes).slice(0, 5);
  const text = busy.map(({ name, rssBytes }) => `${name} ${Math.round(rssBytes / 1e6)} MB`).join(', ');
  if (busy.length > 0) found.push(good('system', 'processes', `Largest processes of the village: ${text}`));
  return found;
};

const network: Run = async ({ sampler, collector, router }) => {
  const { network: interfaces } = await sampler.current();
  const found: Check[] = [];
  for (const one of interfaces?.interfaces ?? []) {
    const errors = one.rxErrors + one.txErrors;
    const packets = Math.max(1, (one.rxBytes + one.txBytes) / 1_500);
    const isBad = errors > 100 && errors / packets > 0.001;
    found.push({
      component: 'network',
      part: one.name,
      status: isBad ? 'degraded' : 'healthy',
      finding: `Interface ${one.name}: ${one.isUp === false ? 'down' : 'up'}, ${errors} errors`,
      remedy: isBad ? 'Check cable, driver and the other end of this interface' : null,
    });
  }
  if (interfaces === null)
    found.push(unknown('network', 'interfaces', 'This machine gives no readings of its network'));
  if (router === undefined) return found;
  const { routerProblem } = collector;
  found.push(
    routerProblem === undefined
      ? good('network', 'router', 'The router answers')
      : bad('network', 'router', routerProblem, 'Check that the router runs: aivillage doctor'),
  );
  return found;
};

const services: Run = async ({ router }) => {
  if (router === undefined) return [noRouter('services')];
  const { services: all } = servicesSchema.parse(await router.call('service_list', {}));
  return all.slice(0, 500).map(({ id, status, state, since, problem, bad_messages }) => ({
    component: 'services',
    part: id,
    status,
    sinceMs: Date.parse(since),
    finding: `${id}: ${state}${problem === null ? '' : `, ${firstLine(problem)}`}${bad_messages > 0 ? `, ${bad_messages} messages that were none` : ''}`,
    remedy: status === 'healthy' ? null : remedyFor(state),
  }));
};

function remedyFor(state: string): string {
  switch (state) {
    case 'halted':
      return 'An emergency stop holds it; emergency_system_resume ends that when it is safe';
    case 'starting':
      return 'Wait until it has started; when it does not, look into its log';
    case 'stopped':
      return 'It was taken out of the configuration or ended; add it again when it is needed';
    default:
      return 'Read its last words in the log, and correct its command, address or environment; it is started again by itself';
  }
}

const stores: Run = async ({ store, series, collector, dataDir }, depth) => {
  const found: Check[] = [];
  const stat = await fs.statfs(dataDir);
  const freeBytes = stat.bavail * stat.bsize;
  const isLow = freeBytes < 500e6;
  found.push({
    component: 'stores',
    part: 'room',
    status: freeBytes < 50e6 ? 'unhealthy' : isLow ? 'degraded' : 'healthy',
    finding: `${Math.round(freeBytes / 1e6)} MB are free for the databases`,
    remedy: isLow ? 'Make room on the disk of the data folder: without it no record is written and no call runs' : null,
  });
  found.push(
    collector.seriesProblem === undefined
      ? good('stores', 'time series', `${series.names().length} series are kept`)
      : {
          component: 'stores',
          part: 'time series',
          status: 'degraded',
          finding: collector.seriesProblem,
          remedy: 'Figures beyond the limit are not kept; nothing else is affected',
        },
  );
  if (depth === 'basic') return found;
  const { rows } = await sql<{ quick_check: string }>`PRAGMA quick_check(1)`.execute(store.db);
  const isWhole = rows[0]?.quick_check === 'ok';
  found.push(
    isWhole
      ? good('stores', 'monitoring.db', 'monitoring.db is whole')
      : bad(
          'stores',
          'monitoring.db',
          'monitoring.db is damaged',
          'Stop the village, and restore the file from a backup: aivillage restore',
        ),
  );
  return found;
};

const queues: Run = async ({ collector, webhooks, router }) => {
  const found: Check[] = [];
  for (const { webhook, dropped, problem } of webhooks.list()) {
    const finding = `Webhook ${webhook.id}: ${dropped} deliveries were given up${problem === null ? '' : `; last: ${problem}`}`;
    if (dropped === 0 && problem === null) continue;
    found.push({
      component: 'queues',
      part: `webhook ${webhook.id}`,
      status: 'degraded',
      finding,
      remedy: 'Correct its receiver, or remove it with monitoring_alerts remove_webhook',
    });
  }
  const reading = collector.router;
  if (router === undefined || reading === undefined)
    return [...found, router === undefined ? noRouter('queues') : unread('queues')];
  const inFlight = sumOf(reading, 'aivillage_calls_in_flight');
  const isMany = inFlight > 1_000;
  found.push({
    component: 'queues',
    part: 'calls',
    status: isMany ? 'degraded' : 'healthy',
    finding: `${inFlight} calls are in flight`,
    remedy: isMany ? 'A server is slow: service_list shows where they wait' : null,
  });
  return found;
};

const certificates: Run = async ({ collector, router, nowMs }) => {
  const reading = collector.router;
  if (router === undefined) return [noRouter('certificates')];
  if (reading === undefined) return [unread('certificates')];
  const expires = reading.samples.find(({ name }) => name === 'aivillage_tls_certificate_expiry_timestamp_seconds');
  if (expires === undefined)
    return [good('certificates', 'tls', 'The router has no certificate: it serves this machine without TLS')];
  const days = (expires.value - nowMs() / 1_000) / DAY_S;
  const finding =
    days < 0
      ? `The certificate ended ${Math.ceil(-days)} days ago`
      : `The certificate holds for ${Math.floor(days)} more days`;
  const remedy = 'Put a new certificate at MCP_TLS_CERT and MCP_TLS_KEY, and restart the router';
  return [
    days < 3
      ? bad('certificates', 'tls', finding, remedy)
      : {
          component: 'certificates',
          part: 'tls',
          status: days < 21 ? 'degraded' : 'healthy',
          finding,
          remedy: days < 21 ? remedy : null,
        },
  ];
};

const audit: Run = async ({ collector, router }) => {
  const reading = collector.router;
  if (router === undefined) return [noRouter('audit')];
  if (reading === undefined) return [unread('audit')];
  if (sumOf(reading, 'aivillage_audit_up') === 0)
    return [
      bad(
        'audit',
        'writing',
        'Records cannot be written, so no call runs',
        'Make room on the disk of the data folder, and check its rights',
      ),
    ];
  const lag = sumOf(reading, 'aivillage_audit_lag_seconds');
  const isLate = lag > 0.5;
  return [
    {
      component: 'audit',
      part: 'writing',
      status: isLate ? 'degraded' : 'healthy',
      finding: `Records are written; the oldest waits for ${Math.round(lag * 1_000)} ms`,
      remedy: isLate ? 'The disk of the data folder is slow: move the folder, or what else uses the disk' : null,
    },
  ];
};

const security: Run = async ({ router, nowMs, collector }, depth) => {
  if (router === undefined) return [noRouter('security')];
  const found: Check[] = [];
  const stops = collector.router === undefined ? 0 : sumOf(collector.router, 'aivillage_emergency_stops');
  found.push(
    stops === 0
      ? good('security', 'emergency stop', 'No emergency stop is in force')
      : {
          component: 'security',
          part: 'emergency stop',
          status: 'degraded',
          finding: `${stops} emergency stops are in force`,
          remedy: 'emergency_system_resume ends one when it is safe',
        },
  );
  if (depth === 'basic') return found;
  for (const [kind, part, remedy] of [
    [
      'auth_denied',
      'refused tokens',
      'Find out who presents bad tokens: audit_query with kind auth_denied; revoke what leaked',
    ],
    ['call_denied', 'refused calls', 'diagnostics_report names who was refused what; permission_explain says why'],
  ] as const) {
    const filter = { kind, since: new Date(nowMs() - LOOK_BACK_MS).toISOString() };
    const { records, isWhole } = await readRecords(router, filter, MAX_SECURITY_RECORDS);
    const isMany = records.length > MANY_REFUSALS;
    found.push({
      component: 'security',
      part,
      status: isMany ? 'degraded' : 'healthy',
      finding: `${isWhole ? '' : 'more than '}${records.length} ${part} in the last hour`,
      remedy: isMany ? remedy : null,
    });
  }
  return found;
};

const alerts: Run = async ({ alerts: all }) => {
  const firing = (await all.list()).filter(({ state }) => state === 'firing');
  if (firing.length === 0) return [good('alerts', 'none', 'No alert is firing')];
  return firing.slice(0, 100).map(({ rule, series, sinceMs, isSilenced }) => ({
    component: 'alerts',
    part: `${rule.id} ${series}`,
    status: rule.severity === 'critical' && !isSilenced ? 'unhealthy' : 'degraded',
    sinceMs,
    finding: `${rule.summary || rule.id} (${series})${isSilenced ? ', silenced' : ''}`,
    remedy: rule.remedy || 'Look at the series with monitoring://metrics/{name}',
  }));
};

const RUNS: Readonly<Record<Component, Run>> = {
  system,
  network,
  services,
  stores,
  queues,
  certificates,
  audit,
  security,
  alerts,
};

/** A check that cannot be made says so, and keeps none of the others from being made. */
export async function runChecks(
  deps: MonitoringDeps,
  components: readonly Component[],
  depth: Depth,
): Promise<Check[]> {
  const found = await Promise.all(
    components.map((component) =>
      RUNS[component](deps, depth).catch((error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        return [unknown(component, 'check', `Could not be checked: ${error.message}`)];
      }),
    ),
  );
  return found.flat();
}

function good(component: Component, part: string, finding: string): Check {
  return { component, part, status: 'healthy', finding, remedy: null };
}

function bad(component: Component, part: string, finding: string, remedy: string): Check {
  return { component, part, status: 'unhealthy', finding, remedy };
}

function unknown(component: Component, part: string, finding: string): Check {
  return { component, part, status: 'unknown', finding, remedy: null };
}

function noRouter(component: Component): Check {
  return unknown(component, 'router', 'This server runs without a router, and cannot know');
}

function unread(component: Component): Check {
  return unknown(component, 'router', 'The router has not been read yet; ask again in some seconds');
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.slice(0, 200);
}
