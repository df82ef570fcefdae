/** The tool `bitchat_send` (N3). */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { P2pDeps } from '../deps.ts';
import { peerIdSchema, sendMessage } from '../operations.ts';

export function bitchatSend({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'bitchat_send',
    title: 'Send a message to a peer',
    description:
      'Sends a message to one peer, encrypted so that only its node can read it. When the peer is off, the message is kept here ' +
      'and by neighbours and arrives once when it is back. status: delivered (its node has it), relayed (neighbours carry it) or ' +
      'queued (it waits here); bitchat_inbox shows later what became of it.',
    input: z.strictObject({
      to: peerIdSchema.describe('Peer id of the recipient, from p2p_peers'),
      content: z.string().min(1).max(60_000),
      ttl_hops: z.int().min(1).max(7).default(7).describe('Links from node to node that it may pass; 1: only directly'),
      expires_seconds: z.int().min(1).max(604_800).default(86_400).describe('After this nobody delivers it any more'),
    }),
    output: sendMessage.result,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    handler: ({ to, content, ttl_hops: ttlHops, expires_seconds: expiresSeconds }, { caller }) =>
      ask(sendMessage, {
        id: randomBytes(16).toString('hex'),
        to,
        fromAgent: caller.agentId.slice(0, 128),
        content,
        ttlHops,
        expiresSeconds,
      }),
  });
}
