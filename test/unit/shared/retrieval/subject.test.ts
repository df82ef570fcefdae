import { expect, it } from 'vitest';
import { createRetriever, type Mode } from '../../../../shared/retrieval/retriever.ts';

const BREAD = ['flour', 'yeast', 'oven', 'crust', 'dough'];
const BOATS = ['keel', 'rudder', 'mast', 'harbour', 'sail'];

/** Forty passages that say "loaf", all of bread; forty that speak of the same without the word; a hundred and twenty of boats. */
function makeIndex() {
  const retriever = createRetriever();
  const words = (from: readonly string[], n: number) =>
    [0, 1, 2].map((k) => from[(n + k * k) % from.length]!).join(' and the ');
  for (let n = 0; n < 200; n++) {
    const kind = n < 40 ? 'named' : n < 80 ? 'alike' : 'other';
    const text = `${kind === 'named' ? 'a loaf with ' : 'here is '}the ${words(kind === 'other' ? BOATS : BREAD, n)} number${n}`;
    retriever.add({ id: `${kind}-${n}`, title: '', text, group: n % 2 === 0 ? 'even' : 'odd' });
  }
  retriever.learn();
  return retriever;
}

const kindsOf = (hits: readonly { readonly id: string }[]) => hits.map(({ id }) => id.split('-')[0]);

it('[H2] deeper ranks hold what is on the subject of the first ones, in other words', () => {
  const kinds = kindsOf(makeIndex().search('loaf', { limit: 80 }));
  expect(kinds.slice(0, 40)).toEqual(Array(40).fill('named'));
  expect(kinds.slice(40)).toEqual(Array(40).fill('alike'));
});

it('[H2] the first ranks do not depend on how many are asked for, and scores go down with the ranks', () => {
  const retriever = makeIndex();
  const few = retriever.search('loaf', { limit: 10 });
  const many = retriever.search('loaf', { limit: 100 });
  expect(many.slice(0, 10)).toEqual(few);
  const scores = many.map(({ score }) => score);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  expect(new Set(many.map(({ id }) => id)).size).toBe(many.length);
});

it.each<Mode>(['lexical', 'graph'])('[H2] mode %s finds no more than what the words and names lead to', (mode) => {
  expect(new Set(kindsOf(makeIndex().search('loaf', { limit: 100, mode })))).toEqual(new Set(['named']));
});

it('[H2] deeper ranks stay inside the groups that are asked for', () => {
  const hits = makeIndex().search('loaf', { limit: 60, groups: ['even'] });
  expect(hits.length).toBeGreaterThan(30 - 1);
  expect(hits.every(({ id }) => Number(id.split('-')[1]) % 2 === 0)).toBe(true);
});

it('[H2] of passages with the same words the one that has them by each other comes first', () => {
  const retriever = createRetriever();
  const filler = 'meanwhile the river rose and nobody in the valley had seen anything like that before in their lives';
  retriever.add({
    id: 'apart',
    title: '',
    text: `copper was dear. ${filler} ${filler} a lantern. ${filler} the bridge`,
  });
  retriever.add({
    id: 'close',
    title: '',
    text: `${filler} the bridge got a lantern made from copper. ${filler} ${filler}`,
  });
  expect(retriever.search('copper lantern on the bridge').map(({ id }) => id)).toEqual(['close', 'apart']);
});

it('[H2] a letter that is a word counts, and one that an apostrophe left over does not', () => {
  const retriever = createRetriever();
  retriever.add({ id: 'vitamin d', title: '', text: 'vitamin D keeps the bones' });
  retriever.add({ id: 'vitamin c', title: '', text: "vitamin C heals; the gums don't bleed, they'd heal" });
  expect(retriever.search('vitamin d')[0]?.id).toBe('vitamin d');
  expect(retriever.search('don’t they’d').map(({ id }) => id)).toEqual([]);
});
