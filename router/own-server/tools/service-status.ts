import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool } from '../../../shared/tool.ts';
import { serviceState as stateOf } from '../../health.ts';
import type { OwnServerDeps } from '../deps.ts';
import { serviceId, serviceState, shown } from './service-schema.ts';

export const serviceStatus = ({ router }: OwnServerDeps) =>
  defineTool({
    name: 'service_status',
    title: 'Status of a server',
    description:
      'Tells how one server is: its health, since when, why it is not healthy, what of its listing is withheld and why. Choose it when calls to that server fail or a tool is missing.',
    input: z.strictObject({ id: serviceId }),
    output: serviceState.extend({
      withheld: z
        .array(z.object({ list: z.string().max(20), name: z.string().max(300), why: z.string().max(300) }))
        .max(1_000)
        .describe('What the server lists and the router does not show'),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async ({ id }) => {
      const server = router.catalog.server(id);
      if (server === undefined)
        throw new AppError('INVALID_PARAMS', { text: `There is no server ${id}; service_list names all` });
      const withheld = router.catalog
        .view(undefined)
        .withheld.filter(({ serverId }) => serverId === id)
        .slice(0, 1_000)
        .map(({ list, name, why }) => ({ list, name: name.slice(0, 300), why }));
      return { ...shown(stateOf(server)), withheld };
    },
  });
