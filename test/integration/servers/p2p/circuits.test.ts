/** Circuits over real libp2p streams on loopback TCP: what every relay could log, what is refused, what a stranger can do. */
import { peerIdFromString } from '@libp2p/peer-id';
import { afterEach, describe, expect, it } from 'vitest';
import { CELL_BYTES } from '../../../../servers/p2p/betanet/cell.ts';
import { PROTOCOL } from '../../../../servers/p2p/betanet/node-network.ts';
import { know, type LoopbackOptions, plainNode, startLoopbackPeers } from './lib/loopback-peers.ts';

const caller = 'sage';
const SECRET = 'the ferry leaves at four in the morning';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(options: Partial<LoopbackOptions> = {}) {
  const { peers, stop } = await startLoopbackPeers({ count: 6, ...options });
  stops.push(stop);
  const [alice, bob] = [peers[0]!, peers.at(-1)!];
  const peer = (id: string) => peers.find((each) => each.id === id)!;
  return { peers, alice, bob, peer };
}

describe('a circuit over libp2p', () => {
  it('[N4] leaves in the stream log of every relay neither both ends nor a word of what was said', async () => {
    const { alice, bob, peer } = await start();
    const { circuit_id, relays } = await alice.betanet.open({ caller, to: bob.id });
    await alice.betanet.send({ caller, circuit_id, content: SECRET.repeat(500) });
    await bob.betanet.send({ caller, circuit_id: bob.inbox[0]!.circuit_id, content: SECRET });
    expect(alice.inbox[0]?.content).toBe(SECRET);
    expect(bob.inbox[0]?.content).toBe(SECRET.repeat(500));

    const path = [alice.id, ...relays, bob.id];
    for (const [index, id] of relays.entries()) {
      const { log, seen } = peer(id);
      expect(log.length).toBeGreaterThan(10);
      expect(new Set(log.map(({ neighbour }) => neighbour))).toEqual(new Set([path[index], path[index + 2]]));
      const all = Buffer.concat(log.map(({ bytes }) => bytes));
      expect(all.length % CELL_BYTES).toBe(0);
      const strangers = path.filter((_, at) => Math.abs(at - (index + 1)) > 1);
      for (const text of [SECRET, alice.id, ...strangers]) expect(all.includes(text)).toBe(false);
      // Behind its own layer too: it finds the hop after it, and nothing of those farther on.
      expect(seen.length).toBeGreaterThan(20);
      const layers = Buffer.concat(seen);
      expect(layers.includes(path[index + 2]!)).toBe(true);
      for (const text of [SECRET, alice.id, ...strangers]) expect(layers.includes(text)).toBe(false);
    }
    const ends = [alice.log, bob.log].map((log) => new Set(log.map(({ neighbour }) => neighbour)));
    expect(ends).toEqual([new Set([relays[0]]), new Set([relays[2]])]);
  });

  const flip = (bytes: Buffer): Buffer => {
    bytes[1_000]! ^= 0x10;
    return bytes;
  };
  const cell = (bytes: Buffer, at: number) => bytes.subarray(at * CELL_BYTES, (at + 1) * CELL_BYTES);
  it.each([
    ['flips', flip],
    ['drops', (bytes: Buffer) => bytes.subarray(CELL_BYTES)],
    ['replays', (bytes: Buffer) => Buffer.concat([cell(bytes, 0), bytes])],
    ['reorders', (bytes: Buffer) => Buffer.concat([cell(bytes, 1), cell(bytes, 0), bytes.subarray(2 * CELL_BYTES)])],
  ])('[N4] refuses what a relay %s at the next honest hop', async (_, change) => {
    const bad = { from: '', to: '', changed: 0 };
    const { alice, bob, peer } = await start({
      tamper({ from, to, bytes }) {
        if (from !== bad.from || to !== bad.to || bad.changed > 0 || bytes.length < 2 * CELL_BYTES) return bytes;
        bad.changed += 1;
        return change(bytes);
      },
    });
    const { circuit_id, relays } = await alice.betanet.open({ caller, to: bob.id });
    bad.from = relays[0]!;
    bad.to = relays[1]!;
    const sending = alice.betanet.send({ caller, circuit_id, content: SECRET.repeat(500) });
    await expect(sending).rejects.toThrow('The circuit ended before the message was acknowledged');
    expect(bad.changed).toBe(1);
    expect(bob.inbox).toEqual([]);
    expect((await peer(relays[1]!).betanet.status({ caller })).relaying.endedBy).toMatchObject({ integrity: 1 });
    // The relay behind the honest one was reached by none of it.
    expect((await peer(relays[2]!).betanet.status({ caller })).relaying.endedBy).toEqual({ integrity: 1 });
  });

  it('[N4] carries megabytes, whole, and fast enough to be used', async () => {
    const { alice, bob } = await start({ isLogged: false });
    const started = performance.now();
    const { circuit_id } = await alice.betanet.open({ caller, to: bob.id });
    await alice.betanet.send({ caller, circuit_id, content: 'first' });
    // The goals are 300 ms and 5 MB/s on a machine at rest (test/bench/circuits.ts); here others are at work too, and a stall is what shows.
    expect(performance.now() - started).toBeLessThan(3_000);
    const large = Array.from({ length: 100_000 }, (_, i) => `${i}`.padStart(10, '.')).join('');
    const sendingAt = performance.now();
    await Promise.all([1, 2, 3].map(() => alice.betanet.send({ caller, circuit_id, content: large })));
    expect(performance.now() - sendingAt).toBeLessThan(20_000);
    expect(bob.inbox.slice(1).every(({ content }) => content === large)).toBe(true);
    expect(bob.inbox).toHaveLength(4);
  });

  it('[N4] tells the sender when a relay dies, and the next circuit goes round it', async () => {
    const { alice, bob, peer } = await start();
    const { circuit_id, relays } = await alice.betanet.open({ caller, to: bob.id });
    await alice.betanet.send({ caller, circuit_id, content: 'while it lives' });
    await peer(relays[1]!).libp2p.stop();
    await expect
      .poll(() => alice.betanet.send({ caller, circuit_id, content: 'after' }).catch(({ message }: Error) => message))
      .toMatch('No such circuit');
    const again = await alice.betanet.open({ caller, to: bob.id });
    expect(again.relays).not.toContain(relays[1]);
    await alice.betanet.send({ caller, circuit_id: again.circuit_id, content: 'round it' });
    expect(bob.inbox.at(-1)?.content).toBe('round it');
  });

  it('[N4] reaches a hidden receiver, which is a neighbour of neither the sender nor the meeting point', async () => {
    const { alice, bob, peer, peers } = await start({ count: 7 });
    const { address } = await bob.betanet.listen({ enabled: true });
    const meeting = address!.split('@')[1]!;
    const sender = meeting === alice.id ? peers[1]! : alice;
    for (const { seen } of peers) seen.length = 0;
    const { circuit_id } = await sender.betanet.open({ caller, to: address! });
    await sender.betanet.send({ caller, circuit_id, content: SECRET });
    expect(bob.inbox[0]?.content).toBe(SECRET);
    for (const { seen } of peers) expect(Buffer.concat(seen).includes(SECRET)).toBe(false);
    expect(Buffer.concat(peer(meeting).seen).includes(bob.id)).toBe(false);
    expect(Buffer.concat(peer(meeting).seen).includes(sender.id)).toBe(false);
  });
});

