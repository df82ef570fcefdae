/** The P2P server's resources: how the node stands, who is there, what was received; all tell of changes (N6). */
import { defineResource, type Resource } from '../../shared/resource.ts';
import type { P2pDeps } from './deps.ts';
import { listPeers, MAX_PEERS_LISTED, readInbox, status } from './operations.ts';

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
    defineResource({
      uri: 'p2p://inbox',
      name: 'p2p_inbox',
      title: 'Inbox of messages from peers',
      description: 'The newest 50 messages and broadcasts, and how far own messages are. Updated with each of them.',
      mimeType: 'application/json',
      read: async () => ({ json: await ask(readInbox, { limit: 50 }) }),
      watch: (onUpdate) => onChange('inbox', onUpdate),
    }),
  ];
}
