/** Eight real nodes on one network without any address given to them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NetLab } from '../lib/net-lab.ts';
import { PeerProcess } from '../lib/peer-process.ts';
import { until } from '../lib/until.ts';

const NODES = 8;
const hosts = Array.from({ length: NODES }, (_, n) => `h${n}`);
let lab: NetLab | undefined;
let nodes: PeerProcess[] = [];

beforeAll(async () => {
  const made = NetLab.open();
  lab = made;
  made.network('lan');
  for (const [n, host] of hosts.entries()) {
    made.host(host);
    made.join(host, 'lan', `10.1.0.${n + 1}/24`);
    made.isolate(host, 'lan', true);
  }
  nodes = await Promise.all(
    hosts.map((host, n) =>
      PeerProcess.start({
        within: made.on(host),
        env: { P2P_MDNS: '1', P2P_LISTEN: `/ip4/10.1.0.${n + 1}/tcp/0,/ip4/10.1.0.${n + 1}/udp/0/quic-v1` },
      }),
    ),
  );
}, 120_000);
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.remove()));
  lab?.close();
});

it('[N1] [N6] eight nodes find each other by mDNS within five seconds, over QUIC, and subscribers are told', async () => {
  const before = await Promise.all(nodes.map((node) => node.status()));
  expect(before.map(({ peers_connected }) => peers_connected)).toEqual(hosts.map(() => 0));
  await nodes[0]!.subscribe('p2p://peers');
  const joined = performance.now();
  for (const host of hosts) lab?.isolate(host, 'lan', false);
  await until('each node is connected to all others', async () => {
    const counts = await Promise.all(nodes.map(async (node) => (await node.status()).peers_connected));
    return counts.every((count) => count === NODES - 1);
  });
  const took = Math.round(performance.now() - joined);
  console.log(`[N1] ${NODES} nodes met each other in ${took} ms`);
  expect(took).toBeLessThan(5_000);
  expect(nodes[0]!.updates).toContain('p2p://peers');
  const transports = (await nodes[0]!.peers()).map(({ transport }) => transport);
  expect(transports).toEqual(hosts.slice(1).map(() => 'quic'));
}, 60_000);
