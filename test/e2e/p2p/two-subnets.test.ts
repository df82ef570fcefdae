/** Two networks that only one node is in: peers meet through it, also after the cable was out. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NetLab } from '../lib/net-lab.ts';
import { PeerProcess } from '../lib/peer-process.ts';
import { until } from '../lib/until.ts';

let lab: NetLab | undefined;
let alice: PeerProcess;
let relay: PeerProcess;
let bob: PeerProcess;
const nodes: PeerProcess[] = [];

beforeAll(async () => {
  const made = NetLab.open();
  lab = made;
  for (const network of ['one', 'two']) made.network(network);
  for (const host of ['alice', 'relay', 'bob']) made.host(host);
  made.join('alice', 'one', '10.1.0.2/24');
  made.join('relay', 'one', '10.1.0.1/24');
  made.join('relay', 'two', '10.2.0.1/24');
  made.join('bob', 'two', '10.2.0.2/24');
  const listen = (...addresses: string[]) =>
    addresses.map((address) => `/ip4/${address}/tcp/4001,/ip4/${address}/udp/4001/quic-v1`).join(',');
  relay = await PeerProcess.start({ within: made.on('relay'), env: { P2P_LISTEN: listen('10.1.0.1', '10.2.0.1') } });
  nodes.push(relay);
  const { peer_id } = await relay.status();
  const join = (address: string, by: string) => ({
    P2P_LISTEN: listen(address),
    P2P_BOOTSTRAP: `/ip4/${by}/tcp/4001/p2p/${peer_id}`,
  });
  [alice, bob] = await Promise.all([
    PeerProcess.start({ within: made.on('alice'), env: join('10.1.0.2', '10.1.0.1') }),
    PeerProcess.start({ within: made.on('bob'), env: join('10.2.0.2', '10.2.0.1') }),
  ]);
  nodes.push(alice, bob);
}, 120_000);
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.remove()));
  lab?.close();
});

it('[N1] peers of two networks are connected through the relay between them', async () => {
  const bobId = (await bob.status()).peer_id;
  const connected = await until(
    'alice is connected to bob',
    async () => (await alice.peers()).find(({ peer_id, connected }) => peer_id === bobId && connected),
    40_000,
  );
  expect(connected.transport).toBe('relay');
  expect((await bob.status()).transports).toMatchObject({ relay: true });
}, 60_000);

it('[N3] a message crosses from one network to the other', async () => {
  const bobId = (await bob.status()).peer_id;
  await alice.send(bobId, 'over the relay');
  await until('it arrived', async () =>
    (await bob.inbox()).messages.some(({ content }) => content === 'over the relay'),
  );
}, 40_000);

it('[N3] what was sent while the cable was out arrives after it is back, once', async () => {
  const bobId = (await bob.status()).peer_id;
  lab?.cable('bob', 'two', 'down');
  const { status, message_id } = await alice.send(bobId, 'across the gap');
  expect(status).not.toBe('delivered');
  lab?.cable('bob', 'two', 'up');
  const healed = performance.now();
  const of = async () => (await bob.inbox()).messages.filter(({ content }) => content === 'across the gap');
  await until('it arrived', async () => (await of()).length > 0, 30_000);
  console.log(`[N3] ${Math.round(performance.now() - healed)} ms from the healed partition to the message`);
  await until(
    'alice knows',
    async () =>
      (await alice.inbox()).sent.some((sent) => sent.message_id === message_id && sent.status === 'delivered'),
    30_000,
  );
  expect(await of()).toHaveLength(1);
}, 90_000);
