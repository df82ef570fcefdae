/** The tool `p2p_announce`: how a server of this village offers a service under this node's name (N5). */
import { z } from 'zod';
import { detailsSchema, serviceNameSchema } from '../../../shared/p2p/capabilities.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { P2pDeps } from '../deps.ts';
import { announce, announcedSchema } from '../operations.ts';

export function p2pAnnounce({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'p2p_announce',
    title: 'Announce a service to the peers',
    description:
      'Adds a service to the signed record that all peers get of this node, such as fog-node with its cores and memory. It ' +
      'lapses unless it is announced again within ttl_seconds; 0 withdraws it. What comes back is what the node offers now.',
    input: z.strictObject({
      service: serviceNameSchema.max(48).describe('Such as fog-node'),
      details: detailsSchema.default({}).describe('Free fields of this service, at most 16'),
      cpu_cores: z.number().min(0).max(4_096).optional(),
      memory_gb: z.number().min(0).max(65_536).optional(),
      gpu: z.boolean().optional(),
      ttl_seconds: z.int().min(0).max(86_400).default(120),
    }),
    output: announcedSchema,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    handler: ({ service, details, cpu_cores: cpuCores, memory_gb: memoryGb, gpu, ttl_seconds: ttlSeconds }) =>
      ask(announce, { service, details, cpuCores, memoryGb, gpu, ttlSeconds }),
  });
}
