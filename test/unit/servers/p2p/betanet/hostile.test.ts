/** Peers that mean harm: each is refused and counted where it is to blame, and the circuits of others go on. */
import { afterEach, describe, expect, it } from 'vitest';
import { CELL_BYTES, DESTROY, encodeCell } from '../../../../../servers/p2p/betanet/cell.ts';
import { CircuitEnd, WINDOW_CELLS } from '../../../../../servers/p2p/betanet/circuit-end.ts';
import { newOnionKey, onionKeyId, startHandshake } from '../../../../../servers/p2p/betanet/keys.ts';
import type { LinkStream } from '../../../../../servers/p2p/betanet/network.ts';
import { encodeCreate } from '../../../../../servers/p2p/betanet/wire.ts';
import { ManualClock, settle } from './lib/manual-clock.ts';
import { startVillage } from './lib/village.ts';

const NAMES = ['alice', 'r1', 'r2', 'r3', 'bob'];
const caller = 'sage';

let village: Awaited<ReturnType<typeof startVillage>>;
afterEach(() => village.stop());

/** A stream of a stranger to `r1`, and what came back on it. */
function strangerTo(to = 'r1') {
  const stream = village.wire.dial('mallory', to);
  const got: Buffer[] = [];
  let isClosed = false;
  stream.listen({
    data: (bytes) => got.push(Buffer.from(bytes)),
    drain: () => {},
    closed: () => {
      isClosed = true;
    },
  });
  return {
    stream,
    reason: () =>
      Object.entries(DESTROY).find(([, number]) => got.at(-1)?.[0] === 4 && number === got.at(-1)?.[1])?.[0],
    isClosed: () => isClosed,
  };
}

const create = (depth = 1, keyId: Buffer = keyOf('r1').id): Buffer =>
  encodeCreate({ depth, keyId, clientKey: newOnionKey().publicKey });

/** What a peer announced, by the form in which handshakes name it. */
function keyOf(name: string) {
  const publicKey = village.wire
    .network('x')
    .peers()
    .find(({ peer }) => peer === name)!.onionKey;
  return { publicKey, id: onionKeyId(publicKey) };
}

/** Alice and bob still speak over the relays that were attacked. */
async function othersGoOn(): Promise<void> {
  const alice = village.peer('alice').betanet;
  const { circuit_id } = await alice.open({ caller, to: 'bob' });
  await alice.send({ caller, circuit_id, content: 'still here' });
  expect(village.peer('bob').inbox.at(-1)?.content).toBe('still here');
  expect(village.peers.flatMap(({ reports }) => reports)).toEqual([]);
}

