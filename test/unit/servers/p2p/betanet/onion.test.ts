/** Layers: what is wrapped for a hop is opened by that hop and no other, once, in order; and nothing else opens. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CELL_BYTES, decodeCell, encodeCell } from '../../../../../servers/p2p/betanet/cell.ts';
import { answerHandshake, type HopKeys, newOnionKey, startHandshake } from '../../../../../servers/p2p/betanet/keys.ts';
import { LayerOpener, LayerSealer } from '../../../../../servers/p2p/betanet/layer.ts';
import {
  commandLayer,
  forwardLayer,
  layerBytes,
  layerOf,
  MAX_DEPTH,
  Onion,
  payloadBytes,
  readLayer,
  sealCell,
} from '../../../../../servers/p2p/betanet/onion.ts';

function keysOf(depth: number): HopKeys {
  const key = newOnionKey();
  const client = startHandshake({ name: 'r', onionKey: key.publicKey, depth });
  return answerHandshake({ name: 'r', key, depth }, client.publicKey).keys;
}

/** A client's stack and its hops, which do with a cell what a relay does. */
function circuit(depth: number) {
  const onion = new Onion();
  const keys = Array.from({ length: depth }, (_, i) => keysOf(i + 1));
  for (const each of keys) onion.add(each);
  const openers = keys.map(({ forward }) => new LayerOpener(forward));
  const sealers = keys.map(({ backward }) => new LayerSealer(backward));
  const open = (hop: number, cell: Buffer) => readLayer(openers[hop - 1]!.open(layerOf(decodeCell(cell).body, hop)));
  /** Through the hops up to the one it is for. */
  const out = (cell: Buffer) => {
    let at = cell;
    for (let hop = 1; hop <= depth; hop++) {
      expect(at).toHaveLength(CELL_BYTES);
      const opened = open(hop, at);
      if (opened.command !== 'forward') return { depth: hop, ...opened };
      at = encodeCell('relay', opened.inner);
    }
    throw new Error('it was for nobody');
  };
  /** From a hop back to the client. */
  const back = (hop: number, payload: Uint8Array): Buffer => {
    let cell = sealCell(sealers[hop - 1]!, commandLayer(hop, 'data', payload));
    for (let at = hop - 1; at >= 1; at--) {
      cell = sealCell(sealers[at - 1]!, forwardLayer(layerOf(decodeCell(cell).body, at + 1)));
    }
    expect(cell).toHaveLength(CELL_BYTES);
    return decodeCell(cell).body;
  };
  return { onion, open, out, back };
}

const depths = fc.integer({ min: 1, max: MAX_DEPTH });
const step = fc.record({ hop: fc.integer({ min: 1, max: MAX_DEPTH }), size: fc.nat(2_000), seed: fc.nat(255) });

describe('the layers of a circuit', () => {
  it('[N4] bring any command to the hop it is for and back, in cells of one size', () => {
    fc.assert(
      fc.property(depths, fc.array(step, { minLength: 1, maxLength: 8 }), (depth, steps) => {
        const { onion, out, back } = circuit(depth);
        for (const { hop: wished, size, seed } of steps) {
          const hop = Math.min(wished, depth);
          const payload = Buffer.alloc(Math.min(size, payloadBytes(hop)), seed);
          expect(out(onion.wrap(hop, 'data', payload))).toEqual({ depth: hop, command: 'data', payload });
          expect(onion.peel(back(hop, payload))).toEqual({ depth: hop, command: 'data', payload });
        }
      }),
      { numRuns: 40 },
    );
  });

  it('[N4] do not open with any single bit changed, at any hop', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 8, max: 8 * CELL_BYTES - 1 }), (hop, bit) => {
        const { onion, open } = circuit(4);
        let cell = onion.wrap(4, 'data', Buffer.from('what is said'));
        for (let at = 1; at < hop; at++) {
          const opened = open(at, cell);
          if (opened.command !== 'forward') throw new Error('not yet');
          cell = encodeCell('relay', opened.inner);
        }
        cell[bit >> 3]! ^= 1 << (bit & 7);
        expect(() => open(hop, cell)).toThrow(/altered|not zeros/);
      }),
      { numRuns: 60 },
    );
  });

  it('[N4] open in the order in which they were sealed, each once, and in no other', () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 1 });
    const repeated = fc.array(fc.nat(4), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.oneof(order, repeated), (sequence) => {
        const { onion, open } = circuit(1);
        const cells = Array.from({ length: 5 }, (_, i) => onion.wrap(1, 'data', Buffer.from([i])));
        const good = sequence.findIndex((number, at) => number !== at);
        sequence.forEach((number, at) => {
          if (good === -1 || at < good) expect(open(1, cells[number]!)).toMatchObject({ command: 'data' });
          else expect(() => open(1, cells[number]!)).toThrow();
        });
      }),
    );
  });

  it('[N4] open nothing more after one that did not', () => {
    const { onion, open } = circuit(1);
    const [first, second] = [onion.wrap(1, 'data', Buffer.from('1')), onion.wrap(1, 'data', Buffer.from('2'))];
    const altered = Buffer.from(first);
    altered[9]! ^= 1;
    expect(() => open(1, altered)).toThrow('altered');
    expect(() => open(1, first)).toThrow('used up');
    expect(() => open(1, second)).toThrow('used up');
  });

  it('[N4] look the same for every content: no byte of it shows, nor how much there is', () => {
    const { onion } = circuit(4);
    const text = Buffer.from('x'.repeat(payloadBytes(4)));
    const cells = [
      onion.wrap(4, 'data', text),
      onion.wrap(4, 'drop', Buffer.alloc(0)),
      onion.wrap(1, 'drop', Buffer.alloc(0)),
    ];
    for (const cell of cells) {
      expect(cell).toHaveLength(CELL_BYTES);
      expect(cell.includes('xxxx')).toBe(false);
      // Cipher text to its end: the rest of a first layer is nothing.
      expect(layerBytes(1)).toBe(CELL_BYTES - 1);
      expect(cell.includes(Buffer.alloc(8))).toBe(false);
    }
  });

  it('[N4] refuse what no hop of ours seals', () => {
    const layer = commandLayer(1, 'data', Buffer.alloc(3));
    layer[0] = 200;
    expect(() => readLayer(layer)).toThrow('command 200 is unknown');
    layer[0] = 4;
    layer.writeUInt16LE(60_000, 1);
    expect(() => readLayer(layer)).toThrow('longer than its layer');
    expect(() => commandLayer(4, 'data', Buffer.alloc(payloadBytes(4) + 1))).toThrow('a layer holds');
  });
});
