import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileWildcard } from '../../../../shared/matrix/wildcard.ts';

it.each([
  ['*', '', true],
  ['*', 'a/b', true],
  ['a*', 'a', true],
  ['a*', 'ba', false],
  ['*a', 'ba', true],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['ab*bc', 'abc', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*bc*c', 'abc', false],
  ['A', 'a', false],
  ['a.c', 'abc', false],
  ['[a]', 'a', false],
  ['a', 'a', true],
  ['a', 'ab', false],
])('[M1] %s against %j is %s', (pattern, text, expected) => {
  expect(compileWildcard(pattern).matches(text)).toBe(expected);
});

/** What `*` means, said without regard to time. */
function slow(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern[0] === '*') return slow(pattern.slice(1), text) || (text !== '' && slow(pattern, text.slice(1)));
  return text !== '' && pattern[0] === text[0] && slow(pattern.slice(1), text.slice(1));
}

it('[M1] agrees with the obvious definition on random patterns and texts', () => {
  const some = (unit: string) => fc.string({ unit: fc.constantFrom(...unit), maxLength: 8 });
  fc.assert(
    fc.property(some('ab*'), some('ab'), (pattern, text) => {
      expect(compileWildcard(pattern).matches(text)).toBe(slow(pattern, text));
    }),
    { numRuns: 5_000 },
  );
});

it('[S3] takes no longer for a pattern made to blow up', () => {
  const { matches } = compileWildcard(`${'a*'.repeat(250)}b`);
  const start = process.cpuUsage();
  expect(matches('a'.repeat(50_000))).toBe(false);
  expect(matches(`${'a'.repeat(50_000)}bc`)).toBe(false);
  expect(matches(`${'a'.repeat(50_000)}b`)).toBe(true);
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1_000).toBeLessThan(100);
});
