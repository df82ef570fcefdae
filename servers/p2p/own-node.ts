/** Composes what works on the node in the process that owns it. Only this process loads it. */
import path from 'node:path';
import type { Log } from '../../shared/log.ts';
import { loadNodeKey } from '../../shared/p2p/key.ts';
import { openNode } from '../../shared/p2p/open-node.ts';
import type { PeerSettings } from '../../shared/settings.ts';
import { createNetwork } from './network.ts';
import type { Served } from './owner/operation.ts';
import type { Change } from './owner/protocol.ts';

/** Peers that change together are told together. */
const TELL_EVERY_MS = 50;

export interface OwnNodeParts {
  readonly dataDir: string;
  readonly portsFile: string;
  readonly log: Log;
  readonly peers: PeerSettings;
  now(): number;
  tell(change: Change): void;
}

export interface OwnNodeServices {
  readonly operations: readonly Served[];
  close(): Promise<void>;
}

/** @throws IdentitySetupError, Error when the node cannot be started */
export async function openOwn({ dataDir, portsFile, log, peers, now, tell }: OwnNodeParts): Promise<OwnNodeServices> {
  const key = loadNodeKey(path.join(dataDir, 'p2p.key'));
  const node = await openNode({ key, ...peers, portsFile, log, now });
  let telling: NodeJS.Timeout | undefined;
  const endWatch = node.onPeerChange(() => {
    telling ??= setTimeout(() => {
      telling = undefined;
      tell('peers');
      tell('status');
    }, TELL_EVERY_MS);
  });
  const network = createNetwork({
    node,
    isPrivate: peers.networkKey !== undefined,
    mdns: peers.mdns,
    bitchat: () => ({ inbox: 0, waiting: 0, carried: 0 }),
  });
  return {
    operations: network.operations,
    async close() {
      endWatch();
      clearTimeout(telling);
      network.close();
      await node.close();
    },
  };
}
