import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Lists, Uint32List } from '../../../../shared/retrieval/growable.ts';
import { Trie } from '../../../../shared/retrieval/trie.ts';

function read(lists: Lists, list: number): number[] {
  const values: number[] = [];
  lists.some(list, (value) => {
    values.push(value);
    return false;
  });
  return values;
}

it('[H2] keeps many growing lists apart and in order, also when saved and grown further', () => {
  const additions = fc.array(fc.tuple(fc.nat(20), fc.nat(0xffff_ffff)), { maxLength: 3_000 });
  fc.assert(
    fc.property(additions, additions, (before, after) => {
      const model = new Map<number, number[]>();
      const enter = (lists: Lists, entries: [number, number][]) => {
        for (const [list, value] of entries) {
          lists.add(list, value);
          model.set(list, [...(model.get(list) ?? []), value]);
        }
      };
      const first = new Lists();
      enter(first, before);
      const lists = new Lists(first.save());
      enter(lists, after);
      for (let list = 0; list <= 21; list++) expect(read(lists, list)).toEqual(model.get(list) ?? []);
    }),
    { numRuns: 30 },
  );
});

it('[H2] stops going through a list when it has found what it looked for', () => {
  const lists = new Lists();
  for (const value of [1, 2, 3]) lists.add(0, value);
  const seen: number[] = [];
  expect(lists.some(0, (value) => seen.push(value) === 2)).toBe(true);
  expect(seen).toEqual([1, 2]);
});

it('[H2] reads new room in a list of numbers as 0', () => {
  const list = new Uint32List(2);
  list.push(7);
  list.extend(500);
  expect([list.at(0), list.at(1), list.at(499), list.length]).toEqual([7, 0, 0, 500]);
});

it('[H2] gives each row of words one node, and tells it back', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(50), { minLength: 1, maxLength: 6 }), { maxLength: 300 }), (rows) => {
      const first = new Trie();
      for (const row of rows) first.enter(Uint32Array.from(row), 0, row.length, 0xff);
      const trie = new Trie(first.save());
      for (const row of rows) {
        const node = row.reduce((at, word) => trie.child(at, word), 0);
        expect(node).toBe(first.enter(Uint32Array.from(row), 0, row.length, 0xff));
        expect(trie.path(node)).toEqual(row);
        expect(trie.depth(node)).toBe(row.length);
      }
      expect(trie.child(0, 51)).toBe(0);
    }),
    { numRuns: 50 },
  );
});
