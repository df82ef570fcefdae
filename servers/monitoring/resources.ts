/** The monitoring server's resources: health, alerts, metrics by name, workflows by id; all tell of changes. */
import { z } from 'zod';
import { unknownTarget } from '../../shared/request.ts';
import { defineResource, defineResourceTemplate, type Resource } from '../../shared/resource.ts';
import type { MonitoringDeps } from './deps.ts';
import { METRICS, type Metric, notesOn, toCurrent } from './figures.ts';
import { type HealthStatus, judge } from './health.ts';
import { MAX_NAME } from './series.ts';
import { alertView, iso, pastView, silenceView } from './view.ts';
import { workflowOf } from './workflow/workflow.ts';

const HISTORY = 50;
const SERIES_HISTORY_MS = 3_600_000;
const SERIES_POINT_MS = 30_000;
/** A workflow that is followed is told to be looked at again so often: the audit tells nobody of its records. */
const WORKFLOW_LOOK_MS = 5_000;

export function monitoringResources(deps: MonitoringDeps): readonly Resource[] {
  const { sampler, collector, series, alerts, router, nowMs } = deps;
  const metricOf = (name: string): Metric | undefined => METRICS.find((metric) => metric === name);
  return [
    defineResource({
      uri: 'monitoring://health',
      name: 'health',
      title: 'Health of this machine',
      description:
        'Whether CPU, memory and file systems are near their limits, and what to do. Updated when the status changes.',
      mimeType: 'application/json',
      async read() {
        const sample = await sampler.current();
        return { json: { at: iso(sample.atMs), ...judge(sample) } };
      },
      watch(onUpdate) {
        let last: HealthStatus | undefined;
        return sampler.watch((sample) => {
          const { status } = judge(sample);
          if (last !== undefined && status !== last) onUpdate();
          last = status;
        });
      },
    }),
    defineResource({
      uri: 'monitoring://alerts',
      name: 'alerts',
      title: 'Alerts',
      description: `What monitoring has noticed: alerts that are pending or firing with what to do, silences, and the last ${HISTORY} changes. Updated when an alert fires or is resolved.`,
      mimeType: 'application/json',
      async read() {
        const [all, silences, history] = await Promise.all([alerts.list(), alerts.silences(), alerts.history(HISTORY)]);
        return {
          json: { alerts: all.map(alertView), silences: silences.map(silenceView), history: history.map(pastView) },
        };
      },
      watch: (onUpdate) => alerts.onChange(onUpdate),
    }),
    defineResourceTemplate({
      uriTemplate: 'monitoring://metrics/{name}',
      variables: z.strictObject({ name: z.string().min(1).max(MAX_NAME) }),
      name: 'metrics',
      title: 'One metric',
      description: `The current figures of ${METRICS.join(', ')}; or one series by its name, such as router.calls_per_second, with its last hour. Updated with every sample, each five seconds.`,
      mimeType: 'application/json',
      completions: {
        name: (typed) => [...METRICS, ...series.names()].filter((name) => name.startsWith(typed)).slice(0, 100),
      },
      async read({ name }) {
        const metric = metricOf(name);
        const sample = await sampler.current();
        if (metric !== undefined) {
          const { processes } = collector;
          return { json: { ...toCurrent(sample, [metric], processes), notes: notesOn(sample, [metric], processes) } };
        }
        const latest = series.latest(name);
        if (latest === undefined && !series.names().includes(name))
          throw unknownTarget({ kind: 'resource', uri: `monitoring://metrics/${name}` });
        const now = nowMs();
        const { rows } = await series.read([name], now - SERIES_HISTORY_MS, now, SERIES_POINT_MS);
        const history = rows.map(({ atMs, values }) => ({ at: iso(atMs), value: values.get(name) ?? null }));
        return { json: { name, at: latest ? iso(latest.atMs) : null, value: latest?.value ?? null, history } };
      },
      watch: (onUpdate) => sampler.watch(onUpdate),
    }),
    defineResourceTemplate({
      uriTemplate: 'monitoring://workflows/{id}',
      variables: z.strictObject({ id: z.string().regex(/^[\w.:@/-]{1,128}$/) }),
      name: 'workflow',
      title: 'One workflow',
      description:
        'Where the time of a workflow went, as workflow_analyze tells it: steps, critical path, waits, failures. While it is subscribed to, told to be looked at again every five seconds.',
      mimeType: 'application/json',
      read: async ({ id }, { caller }) => ({
        json: await workflowOf(router, caller, {
          workflowId: id,
          sinceMs: undefined,
          untilMs: undefined,
          withMetrics: true,
        }),
      }),
      watch(onUpdate) {
        const timer = setInterval(onUpdate, WORKFLOW_LOOK_MS).unref();
        return () => clearInterval(timer);
      },
    }),
  ];
}
