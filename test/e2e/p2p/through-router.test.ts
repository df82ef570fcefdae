/** The peers through the router: under its matrix, with its settings, and the addresses that others join by. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilListed } from '../lib/oracle.ts';
import { RawSession, textOf } from '../lib/raw-client.ts';
import { LAUNCHER, tokenFor, Village } from '../lib/village.ts';

let village: Village;

beforeAll(async () => {
  village = await Village.start({
    config: {
      mcpServers: { p2p: { command: 'node', args: [LAUNCHER, 'serve', 'p2p'] } },
      agents: { sage: { level: 'OPERATOR', role: 'developer' }, dave: { level: 'READ_ONLY', role: 'user' } },
    },
    env: { P2P_LISTEN: '/ip4/127.0.0.1/tcp/0', P2P_NETWORK_KEY: '0f'.repeat(32) },
  });
}, 60_000);
afterAll(async () => {
  await village.remove();
});

async function open(agent: string, more: Readonly<Record<string, string>>): Promise<RawSession> {
  const session = await RawSession.open(village.url, tokenFor(agent, more));
  await untilListed(session, 'p2p_status');
  return session;
}
const resultOf = (answer: Awaited<ReturnType<RawSession['call']>>) => JSON.parse(textOf(answer) ?? '');

it('[N2] [N5] an operator sees the node with the settings of the router, announces a fog node and finds it', async () => {
  const sage = await open('sage', { role: 'developer' });
  const status = resultOf(await sage.call('p2p_status', {}));
  expect(status).toMatchObject({ private_network: true, mdns: false, transports: { tcp: true, quic: false } });
  expect((await village.cli('p2p', 'address')).stdout).toBe(`${status.addresses[0]}\n`);

  const offer = { service: 'fog-node', cpu_cores: 4, memory_gb: 8, details: { zone: 'a' } };
  expect(resultOf(await sage.call('p2p_announce', offer))).toMatchObject({ services: { 'fog-node': { zone: 'a' } } });
  const find = async (min_cpu_cores: number) =>
    resultOf(await sage.call('discover_fog_nodes', { min_cpu_cores })).available_nodes;
  expect(await find(4)).toMatchObject([{ node_id: status.peer_id, cpu_cores: 4, memory_gb: 8, gpu: false }]);
  expect(await find(5)).toEqual([]);
  await sage.call('p2p_announce', { service: 'fog-node', ttl_seconds: 0 });
  expect(await find(4)).toEqual([]);
}, 60_000);

it('[M1] READ_ONLY looks, and neither connects, announces nor reads messages', async () => {
  const dave = await open('dave', { governance_level: 'READ_ONLY' });
  const names = await dave.names();
  expect(names).toContain('discover_fog_nodes');
  for (const name of [
    'p2p_connect',
    'p2p_disconnect',
    'p2p_announce',
    'bitchat_send',
    'bitchat_inbox',
    'p2p_broadcast',
  ]) {
    expect(names).not.toContain(name);
  }
}, 60_000);
