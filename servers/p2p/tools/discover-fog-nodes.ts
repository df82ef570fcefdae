/** The tool `discover_fog_nodes` (N5). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { P2pDeps } from '../deps.ts';
import { discoverFogNodes as discover } from '../operations.ts';

export function discoverFogNodes({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'discover_fog_nodes',
    title: 'Discover fog nodes',
    description:
      'Finds the peers that offer to run shards and jobs, have at least what is asked, and answer now: each is asked for this ' +
      'answer, so a node that went away is not in it. Nearest first. What a node says it has is its own claim, signed.',
    input: z.strictObject({
      min_cpu_cores: z.number().min(0).max(4_096).default(0),
      min_memory_gb: z.number().min(0).max(65_536).default(0),
      gpu_required: z.boolean().default(false),
    }),
    output: discover.result,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    handler: ({ min_cpu_cores: minCpuCores, min_memory_gb: minMemoryGb, gpu_required: gpuRequired }) =>
      ask(discover, { minCpuCores, minMemoryGb, gpuRequired }),
  });
}
