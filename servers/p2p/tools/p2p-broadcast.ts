/** The tool `p2p_broadcast` (N5). */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { P2pDeps } from '../deps.ts';
import { PRIORITIES } from '../limits.ts';
import { sendBroadcast } from '../operations.ts';

export function p2pBroadcast({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'p2p_broadcast',
    title: 'Broadcast to all peers',
    description:
      'Sends a message to every node that is connected now, directly or through others; each gets it once in its inbox. ' +
      'Anybody in the network can read it, and who is away misses it: for one recipient choose bitchat_send. Of several that ' +
      'wait, the more urgent leave first.',
    input: z.strictObject({
      content: z.string().min(1).max(16_000),
      priority: z.enum(PRIORITIES).default('normal'),
    }),
    output: sendBroadcast.result,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    handler: ({ content, priority }, { caller }) =>
      ask(sendBroadcast, {
        id: randomBytes(16).toString('hex'),
        fromAgent: caller.agentId.slice(0, 128),
        content,
        priority,
      }),
  });
}
