/** Payment cards (Luhn and issuer's prefix) and IBANs (country's length and checksum). */
import type { Finding } from '../findings.ts';
import { passesIbanCheck, passesLuhn } from './checksums.ts';

/** Groups of digits with one space or dash between them; never begins inside a number or a sum. */
const RUN = /(?<![\d.,])\d{1,19}(?:[ -]\d{1,19}){0,18}(?!\d)/g;
const FEWEST_DIGITS = 13;
const MOST_DIGITS = 19;

/** ISO/IEC 7812 prefixes of the issuers, with the lengths that they use. */
const ISSUERS: readonly { rule: string; prefix: RegExp; lengths: readonly number[] }[] = [
  { rule: 'card_visa', prefix: /^4/, lengths: [13, 16, 19] },
  { rule: 'card_mastercard', prefix: /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] },
  { rule: 'card_amex', prefix: /^3[47]/, lengths: [15] },
  { rule: 'card_discover', prefix: /^(?:6011|64[4-9]|65)/, lengths: [16, 19] },
  { rule: 'card_diners', prefix: /^3(?:0[0-5]|[689])/, lengths: [14, 16] },
  { rule: 'card_jcb', prefix: /^35(?:2[89]|[3-8])/, lengths: [16, 19] },
  { rule: 'card_unionpay', prefix: /^62/, lengths: [16, 19] },
  { rule: 'card_maestro', prefix: /^(?:50|5[6-9]|6[37])/, lengths: [13, 14, 15, 16, 19] },
];

/** As people write cards: in one, in fours, or as Amex and Diners print them. */
const GROUPS = /^(?:\d+|\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5})$/;

export function findCards(text: string): Finding[] {
  const found: Finding[] = [];
  for (const { 0: run, index } of text.matchAll(RUN)) {
    if (run.length < FEWEST_DIGITS) continue;
    let free = 0;
    for (const { index: start } of run.matchAll(/\d+/g)) {
      if (start < free) continue;
      const card = cardAt(run, start);
      if (card === undefined) continue;
      free = card.end;
      found.push({ kind: 'card', start: index + start, end: index + card.end, confidence: 0.97, rule: card.rule });
    }
  }
  return found;
}

/** The longest row of whole groups from here that is a card's number. */
function cardAt(run: string, start: number): { end: number; rule: string } | undefined {
  let digits = '';
  let best: { end: number; rule: string } | undefined;
  for (let at = start; at <= run.length; at++) {
    const code = run.charCodeAt(at);
    if (code >= 48 && code <= 57) {
      digits += run[at];
      if (digits.length > MOST_DIGITS) break;
    } else if (
      digits.length >= FEWEST_DIGITS &&
      GROUPS.test(run.slice(start, at)) &&
      passesLuhn(digits) &&
      !isOneDigit(digits)
    ) {
      const number = digits;
      const issuer = ISSUERS.find(({ prefix, lengths }) => lengths.includes(number.length) && prefix.test(number));
      if (issuer !== undefined) best = { end: at, rule: issuer.rule };
    }
  }
  return best;
}

function isOneDigit(digits: string): boolean {
  return digits === digits[0]!.repeat(digits.length);
}

/** ISO 13616 registry: characters of an IBAN by country. */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 ' +
    'FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 ' +
    'MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 ' +
    'SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const IBAN_HEAD = /(?<![A-Za-z0-9])[A-Za-z]{2} ?\d{2}(?=[ -]?[A-Za-z0-9])/g;

export function findIbans(text: string): Finding[] {
  const found: Finding[] = [];
  IBAN_HEAD.lastIndex = 0;
  for (let match = IBAN_HEAD.exec(text); match !== null; match = IBAN_HEAD.exec(text)) {
    const length = IBAN_LENGTHS.get(match[0].slice(0, 2).toUpperCase());
    const written = length === undefined ? undefined : alphanumerics(text, match.index, length);
    if (written === undefined || !passesIbanCheck(written.characters)) continue;
    found.push({ kind: 'iban', start: match.index, end: written.end, confidence: 0.99, rule: 'iban' });
    IBAN_HEAD.lastIndex = written.end;
  }
  return found;
}

/** So many letters and digits from `start`, single spaces and dashes between them left out; undefined when a word goes on. */
function alphanumerics(text: string, start: number, count: number): { characters: string; end: number } | undefined {
  let characters = '';
  let place = start;
  while (characters.length < count) {
    const separated = characters.length > 0 && (text[place] === ' ' || text[place] === '-');
    const character = text[separated ? place + 1 : place];
    if (character === undefined || !/[A-Za-z0-9]/.test(character)) return undefined;
    characters += character;
    place += separated ? 2 : 1;
  }
  return /[A-Za-z0-9]/.test(text[place] ?? '') ? undefined : { characters, end: place };
}
