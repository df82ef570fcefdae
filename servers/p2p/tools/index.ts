/** The P2P server's tools, in the order in which they are listed. */
import type { Tool } from '../../../shared/tool.ts';
import type { P2pDeps } from '../deps.ts';
import { betanetCloseCircuit } from './betanet-close-circuit.ts';
import { betanetListen } from './betanet-listen.ts';
import { betanetOpenCircuit } from './betanet-open-circuit.ts';
import { betanetSend } from './betanet-send.ts';
import { bitchatInbox } from './bitchat-inbox.ts';
import { bitchatSend } from './bitchat-send.ts';
import { discoverFogNodes } from './discover-fog-nodes.ts';
import { p2pAnnounce } from './p2p-announce.ts';
import { p2pBroadcast } from './p2p-broadcast.ts';
import { p2pConnect } from './p2p-connect.ts';
import { p2pDisconnect } from './p2p-disconnect.ts';
import { p2pPeers } from './p2p-peers.ts';
import { p2pStatus } from './p2p-status.ts';

export function p2pTools(deps: P2pDeps): readonly Tool[] {
  return [
    p2pStatus(deps),
    p2pPeers(deps),
    p2pConnect(deps),
    p2pDisconnect(deps),
    p2pAnnounce(deps),
    discoverFogNodes(deps),
    bitchatSend(deps),
    bitchatInbox(deps),
    p2pBroadcast(deps),
    betanetOpenCircuit(deps),
    betanetSend(deps),
    betanetCloseCircuit(deps),
    betanetListen(deps),
  ];
}
