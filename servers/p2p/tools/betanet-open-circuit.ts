/** The tool `betanet_open_circuit` (N4). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import { circuitTargetSchema, openCircuit } from '../circuit-operations.ts';
import type { P2pDeps } from '../deps.ts';

export function betanetOpenCircuit({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'betanet_open_circuit',
    title: 'Open a circuit to a peer',
    description:
      'Opens an encrypted way to a peer over three relays, none of which knows both ends. For messages whose sender nobody on the ' +
      'way, and not the receiver either, shall learn; bitchat_send is for all others and also reaches peers that are off. Then ' +
      'betanet_send, and betanet_close_circuit when done. Not audited: it does not hide from one who watches both ends.',
    input: z.strictObject({
      to: circuitTargetSchema.describe(
        'Peer id, from p2p_peers, or the address that a hidden receiver gave out: betanet:…@…',
      ),
    }),
    output: openCircuit.result,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    handler: ({ to }, { caller }) => ask(openCircuit, { caller: caller.agentId, to }),
  });
}
