/**
 * Cuts a text into words with what their surroundings say: capital, first of a sentence, something between it and the word
 * before. Folds case and accents. Decides nothing about meaning: stems and stop words are terms.ts's.
 */

/** Marks of a word, as bits. */
export const CAPITAL = 1;
/** The first word of a sentence. */
export const SENTENCE = 2;
/** Something that a name does not run across (a comma, a bracket, a colon) stands before the word. */
export const BREAK = 4;
/** … and what stands there opens a bracket. */
export const BRACKET = 8;

/** Words longer than this are cut: they are keys, hashes or noise. */
const LONGEST_WORD = 64;

const KIND = { other: 0, small: 1, capital: 2, digit: 3, ideograph: 4, mark: 5 } as const;
/** What each character of the basic plane is, found out once. 255 = not looked at yet. */
const kinds = new Uint8Array(65_536).fill(255);

/** Scripts that put no spaces between words: each character is taken as a word. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
const CAPITAL_LETTER = /[\p{Lu}\p{Lt}]/u;
const LETTER = /\p{L}/u;
const NUMBER = /\p{N}/u;
const ACCENT = /\p{M}/u;

function kindOf(code: number): number {
  const known = kinds[code]!;
  if (known !== 255) return known;
  const character = String.fromCharCode(code);
  let kind: number = KIND.other;
  if (UNSPACED.test(character)) kind = KIND.ideograph;
  else if (CAPITAL_LETTER.test(character)) kind = KIND.capital;
  else if (LETTER.test(character)) kind = KIND.small;
  else if (NUMBER.test(character)) kind = KIND.digit;
  else if (ACCENT.test(character)) kind = KIND.mark;
  // Half of a pair: the other planes hold letters of rare scripts and signs; taken as letters, they can at least be found.
  else if (code >= 0xd800 && code <= 0xdfff) kind = KIND.small;
  kinds[code] = kind;
  return kind;
}

/** Abbreviations after which a full stop ends nothing. */
const ABBREVIATIONS = new Set(
  'mr mrs ms dr st jr sr vs prof rev gen col capt lt sgt gov sen rep hon no vol ed co inc ltd corp dept univ mt ft ave fig al etc'.split(
    ' ',
  ),
);

/** What stands behind an apostrophe. */
const TAILS = new Set(['s', 't', 'd', 'm', 'll', 're', 've']);

/**
 * Calls `take` with each word of `text`, folded, and its marks. A possessive `'s` is dropped, and what is left of a verb: whoever is
 * asked for by name is asked for with it and without.
 */
export function tokenise(text: string, take: (word: string, marks: number) => void): void {
  let marks = SENTENCE;
  let last = '';
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    const kind = kindOf(code);
    if (kind === KIND.other || kind === KIND.mark) {
      marks |= separate(text, at, code, last);
      at++;
      continue;
    }
    const start = at;
    let ascii = code < 128;
    at++;
    if (kind !== KIND.ideograph) {
      while (at < text.length) {
        const next = text.charCodeAt(at);
        const nextKind = kindOf(next);
        if (nextKind === KIND.other || nextKind === KIND.ideograph) break;
        if (next >= 128) ascii = false;
        at++;
      }
    }
    let word = text.slice(start, Math.min(at, start + LONGEST_WORD)).toLowerCase();
    if (!ascii) word = fold(word);
    if (word.length === 0) continue;
    if (marks === 0 && start > 0 && isApostrophe(text.charCodeAt(start - 1)) && isTail(word, last)) continue;
    take(word, kind === KIND.capital ? marks | CAPITAL : marks);
    last = word;
    marks = 0;
  }
}

/** Of "they're", "vitamin's", "I'd"; but "vitamin D" and "T cell" have words of one letter that count. */
function isTail(word: string, last: string): boolean {
  return TAILS.has(word) && (last.length > 1 || last === 'i');
}

function isApostrophe(code: number): boolean {
  return code === 0x27 || code === 0x2019;
}

/** What the character between two words means for the next one. */
function separate(text: string, at: number, code: number, last: string): number {
  switch (code) {
    case 0x0a:
    case 0x0d:
      return text.charCodeAt(at + 1) === 0x0a || at === 0 || text.charCodeAt(at - 1) === 0x0a
        ? SENTENCE | BREAK
        : BREAK;
    case 0x2e: {
      // Initials ("J. R.") and abbreviations go on; a stop in front of no space belongs to a number or an address.
      const next = text.charCodeAt(at + 1);
      const ends = at + 1 >= text.length || next === 0x20 || next === 0x0a || next === 0x22 || next === 0x29;
      return ends && last.length > 1 && !ABBREVIATIONS.has(last) ? SENTENCE | BREAK : 0;
    }
    case 0x21:
    case 0x3f:
    case 0x3002:
      return SENTENCE | BREAK;
    case 0x20:
    case 0x2d:
    case 0x2010:
    case 0x2019:
    case 0x26:
    case 0x27:
    case 0x60:
    case 0xa0:
      return 0;
    case 0x28:
    case 0x5b:
      return BREAK | BRACKET;
    default:
      return BREAK;
  }
}

/** Without accents, and with the letters that have no accent to lose written as their bearers are used to see them. */
function fold(word: string): string {
  return word
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/[ıłøđðþßæœ]/g, (letter) => PLAIN[letter] ?? letter);
}

const PLAIN: Readonly<Record<string, string>> = {
  ı: 'i',
  ł: 'l',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
};
