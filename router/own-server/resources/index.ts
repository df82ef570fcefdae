/** The router's own resources, in the order in which they are listed. */
import { defineResource, type Resource } from '../../../shared/resource.ts';
import { METRICS_URI } from '../../metrics/metrics.ts';
import type { OwnServerDeps } from '../deps.ts';
import { callResources } from './calls.ts';
import { eventResources } from './events.ts';
import { matrixResource } from './matrix.ts';
import { servicesResource } from './services.ts';

export function ownResources(deps: OwnServerDeps): readonly Resource[] {
  const { router } = deps;
  return [
    ...eventResources(router),
    ...callResources(router),
    servicesResource(router),
    matrixResource(deps),
    defineResource({
      uri: METRICS_URI,
      name: 'metrics',
      title: 'Metrics of the router',
      description: 'What the router counts and measures, as Prometheus text: the same that GET /metrics answers.',
      mimeType: 'text/plain',
      read: async () => ({ text: await router.metrics.text() }),
    }),
  ];
}
