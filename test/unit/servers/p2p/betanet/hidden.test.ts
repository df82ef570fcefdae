/** Receivers that show nobody where they are: reached by a key and a meeting point, never by their peer id. */
import { afterEach, describe, expect, it } from 'vitest';
import { newOnionKey } from '../../../../../servers/p2p/betanet/keys.ts';
import {
  checkRegisterProof,
  formatHiddenAddress,
  MeetingPlace,
  readHiddenAddress,
  registerProof,
} from '../../../../../servers/p2p/betanet/meeting.ts';
import { ManualClock } from './lib/manual-clock.ts';
import { startVillage } from './lib/village.ts';

const NAMES = ['alice', 'r1', 'r2', 'r3', 'r4', 'r5', 'robert'];
const caller = 'sage';
const SECRET = 'where the bees winter';

let village: Awaited<ReturnType<typeof startVillage>>;
afterEach(() => village.stop());

async function hiddenBob() {
  // Who hides had better carry nothing for others: a sender may choose it as a relay, and be its neighbour unawares.
  village = await startVillage({ names: NAMES, clients: ['alice', 'robert'] });
  const bob = village.peer('robert');
  const { address } = await bob.betanet.listen({ enabled: true });
  return { alice: village.peer('alice'), bob, address: address! };
}

describe('a hidden receiver', () => {
  it('[N4] is reached by its address, and answers', async () => {
    const { alice, bob, address } = await hiddenBob();
    expect(address).toMatch(/^betanet:[\w-]{43}@r\d$/);
    const { circuit_id } = await alice.betanet.open({ caller, to: address });
    await alice.betanet.send({ caller, circuit_id, content: SECRET });
    expect(bob.inbox).toMatchObject([{ content: SECRET }]);
    await bob.betanet.send({ caller, circuit_id: bob.inbox[0]!.circuit_id, content: SECRET.toUpperCase() });
    expect(alice.inbox).toMatchObject([{ content: SECRET.toUpperCase() }]);
  });

  it('[N4] is not shown to the sender, nor the sender to it, nor what they say to the meeting point', async () => {
    const { alice, bob, address } = await hiddenBob();
    const meeting = address.split('@')[1]!;
    village.wire.log.length = 0;
    const { circuit_id } = await alice.betanet.open({ caller, to: address });
    const large = SECRET.repeat(4_000);
    await alice.betanet.send({ caller, circuit_id, content: large });
    expect(bob.inbox[0]?.content).toBe(large);

    const neighbours = (name: string) =>
      new Set(village.wire.log.filter(({ from }) => from === name).map(({ to }) => to));
    expect(neighbours('alice')).not.toContain('robert');
    expect(neighbours('alice')).not.toContain(meeting);
    expect(neighbours('robert')).not.toContain('alice');
    for (const { bytes } of village.wire.log) expect(bytes.includes(SECRET)).toBe(false);
    // Not one hop, the meeting point least of all, opened a layer with a word of it or with both names.
    for (const { name, seen } of village.peers) {
      for (const { plain } of seen) expect(plain.includes(SECRET)).toBe(false);
      // A name of three letters stands in random octets now and then.
      if (name === meeting)
        for (const { plain } of seen) expect(plain.includes('robert') || plain.includes('alice')).toBe(false);
    }
  });

  it('[N4] serves several senders, one after the other and at once', async () => {
    const { alice, bob, address } = await hiddenBob();
    for (let i = 0; i < 3; i++) {
      await expect.poll(async () => await openOrNot(address)).toBe(true);
    }
    expect(bob.inbox).toHaveLength(3);
    expect(new Set(bob.inbox.map(({ circuit_id }) => circuit_id)).size).toBe(3);
    expect((await alice.betanet.status({ caller })).circuits).toHaveLength(3);
  });

  async function openOrNot(address: string): Promise<boolean> {
    const { betanet } = village.peer('alice');
    const opened = await betanet.open({ caller, to: address }).catch(() => undefined);
    if (opened === undefined) return false;
    await betanet.send({ caller, circuit_id: opened.circuit_id, content: 'hello' });
    return true;
  }

  it('[N4] keeps its circuits alive while nobody comes', async () => {
    const clock = new ManualClock();
    village = await startVillage({ names: NAMES, clients: ['alice', 'robert'], clock, settings: { idleMs: 60_000 } });
    const bob = village.peer('robert');
    const { address } = await bob.betanet.listen({ enabled: true });
    await clock.advance(2_000);
    const carried = () => village.wire.log.filter(({ to, bytes }) => to === 'robert' && bytes[0] === 2).length;
    const built = carried();
    expect(built).toBe(2);
    await clock.advance(300_000);
    expect(carried()).toBe(built);
    const { circuit_id } = await village.peer('alice').betanet.open({ caller, to: address! });
    await village.peer('alice').betanet.send({ caller, circuit_id, content: SECRET });
    expect(bob.inbox).toMatchObject([{ content: SECRET }]);
  });

  it('[N4] cannot be reached from the very peer at which it is met, nor at one that is not there', async () => {
    const { alice, address } = await hiddenBob();
    const [key, meeting] = address.split('@');
    const at = village.peer(meeting!).betanet;
    await expect(at.open({ caller, to: address })).rejects.toThrow('met at our own node');
    await expect(alice.betanet.open({ caller, to: `${key}@nobody` })).rejects.toThrow('not known here, or gone');
  });

  it('[N4] is gone when it stops listening', async () => {
    const { alice, bob, address } = await hiddenBob();
    expect(await bob.betanet.listen({ enabled: true })).toEqual({ address });
    expect(await bob.betanet.listen({ enabled: false })).toEqual({ address: null });
    await expect(alice.betanet.open({ caller, to: address })).rejects.toThrow('unknownService');
    const { address: other } = await bob.betanet.listen({ enabled: true });
    expect(other).not.toBe(address);
  });

  it('[N4] cannot be impersonated at the meeting point, nor on another circuit', async () => {
    village = await startVillage({ names: [] });
    const meeting = newOnionKey();
    const service = newOnionKey();
    const binding = Buffer.alloc(32, 1);
    const proof = registerProof(service, meeting.publicKey, binding);
    checkRegisterProof(meeting, service.publicKey, binding, proof);
    const check = (key: Buffer, bound: Buffer, given: Buffer) => () => checkRegisterProof(meeting, key, bound, given);
    expect(check(service.publicKey, Buffer.alloc(32, 2), proof)).toThrow('does not hold');
    expect(check(newOnionKey().publicKey, binding, proof)).toThrow('does not hold');
    expect(check(service.publicKey, binding, registerProof(newOnionKey(), meeting.publicKey, binding))).toThrow(
      'does not hold',
    );
    expect(check(service.publicKey, binding, Buffer.alloc(0))).toThrow('does not hold');
  });
});

