import { z } from 'zod';
import { defineTool } from '../../../shared/tool.ts';
import type { OwnServerDeps } from '../deps.ts';
import { serviceId } from './service-schema.ts';

export const serviceRemove = ({ registry }: OwnServerDeps) =>
  defineTool({
    name: 'service_remove',
    title: 'Remove a server',
    description:
      'Removes a server that service_register added: it is stopped, calls in flight there end, its tools are no longer listed. Servers of the configuration file are not touched.',
    input: z.strictObject({ id: serviceId }),
    output: z.object({ id: z.string().max(64), removed: z.literal(true) }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    handler: async ({ id }) => {
      registry.remove(id);
      return { id, removed: true as const };
    },
  });
