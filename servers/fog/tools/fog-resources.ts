/** The tool `fog_resources` (F4). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { WorkDeps } from '../deps.ts';
import { readResources, resourcesSchema } from '../work/resources-view.ts';

export function fogResources(deps: WorkDeps): Tool {
  return defineTool({
    name: 'fog_resources',
    title: 'Fog resources',
    description:
      'Shows the nodes that joined: what each offers, what placed work holds of it, what it measures of itself (load, free memory, ' +
      'latency), its price and what it may run; the sums, and what waits. discover_fog_nodes finds nodes among all peers; these are ' +
      'the ones that take work from here.',
    input: z.strictObject({ include_gone: z.boolean().default(false).describe('Also nodes that were lost or left') }),
    output: resourcesSchema,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async ({ include_gone }) => readResources(deps, include_gone),
  });
}
