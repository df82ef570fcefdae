/** The tool `p2p_disconnect` (N2). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { P2pDeps } from '../deps.ts';
import { disconnectPeer, peerIdSchema } from '../operations.ts';

export function p2pDisconnect({ ask }: P2pDeps): Tool {
  return defineTool({
    name: 'p2p_disconnect',
    title: 'Disconnect a peer',
    description:
      'Ends the connections to a peer and refuses it for a minute, so that neither side dials again at once. Messages for it ' +
      'are kept. p2p_connect ends the refusal.',
    input: z.strictObject({ peer_id: peerIdSchema.describe('From p2p_peers') }),
    output: z.object({ disconnected: z.boolean().describe('False when it was not connected') }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    async handler({ peer_id: peerId }) {
      return { disconnected: (await ask(disconnectPeer, { peerId })).wasConnected };
    },
  });
}
