/** The handshake of one hop: both ends come to the same keys, and only with the one that was meant. */
import { describe, expect, it } from 'vitest';
import {
  answerHandshake,
  exportOnionKey,
  type HopKeys,
  newOnionKey,
  restoreOnionKey,
  startHandshake,
} from '../../../../../servers/p2p/betanet/keys.ts';
import { OnionKeys, ROTATE_MS } from '../../../../../servers/p2p/betanet/onion-keys.ts';

const raw = ({ forward, backward, binding }: HopKeys) =>
  [forward.export(), backward.export(), binding].map((key) => key.toString('hex'));

describe('the handshake of a hop', () => {
  const key = newOnionKey();
  const start = (hop: { name?: string; onionKey?: Buffer; depth?: number } = {}) =>
    startHandshake({ name: 'r1', onionKey: key.publicKey, depth: 1, ...hop });
  const answer = (clientKey: Buffer) => answerHandshake({ name: 'r1', key, depth: 1 }, clientKey);

  it('[N4] gives both ends the same keys, other ones each time and in each direction', () => {
    const all = Array.from({ length: 3 }, () => {
      const client = start();
      const hop = answer(client.publicKey);
      const keys = raw(client.finish(hop.answer));
      expect(keys).toEqual(raw(hop.keys));
      return keys;
    });
    expect(new Set(all.flat()).size).toBe(9);
  });

  it.each([
    ['another peer', { name: 'r2' }],
    ['another onion key', { onionKey: newOnionKey().publicKey }],
    ['another place in the path', { depth: 2 }],
  ])('[N4] fails when the client meant %s', (_, hop) => {
    const client = start(hop);
    expect(() => client.finish(answer(client.publicKey).answer)).toThrow('did not prove');
  });

  it('[N4] fails for an answer that was altered, cut or made for another client', () => {
    const client = start();
    const { answer: good } = answer(client.publicKey);
    for (const bit of [0, 300, 511]) {
      const altered = Buffer.from(good);
      altered[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => client.finish(altered)).toThrow();
    }
    expect(() => client.finish(good.subarray(0, 63))).toThrow('did not prove');
    expect(() => client.finish(answer(start().publicKey).answer)).toThrow('did not prove');
  });

  it('[N4] refuses keys of small order, whose secret all the world knows', () => {
    const small = [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ];
    for (const hex of small) {
      expect(() => answer(Buffer.from(hex, 'hex'))).toThrow('not one');
      expect(() => start().finish(Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(32)]))).toThrow('not one');
    }
    expect(() => answer(Buffer.alloc(31))).toThrow('not one');
  });

  it('[N4] keeps an onion key over export and restore', () => {
    const again = restoreOnionKey(exportOnionKey(key));
    expect(again.publicKey).toEqual(key.publicKey);
    expect(again.id).toEqual(key.id);
  });
});

describe("a peer's onion keys", () => {
  it('[N4] change daily; the one before is known for an hour more, then to nobody', () => {
    const keys = new OnionKeys(0);
    const first = keys.current;
    expect(keys.turn(ROTATE_MS - 1)).toBe(false);
    expect(keys.turn(ROTATE_MS)).toBe(true);
    expect(keys.current.id).not.toEqual(first.id);
    expect(keys.find(first.id)?.id).toEqual(first.id);
    expect(keys.find(keys.current.id)).toBe(keys.current);
    expect(keys.turn(ROTATE_MS + 3_600_000)).toBe(false);
    expect(keys.find(first.id)).toBeUndefined();
  });
});
