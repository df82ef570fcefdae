/** The tool `betanet_close_circuit` (N4). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import { circuitIdSchema, closeCircuit } from '../circuit-operations.ts';
import type { P2pDeps } from '../deps.ts';

export function betanetCloseCircuit({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'betanet_close_circuit',
    title: 'Close a circuit',
    description:
      'Ends a circuit at both ends and at all its relays, whose keys for it are gone then. Unused circuits close by themselves. ' +
      'Returns what went over it.',
    input: z.strictObject({ circuit_id: circuitIdSchema.describe('From betanet_open_circuit, or from the inbox') }),
    output: closeCircuit.result,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    handler: ({ circuit_id }, { caller }) => ask(closeCircuit, { caller: caller.agentId, circuit_id }),
  });
}
