/** The tool `p2p_peers` (N2). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { P2pDeps } from '../deps.ts';
import { listPeers, MAX_PEERS_LISTED, peersSchema } from '../operations.ts';

export function p2pPeers({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'p2p_peers',
    title: 'Peers',
    description:
      'The peers that this node has met or heard of: connected or not, over what, how far away, what they offer. Connected ones ' +
      'come first. Choose it for a peer id to write to; choose discover_fog_nodes for computing power.',
    input: z.strictObject({
      connected_only: z.boolean().default(false).describe('Leave out peers that are not connected now'),
      service: z.string().max(48).optional().describe('Only peers that offer this service, such as betanet-relay'),
      limit: z.int().min(1).max(MAX_PEERS_LISTED).default(100),
    }),
    output: peersSchema,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    handler: ({ connected_only: connectedOnly, service, limit }) => ask(listPeers, { connectedOnly, service, limit }),
  });
}