describe('a hostile neighbour', () => {
  const random = Buffer.alloc(64 * CELL_BYTES, 0xa7);
  const filled = () => {
    const cell = create();
    cell[CELL_BYTES - 1] = 1;
    return cell;
  };
  const beginnings: [string, () => Buffer][] = [
    ['noise', () => random],
    ['a relay cell before any key', () => encodeCell('relay')],
    ['a created that nobody waits for', () => encodeCell('created')],
    ['a create of another version', () => encodeCell('create', Buffer.from([9, 1]))],
    ['a create with something hidden in its filling', filled],
    ['a create for hop 0', () => create(0)],
    ['a create for hop 5', () => create(5)],
    ['a key of small order', () => encodeCreate({ depth: 1, keyId: keyOf('r1').id, clientKey: Buffer.alloc(32) })],
  ];

  it.each(beginnings)('[N4] that begins with %s is refused and counted', async (_, bytes) => {
    village = await startVillage({ names: NAMES });
    const { stream, reason } = strangerTo();
    stream.send(bytes());
    await expect.poll(reason).toBe('protocol');
    expect(village.wire.offences).toEqual([{ by: 'r1', peer: 'mallory', offence: 'malformed' }]);
    await othersGoOn();
  });

  it('[N4] is shut out after the second breach, and let in again later', async () => {
    const clock = new ManualClock();
    village = await startVillage({ names: NAMES, clock });
    for (let i = 0; i < 2; i++) strangerTo().stream.send(random);
    await settle();
    expect(village.wire.offences).toHaveLength(2);
    const third = strangerTo();
    await settle();
    expect(third.isClosed()).toBe(true);
    await clock.advance(60_000);
    const later = strangerTo();
    later.stream.send(create());
    await settle();
    expect(later.isClosed()).toBe(false);
    await othersGoOn();
  });

  it('[N4] that opens a flood of circuits gets its share and no more', async () => {
    village = await startVillage({
      names: NAMES,
      settings: { circuitsPerPeer: 8, burstPerPeer: 16, perSecondPerPeer: 1 },
    });
    const streams = Array.from({ length: 200 }, () => strangerTo());
    for (const { stream } of streams) stream.send(create());
    await expect.poll(() => streams.filter(({ isClosed }) => isClosed()).length).toBe(192);
    const { relaying } = await village.peer('r1').betanet.status({ caller });
    expect(relaying).toMatchObject({ circuits: 8, refused: 192 });
    expect(village.wire.offences.filter(({ offence }) => offence === 'flood').length).toBeGreaterThanOrEqual(10);
    // From then on it is shut out, without a word more.
    const again = strangerTo();
    await expect.poll(again.isClosed).toBe(true);
    await othersGoOn();
  });

  it.each([
    ['says nothing', undefined],
    ['sends half a cell', Buffer.alloc(CELL_BYTES / 2, 1)],
  ])('[N4] that opens a circuit and %s loses it after ten seconds', async (_, bytes) => {
    const clock = new ManualClock();
    village = await startVillage({ names: NAMES, clock });
    const streams = Array.from({ length: 5 }, () => strangerTo());
    await settle();
    for (const { stream } of streams) if (bytes !== undefined) stream.send(bytes);
    await clock.advance(9_999);
    expect((await village.peer('r1').betanet.status({ caller })).relaying.circuits).toBe(5);
    await clock.advance(2);
    expect((await village.peer('r1').betanet.status({ caller })).relaying.circuits).toBe(0);
    expect(village.wire.offences).toHaveLength(5);
    await othersGoOn();
  });

  it('[N4] that sends a cell byte by byte has ten seconds for all of it', async () => {
    const clock = new ManualClock();
    village = await startVillage({ names: NAMES, clock });
    const { stream, reason } = strangerTo();
    stream.send(create());
    await settle();
    for (let i = 0; i < 12 && reason() === undefined; i++) {
      stream.send(Buffer.from([3]));
      await clock.advance(1_000);
    }
    expect(reason()).toBe('stalled');
    expect(village.wire.offences).toEqual([{ by: 'r1', peer: 'mallory', offence: 'slow' }]);
  });

  it('[N4] that repeats a handshake it recorded is refused', async () => {
    village = await startVillage({ names: NAMES });
    const alice = village.peer('alice').betanet;
    const { relays } = await alice.open({ caller, to: 'bob' });
    const recorded = village.wire.log.find(({ from, to }) => from === 'alice' && to === relays[0])!.bytes;
    const { stream, reason } = strangerTo(relays[0]);
    stream.send(recorded);
    await expect.poll(reason).toBe('replay');
    await othersGoOn();
  });

  it('[N4] that names a key which is not ours hears so, and is not blamed', async () => {
    village = await startVillage({ names: NAMES });
    const { stream, reason } = strangerTo();
    stream.send(create(1, newOnionKey().id));
    await expect.poll(reason).toBe('staleKey');
    expect(village.wire.offences).toEqual([]);
  });

  it('[N4] that pretends to be a relay without its onion key is found out by the client', async () => {
    village = await startVillage({ names: ['alice', 'r1', 'r2', 'bob'] });
    // Announced with a key of which the peer behind it knows nothing.
    village.wire.announce({ peer: 'r3', onionKey: newOnionKey().publicKey, relay: true, capacity: 9_000 });
    const answer = startHandshake({ name: 'r3', onionKey: newOnionKey().publicKey, depth: 1 }).publicKey;
    await village.wire.network('r3').handle((stream) => {
      stream.listen({
        data: () => stream.send(encodeCell('created', answer, Buffer.alloc(32, 7))),
        drain() {},
        closed() {},
      });
    });
    await expect(village.peer('alice').betanet.open({ caller, to: 'bob' })).rejects.toThrow('integrity');
  });
});

describe('a circuit that is not used', () => {
  it('[N4] expires at its ends and at every relay', async () => {
    const clock = new ManualClock();
    village = await startVillage({ names: NAMES, clock, settings: { idleMs: 60_000 } });
    const alice = village.peer('alice').betanet;
    const { circuit_id } = await alice.open({ caller, to: 'bob' });
    await alice.send({ caller, circuit_id, content: 'x' });
    await clock.advance(45_000);
    await alice.send({ caller, circuit_id, content: 'x' });
    await clock.advance(45_000);
    expect((await alice.status({ caller })).circuits).toHaveLength(1);
    await clock.advance(30_000);
    expect((await alice.status({ caller })).circuits).toEqual([]);
    for (const { betanet } of village.peers) expect((await betanet.status({ caller })).relaying.circuits).toBe(0);
  });
});

describe('a far end that does not read', () => {
  it('[N4] stops the writer, holds a bounded number of cells, and leaves other circuits alone', async () => {
    village = await startVillage({ names: NAMES });
    const alice = village.peer('alice');
    const bob = village.peer('bob');
    const slow = await alice.betanet.open({ caller, to: 'bob' });
    const quick = await alice.betanet.open({ caller, to: 'bob' });
    const gate = Promise.withResolvers<void>();
    bob.hold = gate.promise;
    const sending = Array.from({ length: 8 }, () =>
      alice.betanet.send({ caller, circuit_id: slow.circuit_id, content: 'x'.repeat(500_000) }),
    );
    await expect.poll(() => bob.held).toBe(1);
    await settle(300);
    const onWire = village.wire.log.filter(({ from, to }) => from === slow.relays[2] && to === 'bob');
    const cells = onWire.reduce((sum, { bytes }) => sum + bytes.length / CELL_BYTES, 0);
    // The first message whole, its successor up to the window, and the handshakes.
    expect(cells).toBeLessThan(500_000 / 953 + 2 * WINDOW_CELLS);
    bob.hold = undefined;
    await alice.betanet.send({ caller, circuit_id: quick.circuit_id, content: 'passes by' });
    expect(bob.inbox.at(-1)?.content).toBe('passes by');
    gate.resolve();
    await Promise.all(sending);
    expect(bob.inbox).toHaveLength(9);
  });
});

