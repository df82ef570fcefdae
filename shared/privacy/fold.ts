/**
 * The form of a text that detectors read: digits of other scripts, wide letters, odd spaces and dashes become the plain ones;
 * invisible characters are left out; pseudonyms become a wall. Places in it lead back to places in the text as it came.
 */
import { PSEUDONYM } from './pseudonyms.ts';

export interface Folded {
  readonly text: string;
  /** Where the character at `place` of the folded text stood. */
  readonly originOf: (place: number) => number;
}

/** Private use: neither letter, digit, space nor punctuation, so nothing matches over it. */
const WALL = '\uE000';

/** Soft hyphen, zero width, direction marks, variation selectors, byte order mark: nobody sees them inside a number. */
const INVISIBLE = /[\p{Cf}\p{Variation_Selector}]+/gu;

const ODD =
  /[\u00A0\u2000-\u200A\u202F\u205F\u3000\u2010-\u2015\u2212\uFF01-\uFF5E\u0660-\u0669\u06F0-\u06F9\u0966-\u096F\u2019\u02BC\uFE52\uFE55\uFE6B]/g;

export function fold(text: string): Folded {
  let plain = text.includes('[') ? text.replaceAll(PSEUDONYM, (name) => WALL.repeat(name.length)) : text;
  if (isAscii(plain)) return { text: plain, originOf: (place) => place };
  plain = plain.replaceAll(ODD, plainOf);
  const cuts: { at: number; removed: number }[] = [];
  let removed = 0;
  const bare = plain.replaceAll(INVISIBLE, (run, offset: number) => {
    removed += run.length;
    cuts.push({ at: offset + run.length - removed, removed });
    return '';
  });
  return { text: bare, originOf: cuts.length === 0 ? (place) => place : (place) => place + removedBefore(cuts, place) };
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

function removedBefore(cuts: readonly { at: number; removed: number }[], place: number): number {
  let low = 0;
  let high = cuts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cuts[middle]!.at <= place) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : cuts[low - 1]!.removed;
}

function plainOf(odd: string): string {
  const code = odd.charCodeAt(0);
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0);
  for (const zero of [0x660, 0x6f0, 0x966]) {
    if (code >= zero && code <= zero + 9) return String.fromCharCode(48 + code - zero);
  }
  if (code === 0x2019 || code === 0x2bc) return "'";
  if (code === 0xfe52) return '.';
  if (code === 0xfe55) return ':';
  if (code === 0xfe6b) return '@';
  return (code >= 0x2010 && code <= 0x2015) || code === 0x2212 ? '-' : ' ';
}
