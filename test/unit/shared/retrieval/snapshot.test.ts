import { expect, it } from 'vitest';
import { createRetriever } from '../../../../shared/retrieval/retriever.ts';
import { SnapshotError } from '../../../../shared/retrieval/snapshot.ts';
import { build, TALK, VILLAGE } from './village.ts';

const QUESTIONS = ['Where was the director of The Copper Lantern born?', 'What cracked on Friday?', 'a harbour town'];
const MANY = Array.from({ length: 40 }, (_, n) => ({
  id: `n${n}`,
  title: `Mill ${n}`,
  text: `A mill that grinds corn ${n}.`,
}));

it('[H2] answers from a snapshot as before it, and goes on growing', () => {
  const before = build([...VILLAGE, ...TALK, ...MANY]);
  before.learn();
  const after = createRetriever({ snapshot: before.snapshot() });
  expect(after.size).toBe(before.size);
  for (const question of QUESTIONS) expect(after.search(question)).toEqual(before.search(question));
  for (const retriever of [before, after]) {
    retriever.remove('actor');
    retriever.add({ id: 'oste', title: 'Oste', text: 'The Oste is a river that Ilse Brandvold painted.' });
  }
  for (const question of [...QUESTIONS, 'Which river did Ilse Brandvold paint?']) {
    expect(after.search(question)).toEqual(before.search(question));
  }
});

it('[H2] keeps what is left of the vectors when removed passages are dropped', () => {
  const retriever = build([...VILLAGE, ...MANY]);
  retriever.learn();
  retriever.remove('film');
  const after = createRetriever({ snapshot: retriever.snapshot() });
  expect(after.hasVector('n7')).toBe(true);
  expect(after.search('corn', { mode: 'vector' })).toEqual(retriever.search('corn', { mode: 'vector' }));
  expect(after.search('corn', { mode: 'vector' }).length).toBeGreaterThan(0);
});

it("[H9] keeps the built-in vectors; an embedder's are its owner's to bring again", () => {
  const before = build([...VILLAGE, ...MANY]);
  before.learn();
  before.expectVectors(3);
  before.setVector('n7', Float32Array.of(1, 0, 0));
  const after = createRetriever({ snapshot: before.snapshot() });
  expect(after.hasVector('n7')).toBe(true);
  after.expectVectors(3);
  expect(after.hasVector('n7')).toBe(false);
});

it('[H2] reads a snapshot from octets that lie anywhere in a larger buffer', () => {
  const octets = build(VILLAGE).snapshot();
  const larger = new Uint8Array(octets.length + 3);
  larger.set(octets, 3);
  expect(createRetriever({ snapshot: larger.subarray(3) }).size).toBe(VILLAGE.length);
});

it.each([
  ['is empty', () => new Uint8Array(0), 'too short'],
  ['is something else', () => new Uint8Array(100), 'begins otherwise'],
  ['is of another version', (octets: Uint8Array) => change(octets, 4), 'version'],
  ['has a changed octet', (octets: Uint8Array) => change(octets, octets.length >> 1), 'damaged'],
  ['is cut short', (octets: Uint8Array) => octets.slice(0, -9), 'damaged'],
])('[H2] refuses a snapshot that %s', (_, damage, message) => {
  const snapshot = damage(build(VILLAGE).snapshot());
  expect(() => createRetriever({ snapshot })).toThrow(SnapshotError);
  expect(() => createRetriever({ snapshot })).toThrow(message);
});

function change(octets: Uint8Array, at: number): Uint8Array {
  const changed = octets.slice();
  changed[at]! ^= 0x55;
  return changed;
}
