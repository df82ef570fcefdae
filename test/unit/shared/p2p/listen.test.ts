import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { listenParts, planListening, rememberPorts } from '../../../../shared/p2p/listen.ts';

/** Free for TCP now, and as good as surely for UDP. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

it('[N1] takes another free port where the one asked for is taken, and says so', async () => {
  const other = net.createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as net.AddressInfo;
  const plan = await planListening([`/ip4/127.0.0.1/tcp/${port}`], undefined);
  other.close();
  expect(plan.addresses).toEqual(['/ip4/127.0.0.1/tcp/0']);
  expect(plan.faults).toEqual([expect.stringMatching(`tcp port ${port} is taken by another program.*P2P_LISTEN`)]);
});

it('[N1] says when an address is not there, and listens on the others', async () => {
  const plan = await planListening(['/ip4/192.0.2.200/tcp/4001', '/ip4/127.0.0.1/udp/0/quic-v1'], undefined);
  expect(plan.addresses).toEqual(['/ip4/127.0.0.1/udp/0/quic-v1']);
  expect(plan.faults).toEqual([expect.stringContaining('EADDRNOTAVAIL')]);
});

it('[N1] keeps a port that was given out, for the next start', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ports-'));
  const file = path.join(folder, 'ports');
  const [wanted] = (await planListening(['/ip4/127.0.0.1/tcp/0'], file)).addresses;
  expect(wanted).toBe('/ip4/127.0.0.1/tcp/0');
  const port = await freePort();
  rememberPorts(file, [`/ip4/127.0.0.1/tcp/${port}/p2p/x`, `/ip4/127.0.0.1/udp/${port}/quic-v1/p2p/x`]);
  const again = await planListening(['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/udp/0/quic-v1'], file);
  expect(again.addresses).toEqual([`/ip4/127.0.0.1/tcp/${port}`, `/ip4/127.0.0.1/udp/${port}/quic-v1`]);
  fs.rmSync(folder, { recursive: true });
});

it.each([
  '/ip4/127.0.0.1/tcp/70000',
  '/ip4/::1/tcp/1',
  '/ip6/127.0.0.1/tcp/1',
  '/ip4/127.0.0.1/udp/1',
  '/dns/x/tcp/1',
  '',
])('[N1] %j is nothing to listen on', (address) => {
  expect(listenParts(address)).toBeUndefined();
});
