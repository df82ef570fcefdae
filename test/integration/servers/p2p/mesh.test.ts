/** BitChat between real nodes of one process: over neighbours, within its links, once, and unread on the way. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { readInbox } from '../../../../servers/p2p/operations.ts';
import { until } from '../../../e2e/lib/until.ts';
import { OwnPeer } from '../../../fixtures/p2p/own-peer.ts';

let peers: OwnPeer[] = [];
afterEach(async () => {
  await Promise.all(peers.map((peer) => peer.remove()));
  peers = [];
});

async function start(count: number): Promise<OwnPeer[]> {
  peers = await Promise.all(Array.from({ length: count }, () => OwnPeer.start()));
  return peers;
}

/** Each connected to the next alone. */
async function chain(count: number): Promise<OwnPeer[]> {
  const made = await start(count);
  for (const [n, peer] of made.entries()) for (const other of made.slice(n + 2)) await peer.avoid(other);
  for (const [n, peer] of made.slice(1).entries()) await peer.connect(made[n]!);
  return made;
}

it('[N3] passes as many links as it may, and not one more', async () => {
  const [first, , , , last] = await chain(5);
  await first!.send(last!.peerId, 'three links', { ttlHops: 3 });
  await first!.send(last!.peerId, 'four links', { ttlHops: 4 });
  await until('the message with four links is there', async () => (await last!.contents()).includes('four links'));
  // The shorter one went first over the same nodes: it would be there by now.
  expect(await last!.contents()).toEqual(['four links']);
}, 40_000);

it('[N3] arrives once over two ways, is confirmed end to end, and no neighbour can read it', async () => {
  const [alice, bob, one, two] = await start(4);
  await alice!.avoid(bob!);
  await one!.avoid(two!);
  for (const relay of [one!, two!]) {
    await relay.connect(alice!);
    await relay.connect(bob!);
  }
  const { message_id } = await alice!.send(bob!.peerId, 'a very private sentence');
  await until('the sender knows that it arrived', async () => {
    const { sent } = await alice!.ask(readInbox, { limit: 1 });
    return sent.some(({ message_id: id, status }) => id === message_id && status === 'delivered');
  });
  expect(await bob!.contents()).toEqual(['a very private sentence']);
  for (const relay of [one!, two!]) {
    for (const name of fs.readdirSync(relay.folder)) {
      const file = path.join(relay.folder, name);
      if (fs.statSync(file).isFile()) expect(fs.readFileSync(file).includes('private sentence')).toBe(false);
    }
  }
}, 40_000);

it('[N3] waits for a peer that is off, also on a neighbour when the sender has gone, and arrives once', async () => {
  const [alice, relay, bob] = await start(3);
  await relay!.connect(alice!);
  await relay!.connect(bob!);
  await bob!.stop();
  await until('bob is gone', async () => (await relay!.connected()) === 1);
  expect((await alice!.send(bob!.peerId, 'for later')).status).toBe('relayed');
  await alice!.stop();
  const back = await OwnPeer.start([], bob!.folder);
  peers = [relay!, back];
  const returned = performance.now();
  await until('it arrived', async () => (await back.contents()).length > 0);
  console.log(`[N3] ${Math.round(performance.now() - returned)} ms from the return to the message`);
  expect(await back.contents()).toEqual(['for later']);
  fs.rmSync(alice!.folder, { recursive: true });
}, 40_000);
