/** The resource of the servers behind the router: what `service_list` answers, told when the health of one changes, so that nobody has to ask again and again. */
import { defineResource, type Resource } from '../../../shared/resource.ts';
import { serviceState } from '../../health.ts';
import type { Router } from '../../router.ts';
import { shown } from '../tools/service-schema.ts';

export function servicesResource({ catalog, events }: Router): Resource {
  return defineResource({
    uri: 'village://services',
    name: 'services',
    title: 'Servers of the village',
    description:
      'The servers behind this router with their health, as service_list tells it. Updated when the health of one changes.',
    mimeType: 'application/json',
    read: async () => ({ json: { services: catalog.all().map((server) => shown(serviceState(server))) } }),
    watch: (onUpdate) => events.watch(onUpdate, ['server_health_changed']),
  });
}