describe('a neighbour that reads nothing', () => {
  it('[N4] loses the circuit after thirty seconds, and no other circuit waits for it', async () => {
    const clock = new ManualClock();
    village = await startVillage({ names: NAMES, clock });
    const { wire } = village;
    const dialled: LinkStream[] = [];
    const dial = wire.dial.bind(wire);
    wire.dial = (from, to) => {
      const stream = dial(from, to);
      if (from === 'alice') dialled.push(stream);
      return stream;
    };
    const alice = village.peer('alice');
    const bob = village.peer('bob');
    const open = async (content: string) => {
      const { circuit_id, relays } = await alice.betanet.open({ caller, to: 'bob' });
      await alice.betanet.send({ caller, circuit_id, content });
      return { first: relays[0]!, answerOn: bob.inbox.at(-1)!.circuit_id };
    };
    const deaf = await open('one');
    const good = await open('two');
    dialled[0]!.pause();
    const sending = bob.betanet.send({ caller, circuit_id: deaf.answerOn, content: 'x'.repeat(1_000_000) });
    const failed = expect(sending).rejects.toMatchObject({ data: { ended: 'stalled' } });
    await settle(300);
    const unread = wire.log.filter(({ from, to }) => from === deaf.first && to === 'alice');
    expect(unread.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(3 * wire.windowBytes);
    await bob.betanet.send({ caller, circuit_id: good.answerOn, content: 'passes by' });
    expect(alice.inbox.at(-1)?.content).toBe('passes by');
    await clock.advance(29_000);
    const endedBy = async () => (await village.peer(deaf.first).betanet.status({ caller })).relaying.endedBy;
    expect((await endedBy()).stalled).toBeUndefined();
    await clock.advance(2_000);
    expect((await endedBy()).stalled).toBe(1);
    await failed;
  });
});

describe('a far end to which many circuits are opened', () => {
  it('[N4] takes half of what it can hold, says so to the rest, and still opens its own', async () => {
    village = await startVillage({ names: NAMES, settings: { openCircuits: 4 } });
    const alice = village.peer('alice').betanet;
    const bob = village.peer('bob').betanet;
    for (const isTaken of [true, true, false]) {
      const { circuit_id } = await alice.open({ caller, to: 'bob' });
      const sent = alice.send({ caller, circuit_id, content: 'x' });
      if (isTaken) await expect(sent).resolves.toMatchObject({ status: 'delivered' });
      else await expect(sent).rejects.toMatchObject({ kind: 'CONNECTION_LOST', data: { ended: 'limits' } });
    }
    await expect(bob.open({ caller, to: 'alice' })).resolves.toMatchObject({ status: 'open' });
    expect((await bob.status({ caller })).circuits).toHaveLength(3);
  });
});

describe('one end of a circuit', () => {
  const port = { payloadBytes: 953, send: () => {}, full: false, onceReady: () => {}, destroy: () => {} };

  it('[N4] refuses more cells than it asked for', async () => {
    village = await startVillage({ names: [] });
    const end = new CircuitEnd(port);
    for (let i = 0; i < WINDOW_CELLS; i++) end.receive('data', Buffer.alloc(1));
    expect(() => end.receive('data', Buffer.alloc(1))).toThrow('came unasked');
    end.receive('drop', Buffer.alloc(0));
  });

  it.each([0, 1, 0xffffffff])('[N4] refuses credit of %i that nobody could have to give', async (cells) => {
    village = await startVillage({ names: [] });
    const credit = Buffer.alloc(4);
    credit.writeUInt32LE(cells);
    expect(() => new CircuitEnd(port).receive('credit', credit)).toThrow('than the window holds');
    expect(() => new CircuitEnd(port).receive('credit', Buffer.alloc(3))).toThrow('than the window holds');
  });

  it('[N4] tells a reader that what came may be cut short, unless the writer ended it', async () => {
    village = await startVillage({ names: [] });
    const cut = new CircuitEnd(port);
    cut.receive('data', Buffer.from('half'));
    cut.ended('integrity');
    const read = async (end: CircuitEnd) => {
      let text = '';
      for await (const piece of end.read()) text += piece.toString();
      return text;
    };
    await expect(read(cut)).rejects.toThrow('the circuit ended: integrity');
    const whole = new CircuitEnd(port);
    whole.receive('data', Buffer.from('all'));
    whole.receive('end', Buffer.alloc(0));
    expect(() => whole.receive('data', Buffer.from('more'))).toThrow('came after the end');
    expect(await read(whole)).toBe('all');
  });
});
