import { z } from 'zod';
import { defineTool } from '../../../shared/tool.ts';
import { serviceState as stateOf } from '../../health.ts';
import type { OwnServerDeps } from '../deps.ts';
import { serviceState, shown } from './service-schema.ts';

export const serviceList = ({ router }: OwnServerDeps) =>
  defineTool({
    name: 'service_list',
    title: 'List servers',
    description:
      'Lists the servers behind this router with their health. Choose it to see what is there, or when a tool reports that its server is not available. Returns one entry for each server.',
    input: z.strictObject({}),
    output: z.object({ services: z.array(serviceState).max(10_000) }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async () => ({ services: router.catalog.all().map((server) => shown(stateOf(server))) }),
  });
