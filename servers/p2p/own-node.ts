/** Composes what works on the node in the process that owns it. Only this process loads it. */
import path from 'node:path';
import type { Log } from '../../shared/log.ts';
import { loadNodeKey } from '../../shared/p2p/key.ts';
import { openNode } from '../../shared/p2p/open-node.ts';
import type { CircuitSettings, PeerSettings } from '../../shared/settings.ts';
import { startBitchat } from './bitchat/bitchat.ts';
import { startBroadcasting } from './broadcast.ts';
import { startCircuits } from './circuits.ts';
import { messageOperations } from './messages.ts';
import { createNetwork } from './network.ts';
import type { Served } from './owner/operation.ts';
import type { Change } from './owner/protocol.ts';
import { openMessageStore } from './store/message-store.ts';

/** What changes together is told together. */
const TELL_EVERY_MS = 50;
const DAY_MS = 24 * 3_600_000;
/** Peers met in this time are dialled again after a restart. */
const MET_WITHIN_MS = 7 * DAY_MS;
const MAX_MET = 64;
/** How long the inbox keeps a message, and how many. */
const KEPT_MS = 30 * DAY_MS;
const MAX_INBOX = 20_000;
const PRUNE_EVERY_MS = 60_000;
/** As the settings' own defaults. */
const CIRCUITS: CircuitSettings = { relay: true, mixingMs: 5, coverPerSecond: 0, operator: undefined };

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
  const store = await openMessageStore(dataDir);
  const node = await openNode({ key, ...peers, portsFile, log, now }).catch(async (cause: unknown) => {
    await store.close();
    throw cause;
  });
  const gather = gatherer(tell);
  const changed = () => gather('inbox', 'status');
  const bitchat = await startBitchat({ node, key, store, changed });
  const broadcasting = startBroadcasting({ node, store, changed });
  const circuits = await startCircuits({ node, store, settings: peers.circuits ?? CIRCUITS, log, now, changed });

  for (const { peer, addresses, at } of store.met(now() - MET_WITHIN_MS, MAX_MET)) node.remember(peer, addresses, at);
  const endWatch = node.onPeerChange((peerId) => {
    gather('peers', 'status');
    const peer = node.peer(peerId);
    if (peer?.isConnected === true && peer.addresses.length > 0) store.putMet(peerId, peer.addresses, now());
  });
  const prune = (): void => store.prune(now(), { inbox: MAX_INBOX, forMs: KEPT_MS });
  const pruning = setInterval(prune, PRUNE_EVERY_MS);
  prune();

  const network = createNetwork({
    node,
    isPrivate: peers.networkKey !== undefined,
    mdns: peers.mdns,
    betanet: circuits.status,
    bitchat: () => ({
      inbox: store.inboxCount(),
      waiting: store.waiting(now()),
      carried: store.carriedForOthers().count,
    }),
  });
  return {
    operations: [
      ...network.operations,
      ...messageOperations({ bitchat, broadcasting, store, now }),
      ...circuits.operations,
    ],
    async close() {
      endWatch();
      clearInterval(pruning);
      gather.end();
      network.close();
      broadcasting.close();
      await circuits.close();
      await bitchat.close();
      await node.close();
      await store.close();
    },
  };
}

/** Tells of changes that come together once. */
function gatherer(tell: (change: Change) => void) {
  const gathered = new Set<Change>();
  let timer: NodeJS.Timeout | undefined;
  const gather = (...changes: Change[]): void => {
    for (const change of changes) gathered.add(change);
    timer ??= setTimeout(() => {
      timer = undefined;
      const told = [...gathered];
      gathered.clear();
      for (const change of told) tell(change);
    }, TELL_EVERY_MS);
  };
  return Object.assign(gather, { end: () => clearTimeout(timer) });
}
