import { expect, it } from 'vitest';
import { openPrivacy } from '../../../../shared/privacy/privacy.ts';

const privacy = await openPrivacy();
const MEGABYTE = 1_000_000;
/** Usual is 0.1 to 0.6 s; work that grew with the square of the text would take hours. */
const MOST_CPU_MS = 8_000;

function filled(pattern: string): string {
  return pattern.repeat(Math.ceil(MEGABYTE / pattern.length)).slice(0, MEGABYTE);
}

it.each([
  ['digits', '1'],
  ['digits and spaces', '1 '],
  ['a@', 'a@'],
  ['a@a.', 'a@a.'],
  ['spaces', ' '],
  ['emoji', '😀👨‍👩‍👧'],
  ['right-to-left letters', 'שלום عليكم '],
  ['lone surrogates', 'a\uD800\uDC00\uDC00'],
  ['zero-width characters between digits', '4\u200B'],
  ['capitals', 'Aa '],
  ['initials', 'J. '],
  ['plus signs', '+1 '],
  ['dots and digits', '1.1.'],
  ['beginnings of tokens', 'eyJ-'],
  ['parts of tokens', 'eyJa.'],
  ['beginnings of private keys', '-----BEGIN PRIVATE KEY-----'],
  ['addresses without a path', 'http://a:b'],
  ['street numbers without a street', '1 Aa Bb '],
  ['beginnings of streets', 'Am Aa-'],
  ['births without a date', 'geboren '],
  ['named secrets without one', 'password='],
  ['walls', '[PERSON_3f2a90c1] '],
])('[T4] 1 MB of %s costs work in proportion to the text, and nothing is thrown', (_, pattern) => {
  const text = filled(pattern);
  const before = process.cpuUsage();
  const findings = privacy.scan(text);
  const { user } = process.cpuUsage(before);
  expect(user / 1_000).toBeLessThan(MOST_CPU_MS);
  for (const { start, end } of findings) expect(end > start && end <= text.length).toBe(true);
});
