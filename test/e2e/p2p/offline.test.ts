/** Messages over crashes: of the recipient, and of the sender with a hundred of them queued. */
import { afterEach, expect, it } from 'vitest';
import { PeerProcess } from '../lib/peer-process.ts';
import { until } from '../lib/until.ts';

const MESSAGES = 100;
let nodes: PeerProcess[] = [];
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.remove()));
});

it('[N3] [N6] a message to a node that is off arrives within five seconds of its return; killing the sender loses and doubles none', async () => {
  let sender = await PeerProcess.start();
  let recipient = await PeerProcess.start({ env: { P2P_BOOTSTRAP: (await sender.status()).addresses.join() } });
  nodes = [sender, recipient];
  const { peer_id } = await recipient.status();
  await until('they met', async () => (await sender.status()).peers_connected === 1, 20_000);
  await recipient.kill();

  const numbers = Array.from({ length: MESSAGES }, (_, n) => `message ${n}`);
  await Promise.all(numbers.map((content) => sender.send(peer_id, content)));
  expect((await sender.status()).bitchat.waiting).toBe(MESSAGES);
  await sender.kill();

  [sender, recipient] = [await sender.again(), await recipient.again()];
  nodes = [sender, recipient];
  await recipient.status();
  const returned = performance.now();
  await sender.status();
  const contents = async () => (await recipient.inbox({ after: 0, limit: 200 })).messages.map(({ content }) => content);
  await until('all are there', async () => (await contents()).length >= MESSAGES, 60_000);
  const took = Math.round(performance.now() - returned);
  console.log(`[N3] ${MESSAGES} messages over two kills, ${took} ms after the return`);
  expect((await contents()).sort()).toEqual(numbers.sort());
  await until('the sender knows', async () => (await sender.status()).bitchat.waiting === 0, 30_000);

  await recipient.kill();
  await sender.send(peer_id, 'one more');
  recipient = await recipient.again();
  nodes = [sender, recipient];
  await recipient.status();
  await recipient.subscribe('p2p://inbox');
  const back = performance.now();
  await until('it arrived', async () => (await contents()).includes('one more'), 30_000);
  const ms = Math.round(performance.now() - back);
  console.log(`[N3] ${ms} ms from the return of the recipient to its message`);
  expect(ms).toBeLessThanOrEqual(5_000);
  if (!recipient.updates.includes('p2p://inbox')) {
    // It came before the subscription stood: the next one is told.
    await sender.send(peer_id, 'and another');
    await until('the subscriber was told', () => recipient.updates.includes('p2p://inbox'));
  }
  expect((await contents()).filter((content) => content === 'one more')).toHaveLength(1);
}, 180_000);
