import { expect, it } from 'vitest';
import { resolveOverlaps } from '../../../../shared/privacy/findings.ts';
import { openPrivacy } from '../../../../shared/privacy/privacy.ts';

const { scan } = await openPrivacy();

function found(text: string): string[] {
  return scan(text).map(({ kind, start, end }) => `${kind}:${text.slice(start, end)}`);
}

it('[T4] every finding has a kind, a span, a rule and a confidence, and never the value', () => {
  const [finding, ...rest] = scan('Ask ida@example.org in May.');
  expect(rest).toEqual([]);
  expect(finding).toEqual({ kind: 'email', start: 4, end: 19, confidence: 0.98, rule: 'email' });
});

it.each([
  ['a card with a wrong check digit', 'Card 4111 1111 1111 1112 was used.'],
  ['an IBAN with a wrong check', 'IBAN DE45 5001 0517 5407 3249 31'],
  ['an IBAN of a country that has none', 'XX44 5001 0517 5407 3249 31'],
  ['a DNI with the wrong letter', 'DNI 12345678A'],
  ['a NIR with a wrong key', 'NIR 2 84 05 75 116 004 12'],
  ['a Steuer-ID with a wrong check', 'IdNr. 86 095 742 710'],
  ['an SSN of an area that is not given out', 'SSN 666-12-3456, 000-12-3456, 987-65-4321'],
  ['dates', 'From 12/05/2023 to 2024-03-31, 01.02.2025 and 14-02-2024.'],
  ['versions', 'version 10.0.19045, v1.2.3.4, release 2024.11.3.120'],
  ['loopback and masks', '127.0.0.1 and 255.255.255.0 and ::1'],
  ['times and ratios', '12:30:15, 16:9 and std::vector'],
  ['sums of money', '612 345 678 € and 900 000 000 EUR and $ 202-555-0147'],
  ['a commit', '9fceb02d0ae598e95dc970b74767f19372d61af8'],
  ['an address of a page', 'https://docs.example.org/en/v2.1.0/install.html?page=2#linux'],
  ['a password that is only asked for', 'password: required; Passwort: ******'],
  ['a public certificate', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
  ['a pseudonym', 'Dr. [PERSON_3f2a90c1] and [EMAIL_0c4e71bd]'],
  ['code', 'users.Anna.name; Katharina(x); mod::Heinrich; $Peter; name_Anna; Gerda=1; /home/Emily/'],
])('[T4] leaves %s alone', (_, text) => {
  expect(found(text)).toEqual([]);
});

it.each([
  ['digits of other scripts', 'card ４１１１ １１１１ １１１１ １１１１', ['card:４１１１ １１１１ １１１１ １１１１']],
  ['invisible characters inside', 'ida\u200B@exam\u00ADple.org', ['email:ida\u200B@exam\u00ADple.org']],
  [
    'no-break spaces and odd dashes',
    'Tél. 06\u202F12\u202F34\u202F56\u202F78, SSN 524\u201191\u20119389',
    ['phone:06\u202F12\u202F34\u202F56\u202F78', 'national_id:524\u201191\u20119389'],
  ],
  ['accents as characters of their own', 'Chère Ame\u0301lie Dubois, merci.', ['person:Ame\u0301lie Dubois']],
  ['emoji and right-to-left text beside it', 'שלום 😀 ida@example.org 👍🏽', ['email:ida@example.org']],
  ['a lone surrogate beside it', '\uD83D ida@example.org \uDE00', ['email:ida@example.org']],
  [
    'several cards in a row',
    '4111 1111 1111 1111 5555 5555 5555 4444',
    ['card:4111 1111 1111 1111', 'card:5555 5555 5555 4444'],
  ],
  [
    'an address inside another kind',
    'https://ida:geheim1@example.org/x',
    ['secret_url:https://ida:geheim1@example.org/x'],
  ],
  [
    'a family name that stands alone later',
    'Hannelore Wittkamp called. Later Wittkamp wrote.',
    ['person:Hannelore Wittkamp', 'person:Wittkamp'],
  ],
  [
    'a private key that is cut off',
    '-----BEGIN PRIVATE KEY-----\nMIIEvQ',
    ['secret:-----BEGIN PRIVATE KEY-----\nMIIEvQ'],
  ],
])('[T4] finds it with %s', (_, text, expected) => {
  expect(found(text)).toEqual(expected);
});

it('of overlapping findings the longer stands, of equal length the kind that comes first', () => {
  const at = (kind: 'email' | 'person' | 'phone' | 'card', start: number, end: number) => ({
    kind,
    start,
    end,
    confidence: 1,
    rule: kind,
  });
  expect(resolveOverlaps([at('person', 0, 5), at('email', 3, 20), at('phone', 30, 40), at('card', 30, 40)])).toEqual([
    at('email', 3, 20),
    at('card', 30, 40),
  ]);
  expect(resolveOverlaps([at('person', 4, 6), at('person', 0, 2)])).toEqual([at('person', 0, 2), at('person', 4, 6)]);
});
