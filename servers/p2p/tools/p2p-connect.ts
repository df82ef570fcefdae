/** The tool `p2p_connect` (N2). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { P2pDeps } from '../deps.ts';
import { addressSchema, connectPeer, peerSchema } from '../operations.ts';

export function p2pConnect({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'p2p_connect',
    title: 'Connect to a peer',
    description:
      'Connects to a peer by its multiaddr, or by its peer id when it was heard of or the DHT knows it. Ends an earlier ' +
      'p2p_disconnect. Comes back when the connection stands, or says why it does not.',
    input: z.strictObject({
      address: addressSchema.describe('A multiaddr such as /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW…, or a peer id'),
    }),
    output: peerSchema,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    handler: ({ address: target }) => ask(connectPeer, { target }),
  });
}
