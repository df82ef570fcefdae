/** Dates of birth: a date that a word such as `born`, `geb.`, `née le` or `nació` makes one. Other dates are nobody's. */
import type { Finding } from '../findings.ts';

const CUE =
  /(?<![\p{L}])(?:born|d\.?o\.?b\.?|date of birth|birth ?date|birthday|geboren(?:e[rn]?)?|geb\.|geburts(?:datum|tag)|née?(?:\(e\))? le|date de naissance|naissance|naci(?:ó|do|da)(?:\(a\)|\/a)?|fecha de nacimiento|f\. ?nac\.?|nac\.|nacimiento|cumpleaños)(?![\p{L}])/giu;

const MONTH =
  'jan(?:uary|uar|vier)?|feb(?:ruary|ruar|rero)?|févr?(?:ier)?|mar(?:ch|s|zo)?|märz|apr(?:il)?|avr(?:il)?|abr(?:il)?|may|mai|mayo|jun[eio]{0,2}|juin|jul[yio]{0,2}|juil(?:let)?|aug(?:ust)?|août|ago(?:sto)?|sep(?:t(?:ember|embre|iembre)?)?|o[ck]t(?:ober|obre|ubre)?|nov(?:ember|embre|iembre)?|de[cz](?:ember)?|déc(?:embre)?|dic(?:iembre)?|enero|ene|jänner';
const YEAR = '(?:1[89]|20)\\d\\d';
const DATE = new RegExp(
  `(?<![\\w.])(?:${[
    `${YEAR}[-./]\\d{1,2}[-./]\\d{1,2}`,
    `\\d{1,2}(?:[-/]|\\. ?)\\d{1,2}(?:[-/]|\\. ?)(?:${YEAR}|\\d\\d)`,
    `\\d{1,2}(?:st|nd|rd|th|er|º|\\.)?(?: of| de)? (?:${MONTH})\\.?(?:,? (?:del? )?${YEAR})?`,
    `(?:${MONTH})\\.? \\d{1,2}(?:st|nd|rd|th)?(?:,? ${YEAR})?`,
  ].join('|')})(?![\\p{L}\\d])`,
  'iu',
);
const ALL_DATES = new RegExp(DATE, 'giu');
const REACH = 44;

export function findBirthDates(text: string): Finding[] {
  const found: Finding[] = [];
  let from = 0;
  for (const { 0: cue, index } of text.matchAll(CUE)) {
    const end = index + cue.length;
    const after =
      dateAfter(text, end) ??
      (/^geboren/i.test(cue) ? dateBefore(text, Math.max(from, index - REACH), index) : undefined);
    if (after === undefined || after.start < from) continue;
    from = after.end;
    found.push({ kind: 'birth_date', ...after, confidence: 0.93, rule: 'birth_date_cue' });
  }
  return found;
}

function dateAfter(text: string, from: number): { start: number; end: number } | undefined {
  const window = text.slice(from, from + REACH + 24);
  const date = DATE.exec(window);
  if (date === null || date.index > REACH || endsSentence(window.slice(0, date.index))) return undefined;
  return { start: from + date.index, end: from + date.index + date[0].length };
}

/** German says `am 3. Februar 1959 geboren`. */
function dateBefore(text: string, from: number, to: number): { start: number; end: number } | undefined {
  const window = text.slice(from, to);
  const date = [...window.matchAll(ALL_DATES)].at(-1);
  if (date === undefined) return undefined;
  const end = date.index + date[0].length;
  return endsSentence(window.slice(end)) ? undefined : { start: from + date.index, end: from + end };
}

function endsSentence(between: string): boolean {
  return /[;!?\n\uE000]|\.\s+\p{Lu}/u.test(between);
}
