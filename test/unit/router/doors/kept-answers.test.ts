import { expect, it } from 'vitest';
import { KeptAnswers } from '../../../../router/doors/kept-answers.ts';

const MIB = 2 ** 20;

it('[P7] keeps large answers up to a bound, and lets go of the oldest first', () => {
  const kept = new KeptAnswers();
  const dropped: string[] = [];
  const streams = ['a', 'b', 'c'].map((name) => ({ name }));
  for (const stream of streams) kept.add(stream, 3 * MIB, () => dropped.push(stream.name));
  expect(dropped).toEqual(['a']);
  kept.remove(streams[1]!);
  kept.add({}, 5 * MIB, () => dropped.push('d'));
  expect(dropped).toEqual(['a']);
});
