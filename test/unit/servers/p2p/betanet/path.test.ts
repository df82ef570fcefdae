/** The choice of relays: never an end, apart where that is possible, drawn by capacity but not for the asking. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secureUniform } from '../../../../../servers/p2p/betanet/mixing.ts';
import type { RelayDescriptor } from '../../../../../servers/p2p/betanet/network.ts';
import { choosePath, neighbourhood } from '../../../../../servers/p2p/betanet/path.ts';

const onionKey = Buffer.alloc(32);
const relay = (peer: string, more: Partial<RelayDescriptor> = {}): RelayDescriptor => ({
  peer,
  onionKey,
  relay: true,
  capacity: 100,
  ...more,
});
const choose = (known: readonly RelayDescriptor[], exclude: readonly string[] = []) =>
  choosePath(known, { count: 3, exclude: new Set(exclude) }, secureUniform);

describe('a path', () => {
  it('[N4] is of three different relays, never an end, never one that does not relay', () => {
    const known = fc.uniqueArray(
      fc.record({
        peer: fc.integer({ min: 0, max: 30 }).map((n) => `p${n}`),
        relay: fc.boolean(),
        capacity: fc.integer({ min: 0, max: 5 }),
        operator: fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { nil: undefined }),
        net: fc.nat(5),
      }),
      { selector: ({ peer }) => peer, maxLength: 20 },
    );
    fc.assert(
      fc.property(known, (list) => {
        const relays = list.map(({ operator, net, ...rest }) =>
          relay(rest.peer, { ...rest, address: `10.0.${net}.7`, ...(operator === undefined ? {} : { operator }) }),
        );
        const usable = relays.filter(
          ({ peer, relay: relays, capacity }) => relays && capacity > 0 && peer !== 'p0' && peer !== 'p1',
        );
        const path = choose(relays, ['p0', 'p1']);
        if (usable.length < 3) {
          expect(path).toBeUndefined();
          return;
        }
        expect(new Set(path?.relays.map(({ peer }) => peer)).size).toBe(3);
        for (const chosen of path!.relays) expect(usable).toContain(chosen);
        const operators = path!.relays.flatMap(({ operator }) => operator ?? []);
        const nets = path!.relays.map(({ address }) => neighbourhood(address));
        if (path!.diversity !== 'none') expect(new Set(operators).size).toBe(operators.length);
        if (path!.diversity === 'full') expect(new Set(nets).size).toBe(3);
      }),
    );
  });

  it('[N4] finds the one way to keep operators and neighbourhoods apart among many', () => {
    const crowd = Array.from({ length: 40 }, (_, i) =>
      relay(`c${i}`, { operator: 'one', address: '192.0.2.9', capacity: 400 }),
    );
    const known = [...crowd, relay('x', { address: '10.1.1.1' }), relay('y', { address: '10.2.2.2' })];
    for (let i = 0; i < 20; i++) {
      const path = choose(known);
      expect(path?.diversity).toBe('full');
      expect(path?.relays.map(({ peer }) => peer)).toEqual(expect.arrayContaining(['x', 'y']));
    }
  });

  it('[N4] says when it could not keep them apart', () => {
    const near = ['a', 'b', 'c'].map((peer) => relay(peer, { address: '127.0.0.1' }));
    expect(choose(near)?.diversity).toBe('operator');
    expect(choose(near.map((each) => ({ ...each, operator: 'one' })))?.diversity).toBe('none');
  });

  it('[N4] prefers large relays, but claiming a thousand times as much gains at most four times', () => {
    const known = Array.from({ length: 20 }, (_, i) =>
      relay(`p${i}`, { capacity: i === 0 ? 100_000 : i === 1 ? 10 : 100 }),
    );
    const drawn = new Map<string, number>();
    for (let i = 0; i < 2_000; i++) {
      for (const { peer } of choose(known)!.relays) drawn.set(peer, (drawn.get(peer) ?? 0) + 1);
    }
    // Of 2,000 paths an equal one is in 300; the liar in about 900, never in nearly all.
    expect(drawn.get('p0')).toBeGreaterThan(500);
    expect(drawn.get('p0')).toBeLessThan(1_300);
    expect(drawn.get('p1') ?? 0).toBeLessThan(150);
  });

  it.each([
    ['192.0.2.77', '192.0.2'],
    ['::ffff:192.0.2.77', '192.0.2'],
    ['2001:db8:7::1', '2001:db8:7'],
    ['2001:0DB8:0007:1:2:3:4:5', '2001:db8:7'],
    ['fe80::1%eth0', 'fe80:0:0'],
    ['::1', '0:0:0'],
    ['example.org', undefined],
    [undefined, undefined],
  ])('[N4] takes %s to be in the neighbourhood %s', (address, expected) => {
    expect(neighbourhood(address)).toBe(expected);
  });
});
