/** Several processes on one data folder are one node; what goes wrong at its start is said, and its tools still answer. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { NetLab } from '../lib/net-lab.ts';
import { PeerProcess } from '../lib/peer-process.ts';
import { until } from '../lib/until.ts';
import { runCli } from '../lib/village.ts';

const started: PeerProcess[] = [];
let lab: NetLab | undefined;
async function start(options?: Parameters<typeof PeerProcess.start>[0]): Promise<PeerProcess> {
  const peer = await PeerProcess.start(options);
  started.push(peer);
  return peer;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((peer) => peer.remove()));
  lab?.close();
  lab = undefined;
});

it('[N1] two processes on one folder share one node, and the other takes it over when its owner is killed', async () => {
  const first = await start();
  const before = await first.status();
  const second = await start({ folder: first.folder });
  expect(await second.status()).toMatchObject({
    peer_id: before.peer_id,
    owner_pid: first.pid,
    addresses: before.addresses,
  });
  const files = (name: string) => fs.statSync(path.join(first.folder, 'data', name)).mode & 0o777;
  expect(['p2p.sock', 'p2p.key', 'p2p.owner', 'p2p.db'].map(files)).toEqual([0o600, 0o600, 0o600, 0o600]);
  const joined = await runCli(['p2p', 'address'], {
    PATH: process.env.PATH,
    AIVILLAGE_DATA_DIR: path.join(first.folder, 'data'),
  });
  expect(joined.stdout).toBe(`${before.addresses.find((address) => address.includes('/tcp/'))}\n`);

  await second.subscribe('p2p://status');
  await first.kill();
  const after = await second.status();
  expect(after).toMatchObject({ peer_id: before.peer_id, owner_pid: second.pid });
  expect(after.addresses).toEqual(before.addresses);
  await until('the subscriber was told', () => second.updates.includes('p2p://status'));
}, 120_000);

it('[N1] says where no node runs', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'no-peer-'));
  const { code, stderr } = await runCli(['p2p', 'address'], { PATH: process.env.PATH, AIVILLAGE_DATA_DIR: folder });
  expect([code, stderr]).toEqual([1, expect.stringContaining('No peer-to-peer node runs on this data folder')]);
  fs.rmSync(folder, { recursive: true });
}, 60_000);

it('[N1] without any network interface up it says so, and still serves its tools', async () => {
  lab = NetLab.open();
  lab.darkHost('dark');
  const peer = await start({ within: lab.on('dark'), env: { P2P_MDNS: '1' } });
  const { faults, peers_connected } = await peer.status();
  expect(faults.join(' ')).toContain('No network interface is up');
  expect(peers_connected).toBe(0);
  expect(await peer.peers()).toEqual([]);
}, 90_000);

it('[N1] without the binary of QUIC it says so and uses TCP', async () => {
  const hook = new URL('../../fixtures/p2p/without-quic.ts', import.meta.url).href;
  const [plain, other] = await Promise.all([start({ nodeArgs: ['--import', hook] }), start()]);
  const { faults, transports } = await plain.status();
  expect(transports).toMatchObject({ tcp: true, quic: false });
  expect(faults.join(' ')).toContain('QUIC is not there for this platform, so TCP is used alone');
  const { addresses } = await other.status();
  expect(
    await plain.call('p2p_connect', { address: addresses.find((address) => address.includes('/tcp/')) }),
  ).toMatchObject({
    connected: true,
    transport: 'tcp',
  });
}, 90_000);

it('[N1] uses QUIC where both sides have it, and says when a port is taken', async () => {
  const first = await start();
  const { addresses, peer_id } = await first.status();
  const port = /\/tcp\/(\d+)/.exec(addresses.join())?.[1] ?? '';
  const second = await start({ env: { P2P_LISTEN: `/ip4/127.0.0.1/tcp/${port}`, P2P_BOOTSTRAP: addresses.join() } });
  const { faults, transports } = await second.status();
  expect(faults.join(' ')).toContain(`The tcp port ${port} is taken by another program`);
  expect(transports).toMatchObject({ tcp: true });
  await until('they are connected', async () => (await second.status()).peers_connected === 1);
  expect(await second.call('p2p_disconnect', { peer_id })).toEqual({ disconnected: true });
  const quic = addresses.find((address) => address.includes('/quic-v1'));
  expect(await second.call('p2p_connect', { address: quic })).toMatchObject({ connected: true, transport: 'quic' });
}, 90_000);
