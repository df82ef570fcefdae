/** Composes the P2P server from the data folder and the real clock: one node for all processes on the folder. */
import path from 'node:path';
import { AppError } from '../../shared/errors.ts';
import type { PeerSettings } from '../../shared/settings.ts';
import type { OpenServer, ServerEnvironment } from '../index.ts';
import { askBy } from './owner/operation.ts';
import type { Change } from './owner/protocol.ts';
import { type OwnNode, openSharedNode } from './owner/shared-node.ts';
import { createServer } from './server.ts';

/** This machine only: what a server does that was told nothing of peers. */
const ALONE: PeerSettings = {
  listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/udp/0/quic-v1'],
  bootstrap: [],
  networkKey: undefined,
  mdns: false,
};

export const open: OpenServer = async (environment) => {
  const { dataDir, log } = environment;
  const shared = openSharedNode({ dataDir, log, open: (tell) => openOwnNode(environment, tell) });
  return createServer({
    ask: askBy(shared.call),
    onChange: (wanted, listener) => shared.onChange((change) => change === wanted && listener()),
    close: shared.close,
  });
};

async function openOwnNode(environment: ServerEnvironment, tell: (change: Change) => void): Promise<OwnNode> {
  // Loaded only by the process that owns the node: the others answer without it.
  const { openOwn } = await import('./own-node.ts');
  const { dataDir, log, peers = ALONE } = environment;
  const own = await openOwn({ dataDir, log, peers, now: Date.now, tell, portsFile: path.join(dataDir, 'p2p.ports') });
  const operations = new Map(own.operations);
  return {
    async call(operation, args) {
      const run = operations.get(operation);
      if (run === undefined) {
        throw new AppError('CONFLICT', {
          text: 'The process that owns the peer-to-peer node is of another version; restart all hosts on this data folder',
        });
      }
      return run(args);
    },
    close: own.close,
  };
}
