/** The P2P server's resources: how the node stands and who is there; both tell of changes (N6). */
import { defineResource, type Resource } from '../../shared/resource.ts';
import type { P2pDeps } from './deps.ts';
import { listPeers, MAX_PEERS_LISTED, status } from './operations.ts';

export function p2pResources({ ask, onChange }: P2pDeps): readonly Resource[] {
  return [
    defineResource({
      uri: 'p2p://status',
      name: 'p2p_status',
      title: 'State of the peer-to-peer node',
      description: 'What p2p_status tells. Updated when neighbours come or go, or the node moves to another process.',
      mimeType: 'application/json',
      read: async () => ({ json: await ask(status, {}) }),
      watch: (onUpdate) => onChange('status', onUpdate),
    }),
    defineResource({
      uri: 'p2p://peers',
      name: 'p2p_peers',
      title: 'Peers',
      description: `Up to ${MAX_PEERS_LISTED} peers, connected ones first. Updated when one comes, goes, or offers something else.`,
      mimeType: 'application/json',
      read: async () => ({ json: await ask(listPeers, { connectedOnly: false, limit: MAX_PEERS_LISTED }) }),
      watch: (onUpdate) => onChange('peers', onUpdate),
    }),
  ];
}
