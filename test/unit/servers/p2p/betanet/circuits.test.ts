/** Circuits between peers in one process, their wires logged and tampered with: what each relay sees, and what it refuses. */
import { afterEach, describe, expect, it } from 'vitest';
import { CELL_BYTES } from '../../../../../servers/p2p/betanet/cell.ts';
import { startVillage } from './lib/village.ts';
import type { Written } from './lib/wire.ts';

const NAMES = ['alice', 'r1', 'r2', 'r3', 'r4', 'bob'];
const caller = 'sage';
const SECRET = 'the pass-phrase is under the third stone';

let village: Awaited<ReturnType<typeof startVillage>>;
afterEach(() => village.stop());

/** The writes that a peer took part in. */
const at = (log: readonly Written[], peer: string) => log.filter(({ from, to }) => from === peer || to === peer);

async function openTo(to: string, settings = {}) {
  village = await startVillage({ names: NAMES, settings });
  const alice = village.peer('alice');
  const opened = await alice.betanet.open({ caller, to });
  return { alice, opened, bob: village.peer('bob') };
}

describe('a circuit', () => {
  it('[N4] carries a message over three relays, and its answer back', async () => {
    const { alice, opened, bob } = await openTo('bob');
    expect(opened).toMatchObject({ status: 'open', diversity: 'full' });
    expect(new Set(opened.relays).size).toBe(3);
    expect(opened.relays).not.toContain('alice');
    expect(opened.relays).not.toContain('bob');

    const sent = await alice.betanet.send({ caller, circuit_id: opened.circuit_id, content: SECRET });
    expect(sent).toMatchObject({ status: 'delivered', bytes: SECRET.length });
    expect(bob.inbox).toMatchObject([{ content: SECRET }]);

    await bob.betanet.send({ caller: 'anyone', circuit_id: bob.inbox[0]!.circuit_id, content: 'found it' });
    expect(alice.inbox).toMatchObject([{ circuit_id: opened.circuit_id, content: 'found it' }]);
  });

  it('[N4] shows no relay both ends, nor what is said', async () => {
    const { alice, opened } = await openTo('bob');
    village.wire.log.length = 0;
    await alice.betanet.send({ caller, circuit_id: opened.circuit_id, content: SECRET.repeat(100) });

    for (const [index, relay] of opened.relays.entries()) {
      const log = at(village.wire.log, relay);
      const neighbours = new Set(log.flatMap(({ from, to }) => [from, to]).filter((name) => name !== relay));
      const path = ['alice', ...opened.relays, 'bob'];
      expect(neighbours).toEqual(new Set([path[index], path[index + 2]]));
      for (const { bytes } of log) {
        expect(bytes.length % CELL_BYTES).toBe(0);
        expect(bytes.includes(SECRET)).toBe(false);
      }
      const { seen } = village.peer(relay);
      expect(seen.length).toBeGreaterThan(4);
      const ends = index === 0 ? ['bob'] : index === 2 ? ['alice'] : ['alice', 'bob'];
      for (const { plain } of seen) {
        expect(plain.includes(SECRET)).toBe(false);
        for (const end of ends) expect(plain.includes(end)).toBe(false);
      }
    }
    // The far end reads it, and knows only the last relay.
    const bobSees = at(village.wire.log, 'bob').flatMap(({ from, to }) => [from, to]);
    expect(new Set(bobSees)).toEqual(new Set(['bob', opened.relays[2]]));
    expect(village.peer('bob').seen.some(({ plain }) => plain.includes(SECRET))).toBe(true);
  });

  it('[N4] closes at every hop when one end closes it', async () => {
    const { alice, opened, bob } = await openTo('bob');
    await alice.betanet.send({ caller, circuit_id: opened.circuit_id, content: 'hello' });
    const closed = await alice.betanet.close({ caller, circuit_id: opened.circuit_id });
    expect(closed).toMatchObject({ status: 'closed', messages_sent: 1 });
    await expect
      .poll(async () => await Promise.all(village.peers.map(({ betanet }) => betanet.status({ caller }))))
      .toSatisfy((all: readonly { relaying: { circuits: number } }[]) =>
        all.every(({ relaying }) => relaying.circuits === 0),
      );
    expect((await bob.betanet.status({ caller })).circuits).toEqual([]);
    await expect(alice.betanet.send({ caller, circuit_id: opened.circuit_id, content: 'x' })).rejects.toThrow(
      'No such circuit',
    );
  });

  it('[N4] belongs to the caller that opened it', async () => {
    const { alice, opened } = await openTo('bob');
    const { circuit_id } = opened;
    await expect(alice.betanet.send({ caller: 'magi', circuit_id, content: 'x' })).rejects.toThrow('No such circuit');
    await expect(alice.betanet.close({ caller: 'magi', circuit_id })).rejects.toThrow('No such circuit');
    expect((await alice.betanet.status({ caller: 'magi' })).circuits).toEqual([]);
  });

  it('[N4] carries the largest message whole, both ways at once', async () => {
    const { alice, opened, bob } = await openTo('bob');
    const { circuit_id } = opened;
    await alice.betanet.send({ caller, circuit_id, content: 'first' });
    const large = 'é'.repeat(524_288);
    await Promise.all([
      alice.betanet.send({ caller, circuit_id, content: large }),
      bob.betanet.send({ caller, circuit_id: bob.inbox[0]!.circuit_id, content: large }),
    ]);
    expect(bob.inbox[1]?.content).toBe(large);
    expect(alice.inbox[0]?.content).toBe(large);
    await expect(alice.betanet.send({ caller, circuit_id, content: `${large}x` })).rejects.toThrow(
      'at most 1048576 bytes',
    );
  });

  it('[N4] says what is missing when there are too few relays, or the peer is unknown', async () => {
    village = await startVillage({ names: ['alice', 'r1', 'r2', 'bob'] });
    const { betanet } = village.peer('alice');
    await expect(betanet.open({ caller, to: 'bob' })).rejects.toThrow('needs 3 relays besides both ends; 2 are known');
    await expect(betanet.open({ caller, to: 'carol' })).rejects.toThrow('not known here');
    await expect(betanet.open({ caller, to: 'alice' })).rejects.toThrow('our own');
  });

  it('[N4] goes round a relay that does not answer', async () => {
    village = await startVillage({ names: NAMES });
    await village.peer('r2').betanet.stop();
    const opened = await village.peer('alice').betanet.open({ caller, to: 'bob' });
    expect(new Set(opened.relays)).toEqual(new Set(['r1', 'r3', 'r4']));
  });

  it('[N4] keeps its order and arrives when every relay delays each cell by a random time', async () => {
    const { alice, opened, bob } = await openTo('bob', { mixingMeanMs: 2 });
    const content = Array.from({ length: 2_000 }, (_, i) => i).join(' ');
    await alice.betanet.send({ caller, circuit_id: opened.circuit_id, content });
    expect(bob.inbox[0]?.content).toBe(content);
  });

  it('[N4] sends cover that nobody can tell from what is said', async () => {
    const { alice, opened, bob } = await openTo('bob', { coverPerSecond: 200 });
    await alice.betanet.send({ caller, circuit_id: opened.circuit_id, content: 'hello' });
    village.wire.log.length = 0;
    const toBob = () => village.wire.log.filter(({ to }) => to === 'bob');
    await expect.poll(() => toBob().length).toBeGreaterThan(20);
    expect(new Set(toBob().map(({ bytes }) => bytes[0]))).toEqual(new Set([3]));
    expect(bob.inbox).toHaveLength(1);
  });
});

