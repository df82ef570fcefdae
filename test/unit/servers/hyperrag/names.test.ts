import { describe, expect, it } from 'vitest';
import { foldName, namesOfTitle, sentencesOf } from '../../../../servers/hyperrag/graph/names.ts';

const names = (text: string) => sentencesOf(text).map((sentence) => sentence.names.map(({ name }) => name));

describe('sentencesOf', () => {
  it.each([
    ['Ada Lovelace met Charles Babbage in London.', [['Ada Lovelace', 'Charles Babbage', 'London']]],
    ['The king of Spain sailed. In 1492 he met Christopher Columbus.', [['Spain'], ['Christopher Columbus']]],
    ['Dr. J. R. Smith lives in St. Ives. He works.', [['Dr. J. R. Smith', 'St. Ives'], []]],
    ["Marta's bees came from the Isle of Man.", [['Marta', 'Isle of Man']]],
    ['Apollo 11 landed on the Moon.', [['Apollo 11', 'Moon']]],
    ['Émile Zola wrote about Łódź.', [['Émile Zola', 'Łódź']]],
    ['nothing here', [[]]],
  ])('[H4] finds the names in %j', (text, expected) => {
    expect(names(text)).toEqual(expected);
  });

  it('[H4] takes time in proportion to the length', () => {
    const began = performance.now();
    sentencesOf('A'.repeat(200_000));
    sentencesOf('Ab '.repeat(100_000));
    sentencesOf('. '.repeat(100_000));
    sentencesOf(`Aa of the ${'of the '.repeat(50_000)}`);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

it('[H4] folds case, accents and spaces', () => {
  expect(foldName('  Émile   ZOLA ')).toBe('emile zola');
});

it('[H4] names a title with and without its brackets', () => {
  expect(namesOfTitle('Mercury (planet)')).toEqual(['Mercury (planet)', 'Mercury']);
  expect(namesOfTitle('')).toEqual([]);
});