describe('a meeting place', () => {
  it('[N4] keeps a bounded number of circuits, and gives out each once', async () => {
    village = await startVillage({ names: [] });
    const place = new MeetingPlace<number>();
    const key = newOnionKey().publicKey;
    for (let i = 0; i < 16; i++) place.wait(key, i);
    expect(() => place.wait(key, 16)).toThrow('too many circuits');
    place.leave(key, 1);
    expect([place.take(key), place.take(key)]).toEqual([0, 2]);
    for (let i = 0; i < 255; i++) place.wait(newOnionKey().publicKey, i);
    expect(() => place.wait(newOnionKey().publicKey, 0)).toThrow('too many circuits');
    expect(place.take(newOnionKey().publicKey)).toBeUndefined();
  });
});

describe('a hidden address', () => {
  const address = {
    serviceKey: newOnionKey().publicKey,
    meetingPeer: '12D3KooWBhvxmvKvTYGJvXZ2ZbE9bEyZ7X8uFYk9ZzQ9ZzQ9ZzQ9',
  };

  it('[N4] is read as it was written', async () => {
    village = await startVillage({ names: [] });
    expect(readHiddenAddress(formatHiddenAddress(address))).toEqual(address);
  });

  it.each(['', 'betanet:', 'betanet:abc@r1', `betanet:${'_'.repeat(43)}@r1`, `betanet:${'A'.repeat(43)}@`, '12D3KooW'])(
    '[N4] is not %s',
    async (text) => {
      village = await startVillage({ names: [] });
      expect(readHiddenAddress(text)).toBeUndefined();
    },
  );
});