describe('a cell that is not as it was sent', () => {
  type Change = (cells: readonly Buffer[]) => readonly Buffer[];
  const flipped = (cell: Buffer, bit: number): Buffer => {
    const changed = Buffer.from(cell);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    return changed;
  };
  const changes: [string, Change][] = [
    ['flipped in its first byte of cipher text', ([first, ...rest]) => [flipped(first!, 8), ...rest]],
    ['flipped in the middle', ([first, ...rest]) => [flipped(first!, 4_000), ...rest]],
    ['flipped in its last bit', ([first, ...rest]) => [flipped(first!, 8 * CELL_BYTES - 1), ...rest]],
    ['left out', ([, ...rest]) => rest],
    ['repeated', ([first, ...rest]) => [first!, first!, ...rest]],
    ['moved behind the next', ([first, second, ...rest]) => [second!, first!, ...rest]],
  ];
  const links = [0, 1, 2, 3].flatMap((link) => changes.map(([name, change]) => [name, link, change] as const));

  it.each(links)('[N4] %s on link %i is refused by the next hop, and the circuit ends', async (_, link, change) => {
    const { alice, opened, bob } = await openTo('bob');
    const { circuit_id } = opened;
    await alice.betanet.send({ caller, circuit_id, content: 'as it should be' });
    const path = ['alice', ...opened.relays, 'bob'];
    let changed = 0;
    village.wire.tamper = ({ from, to, bytes }) => {
      if (from !== path[link] || to !== path[link + 1] || changed > 0 || bytes.length < 2 * CELL_BYTES) return bytes;
      changed += 1;
      const cells = Array.from({ length: bytes.length / CELL_BYTES }, (_, i) =>
        bytes.subarray(i * CELL_BYTES, (i + 1) * CELL_BYTES),
      );
      return change(cells);
    };
    const sending = alice.betanet.send({ caller, circuit_id, content: SECRET.repeat(200) });
    await expect(sending).rejects.toThrow('The circuit ended before the message was acknowledged');
    expect(changed).toBe(1);
    expect(bob.inbox).toHaveLength(1);
    const refuser = village.peer(path[link + 1]!);
    const { endedBy } = (await refuser.betanet.status({ caller })).relaying;
    expect((endedBy.integrity ?? 0) + (endedBy.protocol ?? 0)).toBe(1);
    expect(village.peers.flatMap(({ reports }) => reports)).toEqual([]);
  });

  it.each([0, 1, 2, 3])('[N4] flipped on its way back over link %i is refused', async (link) => {
    const { alice, opened, bob } = await openTo('bob');
    await alice.betanet.send({ caller, circuit_id: opened.circuit_id, content: 'hello' });
    const path = ['alice', ...opened.relays, 'bob'];
    village.wire.tamper = ({ from, to, bytes }) =>
      from === path[link + 1] && to === path[link] ? flipped(bytes, 2_000) : bytes;
    const sending = bob.betanet.send({ caller, circuit_id: bob.inbox[0]!.circuit_id, content: SECRET });
    await expect(sending).rejects.toThrow('The circuit ended');
    expect(alice.inbox).toEqual([]);
  });
});
