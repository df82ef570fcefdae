/** Peers that break the rules, on real connections: limits hold, they are scored down, and honest ones notice nothing. */
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PROTOCOL } from '../../../../servers/p2p/bitchat/courier.ts';
import { discoverFogNodes, listPeers } from '../../../../servers/p2p/operations.ts';
import { RECORD_TOPIC } from '../../../../shared/p2p/announcements.ts';
import { framesOn } from '../../../../shared/p2p/frames.ts';
import { makeNodeKey } from '../../../../shared/p2p/key.ts';
import { makeLibp2p, type VillageLibp2p } from '../../../../shared/p2p/libp2p.ts';
import type { Stream } from '../../../../shared/p2p/node.ts';
import { sealRecord } from '../../../../shared/p2p/record.ts';
import { until } from '../../../e2e/lib/until.ts';
import { OwnPeer } from '../../../fixtures/p2p/own-peer.ts';

let victim: OwnPeer;
let honest: OwnPeer;
/** The bare library: none of our rules bind it. */
let attacker: VillageLibp2p;

beforeEach(async () => {
  victim = await OwnPeer.start();
  const parts = { listen: [], networkKey: undefined, mdns: false, quic: false, gater: {}, maxConnections: 10 };
  attacker = (await makeLibp2p({ key: makeNodeKey(), now: Date.now, ...parts })).libp2p;
  await attacker.start();
  honest = await OwnPeer.start([victim.address]);
  await until('the honest peer is there', async () => (await honest.connected()) > 0);
  await dial();
});
afterEach(async () => {
  await Promise.all([victim.remove(), honest.remove(), attacker.stop()]);
});

const dial = () => attacker.dial(multiaddr(victim.address));
const open = (): Promise<Stream> => attacker.dialProtocol(multiaddr(victim.address), PROTOCOL);

async function standing(): Promise<{ standing: number; connected: boolean } | undefined> {
  const { peers } = await victim.ask(listPeers, { connectedOnly: false, limit: 100 });
  return peers.find(({ peer_id }) => peer_id === attacker.peerId.toString());
}

async function honestGetsThrough(): Promise<void> {
  await honest.send(victim.peerId, 'still here');
  await until('the honest message arrived', async () => (await victim.contents()).includes('still here'));
}

it('[N3] a frame that says it is four gigabytes long is not waited for, and counts', async () => {
  const stream = await open();
  stream.send(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
  await until('it was scored down', async () => ((await standing())?.standing ?? 0) <= -15);
  await honestGetsThrough();
}, 40_000);

it('[N3] wrong signatures and nonsense end in a refusal: the connection is cut and no new one stands', async () => {
  const frames = framesOn(await open(), { maxBytes: 100_000, timeoutMs: 10_000 });
  for (let n = 0; n < 5; n += 1) {
    await frames.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(600, n)]));
  }
  await until('it is refused', async () => {
    const seen = await standing();
    return seen?.connected === false && seen.standing <= -90;
  });
  await dial().catch(() => undefined);
  await until('it is cut off again', async () => (await standing())?.connected === false);
  await honestGetsThrough();
}, 40_000);

it('[N3] a peer that sends without end and reads nothing costs no memory, and others get through', async () => {
  const before = process.memoryUsage().rss;
  const streams = await Promise.all([open(), open(), open()]);
  let sent = 0;
  for (const stream of streams) {
    stream.pause();
    for (let n = 0; n < 200 && stream.status === 'open'; n += 1) {
      try {
        stream.send(Buffer.concat([Buffer.from([0, 0, 2, 0, 3]), Buffer.alloc(511, 1)]));
        sent += 1;
      } catch {
        break;
      }
    }
  }
  expect(sent).toBeGreaterThan(10);
  await honestGetsThrough();
  await until('it was scored down', async () => ((await standing())?.standing ?? 0) <= -90);
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1_048_576);
}, 40_000);

it('[N3] a neighbour that takes streams and never answers keeps only its own messages waiting', async () => {
  await attacker.handle(PROTOCOL, () => undefined);
  const slow = await victim.send(attacker.peerId.toString(), 'for the silent one');
  expect(slow.status).not.toBe('delivered');
  const { status } = await victim.send(honest.peerId, 'for the other');
  expect(status).toBe('delivered');
  expect(await honest.contents()).toEqual(['for the other']);
}, 40_000);

it('[N5] a forged record is not believed nor passed on, and counts; one that no ping confirms is not offered', async () => {
  const other = makeNodeKey();
  const now = Date.now();
  const offer = {
    addresses: ['/ip4/127.0.0.1/tcp/1'],
    sequence: now,
    issuedAt: now,
    expiresAt: now + 60_000,
    cpu_cores: 64,
    memory_gb: 512,
    gpu: true,
    services: { 'fog-node': {} },
  };
  const forged = Buffer.from(sealRecord(other, offer));
  forged[3]! ^= 1;
  const { gossip } = attacker.services;
  await until('the attacker knows who listens', () => gossip.getSubscribers(RECORD_TOPIC).length > 0);
  await gossip.publish(RECORD_TOPIC, forged);
  await until('it was scored down', async () => ((await standing())?.standing ?? 0) <= -15);
  await gossip.publish(RECORD_TOPIC, sealRecord(other, offer));
  await until('the record of a node that is not there was heard', async () => {
    const { peers } = await victim.ask(listPeers, { connectedOnly: false, limit: 100 });
    return peers.some(({ peer_id, services }) => peer_id === other.peerId && services.includes('fog-node'));
  });
  const { available_nodes } = await victim.ask(discoverFogNodes, {
    minCpuCores: 1,
    minMemoryGb: 1,
    gpuRequired: false,
  });
  expect(available_nodes).toEqual([]);
}, 40_000);
