/** The tool `p2p_status` (N2). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { P2pDeps } from '../deps.ts';
import { status, statusSchema } from '../operations.ts';

export function p2pStatus({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'p2p_status',
    title: 'State of the peer-to-peer node',
    description:
      'How this node stands: its peer id, the addresses others join by, which transports work, its neighbours with their ' +
      'latencies, messages that wait, and what does not work with what to do. Choose it first when peers or messages are missing.',
    input: z.strictObject({}),
    output: statusSchema,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    handler: () => ask(status, {}),
  });
}
