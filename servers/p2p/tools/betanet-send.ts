/** The tool `betanet_send` (N4). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import { circuitIdSchema, MAX_CIRCUIT_CONTENT, sendOnCircuit } from '../circuit-operations.ts';
import type { P2pDeps } from '../deps.ts';

export function betanetSend({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'betanet_send',
    title: 'Send on a circuit',
    description:
      'Sends a message over a circuit that you opened, or answers on one that came in: bitchat_inbox shows its messages with ' +
      'from circuit:CIRCUIT_ID. Returns when the far node has kept it. The receiver learns nothing of you but what you write.',
    input: z.strictObject({
      circuit_id: circuitIdSchema.describe('From betanet_open_circuit, or what stands behind circuit: in the inbox'),
      content: z.string().min(1).max(MAX_CIRCUIT_CONTENT),
    }),
    output: sendOnCircuit.result,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    handler: ({ circuit_id, content }, { caller }) =>
      ask(sendOnCircuit, { caller: caller.agentId, circuit_id, content }),
  });
}
