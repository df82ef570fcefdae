import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRetriever, type Hit, type Passage, type Retriever } from '../../../../shared/retrieval/retriever.ts';
import { build, TALK, VILLAGE } from './village.ts';

const ids = (hits: readonly Hit[]) => hits.map(({ id }) => id);

it('[H2] follows a name to the passage that answers, and says by which way', () => {
  const hits = build(VILLAGE).search('Where was the director of The Copper Lantern born?', { limit: 3 });
  expect(ids(hits).slice(0, 2)).toEqual(['film', 'director']);
  expect(hits[0]!.path.kind).toBe('terms');
  expect(hits[1]!.path).toEqual({ kind: 'entity', entity: 'ilse brandvold', from: 'film', hops: 1 });
  expect(hits[1]!.features.reached).toBe(hits[1]!.score);
});

it('[H2] tells the name in the question that a passage is about', () => {
  const hits = build(VILLAGE).search('winter violin market hills comedy drama of Haverly');
  expect(hits.find(({ id }) => id === 'town')?.path).toEqual({ kind: 'name', name: 'haverly' });
});

it('[H2] lets a passage gain by what it leads to, but never explains it by that', () => {
  const hits = build(VILLAGE).search('How many people has the birthplace of the director of The Copper Lantern?');
  const chain = (id: string): string[] => {
    const path = hits.find((hit) => hit.id === id)!.path;
    return path.kind === 'entity' && path.hops > 1 ? [id, ...chain(path.from)] : [id];
  };
  for (const { id, path } of hits) {
    expect(new Set(chain(id)).size).toBe(chain(id).length);
    if (path.kind === 'entity') expect(path.from).not.toBe(id);
  }
});

it.each(['director lantern', 'Director Lantern', 'born director'])(
  '[H2] follows no names from the mere keywords %j, unless it is told to',
  (keywords) => {
    const retriever = build(VILLAGE);
    const byNames = (mode: 'auto' | 'graph') =>
      retriever.search(keywords, { mode }).filter(({ features }) => features.hops > 0).length;
    expect(byNames('auto')).toBe(0);
    expect(byNames('graph')).toBeGreaterThan(0);
  },
);

it('[H2] follows names from a question without capitals that holds a name of several words', () => {
  const hits = build(VILLAGE).search('where was the director of the copper lantern born?', { limit: 3 });
  expect(ids(hits).slice(0, 2)).toEqual(['film', 'director']);
});

it('[H2] goes a second step, and says so', () => {
  const hits = build(VILLAGE).search('How many people has the birthplace of the director of The Copper Lantern?');
  expect(hits.find(({ id }) => id === 'town')?.path).toMatchObject({
    kind: 'entity',
    entity: 'haverly',
    from: 'director',
  });
});

it('[H2] prefers the link whose words the question asks for', () => {
  const hits = build(VILLAGE).search('Where was the star of The Copper Lantern born?');
  const place = (id: string) => ids(hits).indexOf(id);
  expect(place('actor')).toBeGreaterThan(0);
  expect(place('actor')).toBeLessThan(place('director'));
});

it('[H2] tells the terms that a passage was found by, and the share of the question that it covers', () => {
  const [hit] = build(VILLAGE).search('market on sundays');
  expect(hit).toMatchObject({ id: 'munn', path: { kind: 'terms', terms: ['market', 'sundai'] } });
  expect(hit!.features.coverage).toBe(1);
});

it('[H2] leaves names out in the mode for keywords, and keywords out in the mode for vectors', () => {
  const retriever = build(VILLAGE);
  const hits = retriever.search('Where was the director of The Copper Lantern born?', { mode: 'lexical' });
  expect(hits.map(({ path }) => path.kind)).not.toContain('entity');
  expect(hits.every(({ features }) => features.named === 0)).toBe(true);
  expect(retriever.search('market', { mode: 'vector' })).toEqual([]);
});

it.each(['', '   ', '?!', 'the of and', 'zzyzx', '"unbalanced AND (NEAR', 'a\u0000b\ud800', 'x'.repeat(100_000)])(
  '[H2] answers a question of nothing known with nothing (%#)',
  (question) => {
    expect(build(VILLAGE).search(question)).toEqual([]);
  },
);

it.each([0, -1, 1.5, 1_001, Number.NaN])('[H2] refuses a limit of %s and says what it may be', (limit) => {
  expect(() => build(VILLAGE).search('town', { limit })).toThrow('limit must be a whole number from 1 to 1000');
});

it('[H2] lends a turn of a conversation a share of its neighbours', () => {
  const alone = build(TALK.map(({ sequence: _, ...turn }) => turn)).search('What happened to the kiln on Friday?');
  const together = build(TALK).search('What happened to the kiln on Friday?');
  const score = (hits: readonly Hit[], id: string) => hits.find((hit) => hit.id === id)?.score ?? 0;
  expect(score(together, 'turn-1')).toBeGreaterThan(score(alone, 'turn-1'));
  expect(together.find(({ id }) => id === 'turn-1')!.features.neighbours).toBeGreaterThan(0);
  expect(score(together, 'turn-4')).toBe(score(alone, 'turn-4'));
});

