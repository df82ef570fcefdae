import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Needs, type Offer, place, scoreOf, whyNowhere, worth } from '../../../../servers/fog/work/placement.ts';

const need = (over: Partial<Needs> = {}): Needs => ({
  id: 'w',
  program: 'command:sleep',
  cpuCores: 1,
  memoryGb: 1,
  gpu: false,
  targetNode: undefined,
  priority: 5,
  maxPriceMicro: undefined,
  group: 'g',
  avoid: [],
  ...over,
});

const offer = (nodeId: string, over: Partial<Offer> = {}): Offer => ({
  nodeId,
  programs: new Set(['command:sleep']),
  cpuCores: 4,
  memoryGb: 8,
  freeCpuCores: 4,
  freeMemoryGb: 8,
  gpu: false,
  load: 0,
  latencyMs: 1,
  priceMicro: 0,
  groups: new Map(),
  ...over,
});

const where = (needs: readonly Needs[], offers: readonly Offer[]) =>
  place(needs, offers).map(({ id, nodeId }) => `${id}@${nodeId}`);

describe('place', () => {
  it.each<[string, Partial<Needs>, Partial<Offer>]>([
    ['too few cores', { cpuCores: 5 }, {}],
    ['too little memory', { memoryGb: 9 }, {}],
    ['cores that others hold', { cpuCores: 2 }, { freeCpuCores: 1 }],
    ['no GPU', { gpu: true }, {}],
    ['another program', { program: 'agent:magi' }, {}],
    ['another target', { targetNode: 'b' }, {}],
    ['a higher price', { maxPriceMicro: 10 }, { priceMicro: 11 }],
  ])('[F2] leaves out a node with %s', (_, asked, has) => {
    expect(place([need(asked)], [offer('a', has)])).toEqual([]);
  });

  it.each<[string, Partial<Offer>, Partial<Offer>]>([
    ['the fuller one', { freeCpuCores: 1, freeMemoryGb: 1 }, {}],
    ['the idle one', { load: 0.1 }, { load: 0.9 }],
    ['the near one', { latencyMs: 1 }, { latencyMs: 200 }],
    ['the cheap one', { priceMicro: 1 }, { priceMicro: 5_000 }],
    ['the one that runs none of the group', {}, { groups: new Map([['g', 2]]) }],
  ])('[F2] prefers %s', (_, better, worse) => {
    expect(where([need()], [offer('b', better), offer('a', worse)])).toEqual(['w@b']);
  });

  it('[F2] spreads work of one group, also within one round', () => {
    const needs = ['x', 'y', 'z'].map((id) => need({ id }));
    const nodes = ['a', 'b', 'c'].map((id) => offer(id));
    expect(new Set(place(needs, nodes).map(({ nodeId }) => nodeId)).size).toBe(3);
  });

  it('[F2] goes back to a node that lost the work only when no other will do', () => {
    const lost = need({ avoid: ['a'] });
    expect(where([lost], [offer('a'), offer('b', { load: 1, latencyMs: 500 })])).toEqual(['w@b']);
    expect(where([lost], [offer('a')])).toEqual(['w@a']);
  });

  it('[F2] lets the more important have the room', () => {
    const needs = [need({ id: 'low', priority: 1, cpuCores: 4 }), need({ id: 'high', priority: 9, cpuCores: 4 })];
    expect(where(needs, [offer('a')])).toEqual(['high@a']);
  });

  it('[F2] says why there is no place', () => {
    expect(whyNowhere(need(), [])).toBe('no node is here');
    expect(whyNowhere(need({ cpuCores: 64 }), [offer('a')])).toBe('no node has 64 cores and 1 GB');
    expect(whyNowhere(need(), [offer('a', { freeCpuCores: 0 })])).toBe('all nodes that would do are full');
  });
});

/** Every combination, the value of the best. */
function optimum(needs: readonly Needs[], offers: readonly Offer[]): number {
  const rooms = offers.map((one) => ({
    offer: one,
    cpu: one.freeCpuCores,
    memory: one.freeMemoryGb,
    groups: new Map<string, number>(),
  }));
  const from = (at: number): number => {
    const item = needs[at];
    if (item === undefined) return 0;
    let best = from(at + 1);
    for (const room of rooms) {
      const score = scoreOf(item, room);
      if (score === undefined) continue;
      room.cpu -= item.cpuCores;
      room.memory -= item.memoryGb;
      const before = room.groups.get(item.group) ?? 0;
      room.groups.set(item.group, before + 1);
      best = Math.max(best, worth(item, score) + from(at + 1));
      room.cpu += item.cpuCores;
      room.memory += item.memoryGb;
      room.groups.set(item.group, before);
    }
    return best;
  };
  return from(0);
}

function totalOf(needs: readonly Needs[], offers: readonly Offer[]): number {
  const placed = new Map(place(needs, offers).map(({ id, nodeId }) => [id, nodeId]));
  const rooms = new Map(
    offers.map((one) => [
      one.nodeId,
      { offer: one, cpu: one.freeCpuCores, memory: one.freeMemoryGb, groups: new Map<string, number>() },
    ]),
  );
  let value = 0;
  for (const item of needs) {
    const room = rooms.get(placed.get(item.id) ?? '');
    if (room === undefined) continue;
    const score = scoreOf(item, room);
    if (score === undefined) throw new Error(`${item.id} does not fit where it was placed`);
    value += worth(item, score);
    room.cpu -= item.cpuCores;
    room.memory -= item.memoryGb;
    room.groups.set(item.group, (room.groups.get(item.group) ?? 0) + 1);
  }
  return value;
}

const anyNeed = fc.record({
  cpuCores: fc.integer({ min: 1, max: 4 }),
  memoryGb: fc.integer({ min: 1, max: 4 }),
  priority: fc.integer({ min: 1, max: 3 }),
  group: fc.constantFrom('g', 'h'),
});
const anyOffer = fc.record({
  freeCpuCores: fc.integer({ min: 0, max: 4 }),
  freeMemoryGb: fc.integer({ min: 0, max: 8 }),
  load: fc.double({ min: 0, max: 1, noNaN: true }),
  priceMicro: fc.integer({ min: 0, max: 5_000 }),
});
const cases = fc.record({
  needs: fc
    .array(anyNeed, { minLength: 1, maxLength: 5 })
    .map((all) => all.map((one, index) => need({ ...one, id: `w${index}` }))),
  offers: fc
    .array(anyOffer, { minLength: 1, maxLength: 4 })
    .map((all) => all.map((one, index) => offer(`n${index}`, one))),
});

describe('place against every combination', () => {
  it('[F2] is within a tenth of the best, and never gives away more than there is', () => {
    fc.assert(
      fc.property(cases, ({ needs, offers }) => {
        expect(totalOf(needs, offers)).toBeGreaterThanOrEqual(0.9 * optimum(needs, offers));
      }),
      { numRuns: 400 },
    );
  });

  it('[F2] gives the same for the same, in whatever order the nodes come', () => {
    fc.assert(
      fc.property(cases, ({ needs, offers }) => {
        expect(place(needs, offers.toReversed())).toEqual(place(needs, offers));
      }),
      { numRuns: 200 },
    );
  });
});
