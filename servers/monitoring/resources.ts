/** The monitoring server's resources: the machine's health, and each metric by name; both tell of changes. */
import { z } from 'zod';
import { completeFrom } from '../../shared/completion.ts';
import { defineResource, defineResourceTemplate, type Resource } from '../../shared/resource.ts';
import type { MonitoringDeps } from './deps.ts';
import { METRICS, metricSchema, notesOn, toCurrent } from './figures.ts';
import { type HealthStatus, judge } from './health.ts';

export function monitoringResources({ sampler }: MonitoringDeps): readonly Resource[] {
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
        return { json: { at: new Date(sample.atMs).toISOString(), ...judge(sample) } };
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
    defineResourceTemplate({
      uriTemplate: 'monitoring://metrics/{name}',
      variables: z.strictObject({ name: metricSchema }),
      name: 'metrics',
      title: 'One metric of this machine',
      description: `The current figures of one metric (${METRICS.join(', ')}). Updated with every sample, each five seconds.`,
      mimeType: 'application/json',
      completions: { name: completeFrom(METRICS) },
      async read({ name }) {
        const sample = await sampler.current();
        return { json: { ...toCurrent(sample, [name]), notes: notesOn(sample, [name]) } };
      },
      watch: (onUpdate) => sampler.watch(onUpdate),
    }),
  ];
}
