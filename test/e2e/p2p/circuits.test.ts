/** Circuits between server processes of their own, through the MCP tools: opened, spoken over, answered, lost, hidden. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PeerProcess } from '../lib/peer-process.ts';
import { until } from '../lib/until.ts';

const openedSchema = z.looseObject({
  circuit_id: z.string(),
  status: z.literal('open'),
  relays: z.array(z.string()).length(3),
  diversity: z.enum(['full', 'operator', 'none']),
});
const betanetSchema = z.looseObject({
  betanet: z.looseObject({ circuits: z.number(), carried: z.number(), relays_known: z.number(), hidden: z.boolean() }),
});
const COUNT = 6;

describe('circuits between processes', () => {
  const peers: PeerProcess[] = [];
  const ids: string[] = [];

  beforeAll(async () => {
    const listen = { P2P_LISTEN: '/ip4/127.0.0.1/tcp/0' };
    const first = await PeerProcess.start({ env: listen });
    peers.push(first);
    const { addresses } = await first.status();
    const env = { ...listen, P2P_BOOTSTRAP: addresses.find((address) => address.includes('/tcp/')) ?? '' };
    peers.push(...(await Promise.all(Array.from({ length: COUNT - 1 }, () => PeerProcess.start({ env })))));
    for (const peer of peers) ids.push((await peer.status()).peer_id);
    for (const peer of peers) {
      await until('all relays are known', async () => (await betanet(peer)).relays_known === COUNT - 1, 60_000);
    }
  }, 90_000);
  afterAll(async () => {
    for (const peer of peers) await peer.remove();
  });

  const betanet = async (peer: PeerProcess) => betanetSchema.parse(await peer.call('p2p_status')).betanet;
  const open = async (peer: PeerProcess, to: string) =>
    openedSchema.parse(await peer.call('betanet_open_circuit', { to }));
  const newest = async (peer: PeerProcess) => (await peer.inbox({ kind: 'circuit' })).messages.at(-1);

  it('[N4] carries a message from tool to inbox over three relays, and the answer back', async () => {
    const [alice, bob] = [peers[1]!, peers[2]!];
    const { circuit_id, relays } = await open(alice, ids[2]!);
    expect(relays).not.toContain(ids[1]);
    expect(relays).not.toContain(ids[2]);
    const sent = await alice.call('betanet_send', { circuit_id, content: 'from nobody' });
    expect(sent).toMatchObject({ status: 'delivered', bytes: 11 });
    const message = await newest(bob);
    expect(message).toMatchObject({
      kind: 'circuit',
      content: 'from nobody',
      from: expect.stringMatching(/^circuit:/),
    });
    // Nothing in it says who wrote.
    expect(JSON.stringify(message)).not.toContain(ids[1]);
    const incoming = message!.from.slice('circuit:'.length);
    await bob.call('betanet_send', { circuit_id: incoming, content: 'to whoever it was' });
    expect(await newest(alice)).toMatchObject({ content: 'to whoever it was', from: `circuit:${circuit_id}` });
    for (const id of relays) expect((await betanet(peers[ids.indexOf(id)]!)).carried).toBeGreaterThan(0);

    const closed = await alice.call('betanet_close_circuit', { circuit_id });
    expect(closed).toMatchObject({ status: 'closed', messages_sent: 1, messages_received: 1 });
    await until('it is closed at the far end', async () => (await betanet(bob)).circuits === 0);
    await expect(alice.call('betanet_send', { circuit_id, content: 'x' })).rejects.toThrow('No such circuit is open');
  });

  it('[N4] is opened by one process of a data folder and used by another', async () => {
    const [alice, bob] = [peers[1]!, peers[2]!];
    const beside = await alice.again();
    try {
      const { circuit_id } = await open(beside, ids[2]!);
      await alice.call('betanet_send', { circuit_id, content: 'through the other' });
      expect(await newest(bob)).toMatchObject({ content: 'through the other' });
      await alice.call('betanet_close_circuit', { circuit_id });
    } finally {
      await beside.stop();
    }
  });

  it('[N4] reaches a receiver that shows nobody who it is', async () => {
    const [alice, bob] = [peers[1]!, peers[2]!];
    const { address } = z.looseObject({ address: z.string() }).parse(await bob.call('betanet_listen'));
    expect(address).not.toContain(ids[2]);
    // The meeting point was drawn; whoever it is cannot be the sender too.
    const sender = address.endsWith(ids[1]!) ? peers[3]! : alice;
    expect((await betanet(bob)).hidden).toBe(true);
    const { circuit_id } = await open(sender, address);
    await sender.call('betanet_send', { circuit_id, content: 'to somebody hidden' });
    expect(await newest(bob)).toMatchObject({ content: 'to somebody hidden' });
    expect(await bob.call('betanet_listen', { enabled: false })).toEqual({ address: null });
  });

  it('[N4] says so when a relay is killed, and a new circuit goes round it', async () => {
    const [alice, bob] = [peers[1]!, peers[2]!];
    const { circuit_id, relays } = await open(alice, ids[2]!);
    const victim = peers[ids.indexOf(relays[1]!)]!;
    await victim.kill();
    const lost = await alice
      .call('betanet_send', { circuit_id, content: 'lost' })
      .catch((error: Error) => error.message);
    expect(lost).toMatch(/ended before the message was acknowledged|No such circuit is open/);
    const again = await open(alice, ids[2]!);
    expect(again.relays).not.toContain(relays[1]);
    await alice.call('betanet_send', { circuit_id: again.circuit_id, content: 'round it' });
    expect(await newest(bob)).toMatchObject({ content: 'round it' });
  });
});
