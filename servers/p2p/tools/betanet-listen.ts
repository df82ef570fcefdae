/** The tool `betanet_listen` (N4). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import { listenHidden } from '../circuit-operations.ts';
import type { P2pDeps } from '../deps.ts';

export function betanetListen({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'betanet_listen',
    title: 'Be reached at a hidden address',
    description:
      'Makes this node reachable without showing who or where it is: returns an address to give out, which others open a circuit ' +
      'to. The same address while enabled and the node runs; a new one after that. What comes is in bitchat_inbox.',
    input: z.strictObject({ enabled: z.boolean().default(true).describe('false takes the address away') }),
    output: listenHidden.result,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    handler: ({ enabled }) => ask(listenHidden, { enabled }),
  });
}
