import { expect, it } from 'vitest';
import { createRetriever, type Passage } from '../../../../shared/retrieval/retriever.ts';
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

it('[H9] takes the vectors of an embedder instead', () => {
  const retriever = createRetriever({ embedderDimensions: 2 });
  for (const passage of VILLAGE) retriever.add(passage);
  retriever.setVector('munn', Float32Array.of(3, 0));
  retriever.setVector('town', Float32Array.of(0, 5));
  expect(retriever.needsLearning).toBe(false);
  const hits = retriever.search('somewhere else entirely', { mode: 'vector', vector: Float32Array.of(2, 1) });
  expect(hits.map(({ id }) => id)).toEqual(['munn', 'town']);
  expect(hits[0]!.features.vector).toBeCloseTo(2 / Math.sqrt(5), 5);
  retriever.add({ ...VILLAGE[5]!, text: 'Changed.' });
  expect(retriever.hasVector('munn')).toBe(false);
});

it('[H9] refuses vectors that do not fit, and says what was expected', () => {
  const retriever = build(VILLAGE, { embedderDimensions: 3 });
  expect(() => retriever.setVector('munn', Float32Array.of(1))).toThrow(
    'a vector of 3 dimensions was expected, one of 1 came',
  );
  expect(() => retriever.setVector('nobody', Float32Array.of(1, 2, 3))).toThrow('not in the index');
  expect(() => build(VILLAGE).setVector('munn', Float32Array.of(1))).toThrow('a vector of no dimensions');
});
