/** A thousand peers in the table of a real process, put there as the network does it: by signed records over gossip. */
import fs from 'node:fs';
import { multiaddr } from '@multiformats/multiaddr';
import { afterAll, expect, it } from 'vitest';
import { RECORD_TOPIC } from '../../../shared/p2p/announcements.ts';
import { makeNodeKey } from '../../../shared/p2p/key.ts';
import { makeLibp2p, type VillageLibp2p } from '../../../shared/p2p/libp2p.ts';
import { sealRecord } from '../../../shared/p2p/record.ts';
import { PeerProcess } from '../lib/peer-process.ts';
import { until } from '../lib/until.ts';

const PEERS = 1_000;
const ASKED = 100;
let node: PeerProcess | undefined;
let teller: VillageLibp2p | undefined;
afterAll(async () => {
  await teller?.stop();
  await node?.remove();
});

it('[N2] lists a thousand peers in time, within its memory', async () => {
  const asked = await PeerProcess.start();
  node = asked;
  const { addresses } = await asked.status();
  const parts = { listen: [], networkKey: undefined, mdns: false, quic: false, gater: {}, maxConnections: 10 };
  const { libp2p } = await makeLibp2p({ key: makeNodeKey(), now: Date.now, ...parts });
  teller = libp2p;
  await libp2p.start();
  await libp2p.dial(multiaddr(addresses.find((address) => address.includes('/tcp/'))));
  const { gossip } = libp2p.services;
  await until('the node listens', () => gossip.getSubscribers(RECORD_TOPIC).length > 0);
  for (let n = 0; n < PEERS; n += 1) {
    const now = Date.now();
    const record = {
      addresses: [`/ip4/127.0.0.1/tcp/${1 + (n % 1_000)}`],
      sequence: now,
      issuedAt: now,
      expiresAt: now + 600_000,
      cpu_cores: 4,
      memory_gb: 8,
      gpu: false,
      services: { 'fog-node': { zone: 'a' } },
    };
    await gossip.publish(RECORD_TOPIC, sealRecord(makeNodeKey(), record));
  }
  await until('all are known', async () => (await asked.status()).peers_known >= PEERS, 30_000);

  const times: number[] = [];
  for (let n = 0; n < ASKED; n += 1) {
    const from = performance.now();
    await asked.call('p2p_peers', { limit: 100 });
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  const rss = Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${asked.pid}/status`, 'utf8'))?.[1]) / 1_024;
  expect(await asked.peers()).toHaveLength(PEERS);
  const p50 = times[ASKED >> 1]!;
  console.log(
    `[N2] p2p_peers with ${PEERS} peers: p50 ${p50.toFixed(1)} ms, p99 ${times.at(-2)!.toFixed(1)} ms, ${rss.toFixed(0)} MB`,
  );
  expect(p50).toBeLessThanOrEqual(50);
  expect(rss).toBeLessThanOrEqual(300);
}, 120_000);
