/** What stands before the circuits: the replay filter, the limits of one neighbour, the mixing times, the frames of messages. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CircuitLimits } from '../../../../../servers/p2p/betanet/limits.ts';
import {
  encodeFrame,
  type Frame,
  FrameReader,
  MAX_MESSAGE_BYTES,
} from '../../../../../servers/p2p/betanet/messages.ts';
import { MixingTimes, secureUniform } from '../../../../../servers/p2p/betanet/mixing.ts';
import { ReplayFilter } from '../../../../../servers/p2p/betanet/replay-filter.ts';

const value = (number: number): Buffer => {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32LE(number);
  return bytes;
};

describe('the replay filter', () => {
  it('[N4] knows the last ones again, whatever comes between, in bounded memory', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(60), { maxLength: 200 }), (capacity, numbers) => {
        const filter = new ReplayFilter(capacity, 1_000);
        const admitted: number[] = [];
        for (const number of numbers) {
          const known = admitted.slice(-capacity).includes(number);
          const isNew = filter.admit(value(number), 0);
          if (known) expect(isNew).toBe(false);
          if (isNew) admitted.push(number);
          expect(filter.size).toBeLessThanOrEqual(2 * capacity);
        }
      }),
    );
  });

  it('[N4] remembers for its time at least, and forgets after twice that', () => {
    const filter = new ReplayFilter(100, 1_000);
    expect(filter.admit(value(1), 0)).toBe(true);
    expect(filter.admit(value(1), 999)).toBe(false);
    expect(filter.admit(value(2), 1_500)).toBe(true);
    expect(filter.admit(value(1), 1_600)).toBe(false);
    expect(filter.admit(value(3), 4_000)).toBe(true);
    expect(filter.size).toBe(1);
  });
});

describe('the limits of a relay', () => {
  const settings = { circuits: 6, circuitsPerPeer: 4, burstPerPeer: 10, perSecondPerPeer: 2 };

  it('[N4] hold for one neighbour and for all, and give back what ended', () => {
    const limits = new CircuitLimits(settings);
    for (let i = 0; i < 4; i++) expect(limits.admit('a', 0)).toBe('admitted');
    expect(limits.admit('a', 0)).toBe('too many');
    expect(limits.admit('b', 0)).toBe('admitted');
    expect(limits.admit('b', 0)).toBe('admitted');
    expect(limits.admit('c', 0)).toBe('full');
    limits.release('a');
    expect(limits.admit('c', 0)).toBe('admitted');
    expect(limits.circuits).toBe(6);
  });

  it('[N4] slow down one who opens and closes without end, and leave the others alone', () => {
    const limits = new CircuitLimits(settings);
    let admitted = 0;
    for (let i = 0; i < 100; i++) {
      if (limits.admit('flooder', i) !== 'admitted') continue;
      admitted += 1;
      limits.release('flooder');
    }
    expect(admitted).toBe(10);
    expect(limits.admit('other', 100)).toBe('admitted');
    expect(limits.admit('flooder', 1_100)).toBe('admitted');
  });

  it('[N4] shut out one who breaks the protocol again and again, for a while', () => {
    const limits = new CircuitLimits(settings);
    expect(limits.offended('bad', 'malformed', 0)).toBe(false);
    expect(limits.offended('bad', 'malformed', 0)).toBe(true);
    expect(limits.admit('bad', 0)).toBe('shut out');
    expect(limits.admit('good', 0)).toBe('admitted');
    expect(limits.admit('bad', 30_000)).toBe('admitted');
  });
});

describe('the mixing times', () => {
  it('[N4] are exponential around their mean and keep the order of a circuit', () => {
    const times = new MixingTimes(50, secureUniform);
    const delays = Array.from({ length: 5_000 }, (_, i) => times.leavesAt(i * 10_000) - i * 10_000);
    const mean = delays.reduce((a, b) => a + b, 0) / delays.length;
    expect(mean).toBeGreaterThan(45);
    expect(mean).toBeLessThan(55);
    // Of an exponential distribution 63 % lie below its mean.
    const below = delays.filter((delay) => delay < 50).length / delays.length;
    expect(below).toBeGreaterThan(0.59);
    expect(below).toBeLessThan(0.67);
    const close = Array.from({ length: 100 }, (_, i) => times.leavesAt(60_000_000 + i));
    expect(close).toEqual(close.toSorted((a, b) => a - b));
  });

  it('[N4] let cells of different circuits leave in another order than they came', () => {
    const circuits = Array.from({ length: 20 }, () => new MixingTimes(50, secureUniform));
    const left = circuits.map((times, came) => ({ came, leaves: times.leavesAt(came) }));
    const order = left.toSorted((a, b) => a.leaves - b.leaves).map(({ came }) => came);
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
  });

  it('[N4] delay nothing when the mean is 0', () => {
    expect(new MixingTimes(0).leavesAt(7)).toBe(7);
  });
});

describe('the frames of messages', () => {
  const frames = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('message' as const),
        number: fc.nat(),
        bytes: fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b)),
      }),
      fc.record({ kind: fc.constant('ack' as const), number: fc.nat() }),
    ),
    { maxLength: 12 },
  );

  it('[N4] come out as they went in, however they were cut', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 97 }), (sent: readonly Frame[], size) => {
        const bytes = Buffer.concat(sent.map(encodeFrame));
        const reader = new FrameReader();
        const came: Frame[] = [];
        for (let at = 0; at < bytes.length; at += size) came.push(...reader.read(bytes.subarray(at, at + size)));
        expect(came).toEqual(sent);
        expect(reader.isPartial).toBe(false);
      }),
    );
  });

  it('[N4] are refused by their head alone when too large or of no kind', () => {
    const head = (kind: number, length: number): Buffer => {
      const bytes = Buffer.alloc(9);
      bytes[0] = kind;
      bytes.writeUInt32LE(length, 5);
      return bytes;
    };
    for (const [kind, length] of [
      [1, MAX_MESSAGE_BYTES + 1],
      [2, 1],
      [0, 0],
      [3, 0],
    ] as const) {
      expect(() => [...new FrameReader().read(head(kind, length))]).toThrow('a frame of kind');
    }
  });
});
