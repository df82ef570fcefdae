/** One broadcast to eight real nodes of one process. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeMessageId } from '../../../../servers/p2p/bitchat/bitchat.ts';
import { type Broadcasting, startBroadcasting } from '../../../../servers/p2p/broadcast.ts';
import { type MessageStore, openMessageStore } from '../../../../servers/p2p/store/message-store.ts';
import { makeNodeKey } from '../../../../shared/p2p/key.ts';
import type { P2pNode } from '../../../../shared/p2p/node.ts';
import { openNode } from '../../../../shared/p2p/open-node.ts';
import { until } from '../../../e2e/lib/until.ts';
import { silent } from '../../../fixtures/p2p/own-peer.ts';

interface Listener {
  readonly node: P2pNode;
  readonly store: MessageStore;
  readonly broadcasting: Broadcasting;
}

/** More in one process need a machine with nothing else to do: each signature is checked by each node. */
const NODES = 8;
const ROUNDS = 8;
const listeners: Listener[] = [];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'broadcast-'));

/** Joined to two that are there already, so that no node is next to more than a few others. */
async function start(n: number): Promise<Listener> {
  const store = await openMessageStore(path.join(folder, String(n)));
  const bootstrap = [n - 1, n >> 1].flatMap((other) => listeners[other]?.node.addresses()[0] ?? []);
  const node = await openNode({
    key: makeNodeKey(),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap,
    mdns: false,
    enoughNeighbours: 2,
    log: silent,
    now: Date.now,
  });
  return { node, store, broadcasting: startBroadcasting({ node, store, changed() {} }) };
}

beforeAll(async () => {
  for (let n = 0; n < NODES; n += 1) {
    const listener = await start(n);
    listeners.push(listener);
    if (n > 0) {
      await until('it has a neighbour', () => listener.node.peers().some(({ isConnected }) => isConnected), 30_000);
    }
  }
}, 120_000);
afterAll(async () => {
  for (const { node, store, broadcasting } of listeners) {
    broadcasting.close();
    await node.close();
    await store.close();
  }
  fs.rmSync(folder, { recursive: true });
});

it('[N5] reaches all others, each once, in time', async () => {
  // Until each has heard something the topic is still being joined, and what is sent is for those who are there.
  await until(
    'everyone listens',
    async () => {
      const ready = { id: makeMessageId(), fromAgent: 'king', content: 'ready?', priority: 'low' } as const;
      await listeners[0]!.broadcasting.send(ready);
      return listeners.slice(1).every(({ store }) => store.inboxCount() > 0);
    },
    30_000,
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    const content = `broadcast ${round}`;
    await listeners[round]!.broadcasting.send({ id: makeMessageId(), fromAgent: 'king', content, priority: 'high' });
  }
  const heard = ({ store }: Listener) => store.inbox(0, 200, 'broadcast').filter(({ content }) => content !== 'ready?');
  const total = () => listeners.reduce((sum, listener) => sum + heard(listener).length, 0);
  await until('all have all', () => total() === ROUNDS * (NODES - 1), 30_000);
  const delays: number[] = [];
  for (const listener of listeners) {
    const messages = heard(listener);
    expect(new Set(messages.map(({ content }) => content)).size).toBe(messages.length);
    for (const { receivedAt, sentAt } of messages) delays.push(receivedAt - sentAt);
  }
  expect(delays).toHaveLength(ROUNDS * (NODES - 1));
  delays.sort((a, b) => a - b);
  const p99 = delays[Math.floor(delays.length * 0.99)]!;
  console.log(`[N5] ${ROUNDS} broadcasts to ${NODES} nodes: p50 ${delays[delays.length >> 1]} ms, p99 ${p99} ms`);
  expect(p99).toBeLessThanOrEqual(1_000);
}, 90_000);
