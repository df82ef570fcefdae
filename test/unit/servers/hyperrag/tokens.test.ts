import { expect, it } from 'vitest';
import { O200K } from '../../../../servers/hyperrag/tokens.ts';

it.each([
  ['', 0],
  ['hello world', 2],
  ['The quick brown fox jumps over the lazy dog. '.repeat(200), 2_001],
  ['Der Zug fährt über die Brücke.', 8],
  ['<|endoftext|>', 7],
])('[H6] counts the tokens of %j', async (text, tokens) => {
  expect(await O200K.count(text)).toBe(tokens);
});

it('[H6] counts a run without a break in little time, and lets others have their turn', async () => {
  await O200K.count('warm');
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const began = performance.now();
  const runs = Array.from({ length: 60 }, (_, n) => String.fromCodePoint(97 + (n % 26)).repeat(10_000));
  const tokens = await O200K.count(runs.join(''));
  clearInterval(timer);
  expect(tokens).toBeGreaterThan(10_000);
  expect(tokens).toBeLessThan(600_000);
  // All at once it would be minutes.
  expect(performance.now() - began).toBeLessThan(15_000);
  expect(turns).toBeGreaterThan(0);
});
