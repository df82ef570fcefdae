/** The P2P server: peers, messages and circuits (N1–N6). Made once per process from what it needs. */
import type { VillageServer } from '../../shared/village-server.ts';
import type { P2pDeps } from './deps.ts';
import { p2pPrompts } from './prompts.ts';
import { p2pResources } from './resources.ts';
import { p2pTools } from './tools/index.ts';

export function createServer(deps: P2pDeps): VillageServer {
  return {
    id: 'p2p',
    title: 'AIVillage P2P',
    version: '0.1.0',
    instructions:
      'Meets other villages and fog nodes without a centre. p2p_status says how this node stands and which addresses others ' +
      'join by, p2p_peers who is there, p2p_connect brings a peer. bitchat_send writes to one peer, also one that is off now; ' +
      'p2p_broadcast to all who listen; bitchat_inbox reads. betanet_open_circuit hides from the relays, and from the ' +
      'receiver, who speaks. discover_fog_nodes finds computing power that answers now.',
    tools: p2pTools(deps),
    resources: p2pResources(deps),
    prompts: p2pPrompts(deps),
    close: deps.close,
  };
}