describe('a stranger on libp2p', () => {
  async function stranger(to: Awaited<ReturnType<typeof start>>['alice']) {
    const node = await plainNode();
    stops.unshift(async () => void (await node.stop()));
    await know(node, to.libp2p);
    return async () => await node.dialProtocol(peerIdFromString(to.id), PROTOCOL, { maxOutboundStreams: 2_000 });
  }

  it('[N4] that sends frames far too large, or none, or opens streams without end, harms nobody else', async () => {
    const { alice, bob, peers } = await start({ settings: { circuitsPerPeer: 16, burstPerPeer: 32 } });
    const victim = peers[1]!;
    const open = await stranger(victim);
    const huge = await open();
    const isOver = new Promise<void>((resolve) => huge.addEventListener('close', () => resolve(), { once: true }));
    // What is not sent by then is refused with the stream.
    for (let i = 0; i < 64 && huge.status === 'open'; i++) huge.send(Buffer.alloc(262_144, 0xff));
    await isOver;
    expect(victim.offences).toContainEqual({ peer: expect.any(String), offence: 'malformed' });
    await Promise.all(Array.from({ length: 100 }, () => open().catch(() => undefined)));
    await expect
      .poll(async () => (await victim.betanet.status({ caller })).relaying.refused)
      .toBeGreaterThanOrEqual(100 - 32);
    expect((await victim.betanet.status({ caller })).relaying.circuits).toBeLessThanOrEqual(16);

    for (let i = 0; i < 5; i++) {
      const { circuit_id } = await alice.betanet.open({ caller, to: bob.id });
      await alice.betanet.send({ caller, circuit_id, content: `unharmed ${i}` });
    }
    expect(bob.inbox).toHaveLength(5);
    expect(peers.flatMap(({ reports }) => reports)).toEqual([]);
  });
});
