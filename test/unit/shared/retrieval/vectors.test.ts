import { expect, it } from 'vitest';
import type { Passage } from '../../../../shared/retrieval/retriever.ts';
import { build, VILLAGE } from './village.ts';

// Two subjects; "stove" and "oven" never stand together, but both stand with "bake".
const KITCHEN: Passage[] = Array.from({ length: 24 }, (_, n) => ({
  id: `kitchen-${n}`,
  title: '',
  text: n % 2 === 0 ? `bake bread hot stove dough ${n}` : `bake cake hot oven dough ${n}`,
}));
const GARDEN: Passage[] = Array.from({ length: 24 }, (_, n) => ({
  id: `garden-${n}`,
  title: '',
  text: `rake soil seed water spade ${n}`,
}));
const BOTH = [...KITCHEN, ...GARDEN];

it('[H9] finds what is on the same subject in other words, with nothing but the corpus to learn from', () => {
  const retriever = build(BOTH);
  expect(retriever.needsLearning).toBe(true);
  retriever.learn();
  expect(retriever.needsLearning).toBe(false);
  const hits = retriever.search('oven', { limit: 24 });
  const byVector = hits.filter(({ path }) => path.kind === 'vector').map(({ id }) => id);
  expect(byVector.length).toBeGreaterThan(6);
  expect(byVector.every((id) => id.startsWith('kitchen'))).toBe(true);
});

it('[H9] folds in what comes after learning, forgets what goes, and wants to learn again when much has changed', () => {
  const retriever = build(BOTH);
  retriever.learn();
  retriever.add({ id: 'late', title: '', text: 'a dough to bake' });
  expect(retriever.hasVector('late')).toBe(true);
  retriever.remove('kitchen-0');
  const hits = retriever.search('oven', { mode: 'vector', limit: 40 }).map(({ id }) => id);
  expect(hits).toContain('late');
  expect(hits).not.toContain('kitchen-0');
  expect(retriever.needsLearning).toBe(false);
  for (let n = 0; n < 20; n++) retriever.add({ id: `new-${n}`, title: '', text: 'lamp wick oil' });
  expect(retriever.needsLearning).toBe(true);
});

it('[H9] learns in slices between which passages come and go', () => {
  const retriever = build(BOTH);
  const steps = retriever.learning();
  let slices = 0;
  while (steps.next().done !== true) {
    slices++;
    if (slices === 3) retriever.add({ id: 'late', title: '', text: 'a dough to bake' });
    if (slices === 4) retriever.remove('garden-3');
    if (slices === 5) expect(retriever.search('spade').length).toBeGreaterThan(0);
  }
  expect(slices).toBeGreaterThan(5);
  expect(retriever.hasVector('late')).toBe(true);
  expect(retriever.search('rake', { mode: 'vector', limit: 100 }).map(({ id }) => id)).not.toContain('garden-3');
});

it("[H9] takes an embedder's vectors beside its own, and searches by them when the question comes with one", () => {
  const retriever = build([...VILLAGE, ...BOTH]);
  retriever.learn();
  retriever.expectVectors(2);
  retriever.setVector('munn', Float32Array.of(3, 0));
  retriever.setVector('town', Float32Array.of(0, 5));
  const hits = retriever.search('somewhere else entirely', { mode: 'vector', vector: Float32Array.of(2, 1) });
  expect(hits.map(({ id }) => id)).toEqual(['munn', 'town']);
  const own = retriever.search('oven', { mode: 'vector' }).map(({ id }) => id);
  expect(own.length).toBeGreaterThan(6);
  expect(own.every((id) => id.startsWith('kitchen'))).toBe(true);
  retriever.add({ ...VILLAGE[5]!, text: 'Changed.' });
  expect(retriever.hasVector('munn')).toBe(false);
});

it("[H9] takes off what an embedder's vectors have in common", () => {
  const retriever = build(BOTH);
  retriever.expectVectors(2);
  for (const [n, { id }] of BOTH.entries()) retriever.setVector(id, Float32Array.of(5, n === 0 ? 1 : n / 100));
  const [first, second] = retriever.search('nothing of these', { mode: 'vector', vector: Float32Array.of(5, 1) });
  expect(first!.id).toBe('kitchen-0');
  expect(first!.features.vector).toBeCloseTo(1, 3);
  expect(second!.features.vector).toBeLessThan(0.95);
});

it("[H9] forgets an embedder's vectors when another one's are expected", () => {
  const retriever = build(VILLAGE);
  retriever.expectVectors(2);
  retriever.setVector('munn', Float32Array.of(3, 0));
  retriever.expectVectors(2);
  expect(retriever.hasVector('munn')).toBe(true);
  retriever.expectVectors(3);
  expect(retriever.hasVector('munn')).toBe(false);
});

it('[H9] refuses vectors that do not fit, and says what was expected', () => {
  const retriever = build(VILLAGE);
  expect(() => retriever.setVector('munn', Float32Array.of(1))).toThrow('a vector of no dimensions');
  retriever.expectVectors(3);
  expect(() => retriever.setVector('munn', Float32Array.of(1))).toThrow(
    'a vector of 3 dimensions was expected, one of 1 came',
  );
  expect(() => retriever.setVector('nobody', Float32Array.of(1, 2, 3))).toThrow('not in the index');
});
