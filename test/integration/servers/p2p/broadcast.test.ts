/** One broadcast to thirty-two real nodes of one process. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeMessageId } from '../../../../servers/p2p/bitchat/bitchat.ts';
import { readInbox, sendBroadcast } from '../../../../servers/p2p/operations.ts';
import { until } from '../../../e2e/lib/until.ts';
import { OwnPeer } from '../../../fixtures/p2p/own-peer.ts';

const NODES = 32;
const ROUNDS = 20;
let peers: OwnPeer[] = [];

beforeAll(async () => {
  const first = await OwnPeer.start();
  peers = [first];
  for (let n = 1; n < NODES; n += 1) peers.push(await OwnPeer.start([first.address]));
  await until(
    'everyone has some neighbours',
    async () => {
      for (const peer of peers) if ((await peer.connected()) < 4) return false;
      return true;
    },
    60_000,
  );
}, 120_000);
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.remove()));
});

it('[N5] reaches thirty-one others, each once, in time', async () => {
  const delays: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const content = `broadcast ${round}`;
    await peers[round % NODES]!.ask(sendBroadcast, {
      id: makeMessageId(),
      fromAgent: 'king',
      content,
      priority: 'high',
    });
  }
  const inboxes = await until(
    'all have all',
    async () => {
      const found = await Promise.all(peers.map((peer) => peer.ask(readInbox, { after: 0, limit: 200 })));
      const total = found.reduce((sum, { messages }) => sum + messages.length, 0);
      return total === ROUNDS * (NODES - 1) && found;
    },
    20_000,
  );
  for (const { messages } of inboxes) {
    const contents = messages.map(({ content }) => content);
    expect(new Set(contents).size).toBe(contents.length);
    for (const message of messages) delays.push(Date.parse(message.received_at) - Date.parse(message.sent_at));
  }
  delays.sort((a, b) => a - b);
  const p99 = delays[Math.floor(delays.length * 0.99)]!;
  console.log(`[N5] ${ROUNDS} broadcasts to ${NODES} nodes: p50 ${delays[delays.length >> 1]} ms, p99 ${p99} ms`);
  expect(p99).toBeLessThanOrEqual(1_000);
}, 60_000);