it('[H2] finds inside a group only what is in it, ranked as if there were nothing else', () => {
  const mine = VILLAGE.map((passage) => ({ ...passage, group: 'mine' }));
  const theirs = VILLAGE.map(({ id, title, text }) => ({
    id: `theirs-${id}`,
    title,
    text: `${text} Secret.`,
    group: 'theirs',
  }));
  const both = build([...theirs, ...mine]);
  for (const question of ['Where was the director of The Copper Lantern born?', 'secret lantern', 'harbour town']) {
    const hits = both.search(question, { groups: ['mine'] });
    expect(hits.length).toBeGreaterThan(0);
    expect(ids(hits).filter((id) => id.startsWith('theirs'))).toEqual([]);
    expect(JSON.stringify(hits)).not.toContain('theirs');
  }
  const lexical = { mode: 'lexical', groups: ['mine'] } as const;
  expect(both.search('secret lantern', lexical)).toEqual(build(mine).search('secret lantern', lexical));
  expect(both.search('lantern', { groups: ['nobody'] })).toEqual([]);
  expect(both.search('lantern', { groups: [] })).toEqual([]);
});

it('[H1] takes a passage in place of the one with the same id', () => {
  const retriever = build(VILLAGE);
  retriever.add({ id: 'munn', title: 'Munn', text: 'Munn has a windmill.' });
  expect(retriever.size).toBe(VILLAGE.length);
  expect(ids(retriever.search('windmill'))).toEqual(['munn']);
  expect(retriever.search('sundays')).toEqual([]);
});

it('[H3] finds nothing of a removed passage, by no way, and keeps none of its words in a snapshot', () => {
  const retriever = build([
    ...VILLAGE,
    { id: 'x', title: 'Quillfeather', text: 'Haverly hid Quillfeather the Zanzibari.' },
  ]);
  retriever.learn();
  expect(ids(retriever.search('Quillfeather'))).toContain('x');
  expect(retriever.remove('x')).toBe(true);
  expect(retriever.remove('x')).toBe(false);
  expect(retriever.has('x')).toBe(false);
  for (const question of ['Quillfeather', 'zanzibari', 'Who was hidden in Haverly?']) {
    expect(ids(retriever.search(question))).not.toContain('x');
  }
  const octets = Buffer.from(retriever.snapshot()).toString('latin1');
  expect(octets).toContain('haverly');
  expect(octets).not.toContain('quillfeather');
  expect(octets).not.toContain('zanzibari');
});

const word = fc.constantFrom(
  'Haverly',
  'Ilse Brandvold',
  'harbour',
  'lantern',
  'Munn',
  'film',
  'born',
  'violin.',
  'Oste',
  'the',
);
const passage = fc.record({
  id: fc.constantFrom(...'abcdefghijkl'),
  title: fc.constantFrom('', 'Haverly', 'Ilse Brandvold', 'The Lantern (film)', 'Munn', 'Oste Harbour'),
  text: fc.array(word, { minLength: 1, maxLength: 10 }).map((words) => words.join(' ')),
});
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ add: passage }) },
  fc.record({ remove: fc.constantFrom(...'abcdefghijkl') }),
  fc.record({ ask: fc.constant('lantern') }),
);
const QUESTIONS = [
  'Where was Ilse Brandvold born?',
  'harbour lantern',
  'The Lantern (film) in Munn',
  'violin at the Oste',
];

it('[H1] answers after any additions and removals as an index built from what is left', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const grown = createRetriever();
      const left = new Map<string, Passage>();
      for (const one of steps) {
        if ('add' in one) {
          grown.add(one.add);
          left.set(one.add.id, one.add);
        } else if ('remove' in one) {
          grown.remove(one.remove);
          left.delete(one.remove);
        } else grown.search(one.ask);
      }
      const fresh = build([...left.values()].sort((a, b) => (a.id < b.id ? -1 : 1)));
      expectSame(grown, fresh);
      expectSame(createRetriever({ snapshot: grown.snapshot() }), fresh);
      expectSame(grown, fresh);
    }),
    { numRuns: 150 },
  );
});

function expectSame(one: Retriever, other: Retriever): void {
  expect(one.size).toBe(other.size);
  for (const question of QUESTIONS) {
    const [a, b] = [one.search(question), other.search(question)];
    expect(ids(a)).toEqual(ids(b));
    for (const [rank, hit] of a.entries()) expect(hit.score).toBeCloseTo(b[rank]!.score, 9);
  }
}

it('[H2] answers from an empty index, and from one whose passages are all gone', () => {
  expect(createRetriever().search('lantern')).toEqual([]);
  const retriever = build(VILLAGE);
  for (const { id } of VILLAGE) retriever.remove(id);
  expect(retriever.search('lantern')).toEqual([]);
  expect(createRetriever({ snapshot: retriever.snapshot() }).size).toBe(0);
});

it('[H1] builds itself anew when most of it is dead, and answers as before', () => {
  const retriever = build(VILLAGE);
  const before = retriever.search('Where was the director of The Copper Lantern born?');
  for (let n = 0; n < 2_100; n++) retriever.add({ id: 'draft', title: '', text: `Draft ${n} of Haverly.` });
  retriever.remove('draft');
  expect(retriever.size).toBe(VILLAGE.length);
  expect(retriever.search('Where was the director of The Copper Lantern born?')).toEqual(before);
});

it('[H2] gives the same answer to the same question, in another index too', () => {
  const [one, other] = [build(VILLAGE), build(VILLAGE)];
  one.learn();
  other.learn();
  const question = 'Where was the director of The Copper Lantern born?';
  const first = one.search(question);
  expect(one.search(question)).toEqual(first);
  expect(other.search(question)).toEqual(first);
});
