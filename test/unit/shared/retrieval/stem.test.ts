import { expect, it } from 'vitest';
import { stem } from '../../../../shared/retrieval/stem.ts';
import { isStopWord, termOf } from '../../../../shared/retrieval/terms.ts';

// The examples of Porter's paper, each taken through all steps.
it.each([
  ['caresses', 'caress'],
  ['ponies', 'poni'],
  ['ties', 'ti'],
  ['cats', 'cat'],
  ['feed', 'feed'],
  ['agreed', 'agre'],
  ['plastered', 'plaster'],
  ['bled', 'bled'],
  ['motoring', 'motor'],
  ['sing', 'sing'],
  ['conflated', 'conflat'],
  ['troubled', 'troubl'],
  ['sized', 'size'],
  ['hopping', 'hop'],
  ['tanned', 'tan'],
  ['falling', 'fall'],
  ['hissing', 'hiss'],
  ['fizzed', 'fizz'],
  ['failing', 'fail'],
  ['filing', 'file'],
  ['happy', 'happi'],
  ['sky', 'sky'],
  ['relational', 'relat'],
  ['conditional', 'condit'],
  ['rational', 'ration'],
  ['digitizer', 'digit'],
  ['vietnamization', 'vietnam'],
  ['operator', 'oper'],
  ['feudalism', 'feudal'],
  ['decisiveness', 'decis'],
  ['hopefulness', 'hope'],
  ['callousness', 'callous'],
  ['sensibiliti', 'sensibl'],
  ['triplicate', 'triplic'],
  ['formative', 'form'],
  ['electrical', 'electr'],
  ['goodness', 'good'],
  ['revival', 'reviv'],
  ['allowance', 'allow'],
  ['inference', 'infer'],
  ['adjustment', 'adjust'],
  ['adoption', 'adopt'],
  ['effective', 'effect'],
  ['probate', 'probat'],
  ['rate', 'rate'],
  ['cease', 'ceas'],
  ['controll', 'control'],
  ['roll', 'roll'],
  ['generalizations', 'gener'],
  ['oscillators', 'oscil'],
])('[H2] stems %s to %s as Porter does', (word, expected) => {
  expect(stem(word)).toBe(expected);
});

it.each(['is', 'mri', '1994', 'h2o', 'straße', '東'])(
  '[H2] leaves %s, which has no English suffix, as it is',
  (word) => {
    expect(stem(word)).toBe(word);
  },
);

it.each([
  ['wrote', 'writes'],
  ['written', 'writer'],
  ['directed', 'director'],
  ['birthplace', 'born'],
  ['death', 'died'],
  ['went', 'going'],
  ['children', 'child'],
])('[H2] finds %s by %s', (one, other) => {
  expect(termOf(one)).toBe(termOf(other));
});

it('[H2] gives stop words no term', () => {
  expect(isStopWord('which')).toBe(true);
  expect(termOf('which')).toBeUndefined();
});
