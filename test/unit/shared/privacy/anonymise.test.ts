import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openPrivacy } from '../../../../shared/privacy/privacy.ts';
import { createPseudonyms, newPseudonymKey, PSEUDONYM } from '../../../../shared/privacy/pseudonyms.ts';
import { readLabelled } from '../../../fixtures/privacy/labelled.ts';

const { scan, anonymise } = await openPrivacy();
const key = new Uint8Array(32).fill(7);
const pseudonyms = createPseudonyms(key);

const TEXT =
  'Frau Katharina Oswald (katharina.oswald@post.example) wohnt Lindenallee 35a, 04109 Leipzig. Tel.: 0711-2189043.';

it('[T4] puts a pseudonym in place of each finding and leaves the rest as it was', () => {
  const { text, findings } = anonymise(TEXT, pseudonyms);
  expect(text.replaceAll(PSEUDONYM, '…')).toBe('Frau … (…) wohnt …. Tel.: ….');
  expect(findings.map(({ kind, start, end }) => [kind, TEXT.slice(start, end)])).toEqual([
    ['person', 'Katharina Oswald'],
    ['email', 'katharina.oswald@post.example'],
    ['address', 'Lindenallee 35a, 04109 Leipzig'],
    ['phone', '0711-2189043'],
  ]);
  for (const { pseudonym } of findings) expect(text).toContain(pseudonym);
});

it('[T4] the same value has the same pseudonym in every text of a store, however it is spelt; another store another one', () => {
  const pseudonymIn = (text: string, by = pseudonyms) => anonymise(text, by).findings[0]?.pseudonym;
  const first = pseudonymIn('Write to Ida.Bohn@Example.org today.');
  expect(first).toMatch(/^\[EMAIL_[0-9a-f]{8}\]$/);
  expect(pseudonymIn('ida.bohn@example.org answered.')).toBe(first);
  expect(pseudonymIn('ida.bohn@example.org answered.', createPseudonyms(key))).toBe(first);
  expect(pseudonymIn('ida.bohn@example.org answered.', createPseudonyms(newPseudonymKey()))).not.toBe(first);
  const card = pseudonymIn('Karte 4111 1111 1111 1111');
  expect(pseudonymIn('card 4111-1111-1111-1111')).toBe(card);
});

it('a key that is too short is refused with what was expected', () => {
  expect(() => createPseudonyms(new Uint8Array(8))).toThrow(/at least 16 octets was expected, 8 came/);
});

it('[T4] nothing is found in what was anonymised, on every labelled sentence and on all of them in one text', () => {
  const sentences = [...readLabelled('tuned'), ...readLabelled('held-out')].map(({ text }) => text);
  for (const text of [...sentences, sentences.join('\n'), sentences.join(' ')]) {
    expect(scan(anonymise(text, pseudonyms).text)).toEqual([]);
  }
});

it('[T4] anonymised text stays as it is when it is anonymised again', () => {
  const once = anonymise(TEXT, pseudonyms).text;
  expect(anonymise(once, pseudonyms)).toEqual({ text: once, findings: [] });
});

it('[T4] any mix of pieces of personal data: silent afterwards, places of the original right, the rest untouched', () => {
  const pieces = [
    'Anna',
    'Schmidt',
    'Dr.',
    'von',
    'Peter',
    'a@b.example',
    '+49 30 901820',
    '030 1234567',
    '4111 1111 1111 1111',
    '1',
    '12',
    'Straße',
    'Lindenweg',
    'geboren',
    '3.2.1971',
    'né le',
    'password:',
    'x9$kkQ77',
    'https://a:b@c.example/',
    '[PERSON_3f2a90c1]',
    '[',
    ']',
    ',',
    '.',
    '\n',
    '\u200B',
    '😀',
    '\uD800',
    'DE44 5001 0517 5407 3249 31',
    '10.0.0.7',
    'Calle Mayor 5',
    '2º B',
    'and',
    '&',
    '-',
    "d'",
    'J.',
    'M.',
    'said',
    '123-45-6789',
  ];
  const text = fc.array(fc.tuple(fc.constantFrom(...pieces), fc.constantFrom('', ' ', ' ', ' ', ', ')), {
    maxLength: 14,
  });
  fc.assert(
    fc.property(text, (parts) => {
      const original = parts.flat().join('');
      const { text: result, findings } = anonymise(original, pseudonyms);
      expect(scan(result)).toEqual([]);
      let rebuilt = '';
      let from = 0;
      for (const { start, end, pseudonym } of findings) {
        expect(start).toBeGreaterThanOrEqual(from);
        rebuilt += original.slice(from, start) + pseudonym;
        from = end;
      }
      expect(rebuilt + original.slice(from)).toBe(result);
    }),
    { numRuns: 2_000, seed: 42 },
  );
});
