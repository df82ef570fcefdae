import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isOwnName, listedName } from '../../../../router/catalog/names.ts';
import { matchesTemplate } from '../../../../router/catalog/uri-template.ts';

it('[P6] keeps a name that every host takes', () => {
  expect(listedName('up__', 'echo')).toBe('up__echo');
  expect(listedName('', 'hyperrag_query')).toBe('hyperrag_query');
});

it('[P6] gives long names and names with dots a short stable hash, within 64 characters hosts take', () => {
  expect(listedName('up__', 'ledger.append')).toMatch(/^up__ledger_append_[0-9a-f]{8}$/);
  expect(listedName('up__', 'a'.repeat(128))).toHaveLength(64);
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z0-9_.-]{1,128}$/),
      fc.stringMatching(/^[A-Za-z0-9_-]{1,64}__$/),
      (own, prefix) => {
        expect(listedName(prefix, own)).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
        expect(listedName(prefix, own)).toBe(listedName(prefix, own));
      },
    ),
  );
});

it('[P6] never gives two names of one server the same listed name', () => {
  expect(listedName('up__', 'a.b')).not.toBe(listedName('up__', 'a_b'));
  expect(listedName('up__', `${'a'.repeat(127)}b`)).not.toBe(listedName('up__', `${'a'.repeat(127)}c`));
});

it.each(['', 'есho', 'echo\u200b', 'ｅｃｈｏ', 'echo ', 'a/b', 'x'.repeat(129), 'a\nb'])(
  '[P6] C06: does not take %j as a name',
  (name) => {
    expect(isOwnName(name)).toBe(false);
  },
);

it.each([
  ['note://{id}', 'note://7', true],
  ['note://{id}/x', 'note://7/x', true],
  ['note://{id}/x', 'note://7/y', false],
  ['a{b}c{d}e', 'a1c2e', true],
  ['a{b}c{d}e', 'ae', false],
  ['file:///{+path}', 'file:///a/b', true],
  ['plain', 'plain', true],
  ['plain', 'plainer', false],
  ['broken{', 'broken{', false],
])('matches template %s with %s: %s', (template, uri, expected) => {
  expect(matchesTemplate(template, uri)).toBe(expected);
});

it('[S3] D04: matches a hostile template in linear time', () => {
  const started = process.cpuUsage();
  matchesTemplate(`${'{/id*}'.repeat(30)}!`, `${'/a'.repeat(50_000)}`);
  matchesTemplate(`${'a{b}'.repeat(31)}!`, 'a'.repeat(1_000_000));
  const { user } = process.cpuUsage(started);
  expect(user / 1000).toBeLessThan(1_000);
});
