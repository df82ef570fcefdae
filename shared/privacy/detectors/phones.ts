/**
 * Telephone numbers. A number with its country's code is checked by that country's plan; one without needs a word such as
 * `Tel.` before it, or the way one country writes its numbers: no country is taken for granted, so dates stay dates.
 */
import type { CountryCode } from 'libphonenumber-js';
import type { Finding } from '../findings.ts';
import { isAnnounced, isFollowedBy } from './cues.ts';

/** Whether the number is possible by the numbering plan; `country` for a number without its country's code. */
export type IsPhoneNumber = (number: string, country?: CountryCode) => boolean;

/** About 30 ms, the first time. */
export async function loadPhonePlans(): Promise<IsPhoneNumber> {
  const { default: parse } = await import('libphonenumber-js/min');
  return (number, country) =>
    parse(
      number,
      country === undefined ? { extract: false } : { defaultCountry: country, extract: false },
    )?.isValid() ?? false;
}

/** Groups of digits with up to three separators between: at most nine groups, and never from inside a word or a sum. */
const RUN = /(?<![\w.,+/-])(?:[+(]|\+\()?\d{1,15}(?:[ ./()-]{1,3}\d{1,15}){0,8}/g;
const GROUP = /\d+/g;
const FEWEST_DIGITS = 8;
const HOME = 'phone_home_';
const MOST_DIGITS = 15;

const CUE =
  /(?<!\p{L})(?:tel(?:e(?:phone|fon|fono|fax))?|tél(?:éphone)?|teléfono|phone|fax|mobile|mobil|móvil|movil|handy|cell|portable|whatsapp|signal|sms|call|ring|dial|text me|ruf\p{L}*|anruf\p{L}*|rückruf|durchwahl|rufnummer|handynr|appel\p{L}*|numéro de tél\p{L}*|joindre|llam\p{L}*|marque|voicemail|hotline)(?!\p{L})[^\n\d]{0,30}$/iu;
const SUM =
  /^\s?(?:[€$£%]|(?:eur|euros?|usd|gbp|chf|dollars?|pounds?|million\p{L}*|mio|km|kg|mb|gb|views|st(?:ü|ue)ck)(?!\p{L}))/iu;
const CURRENCY = /[$€£]\s?$/;
const DATE = /^(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})(?:\s|$)/;

/** How each country writes numbers at home. */
const HOME_FORMS: readonly { country: CountryCode; form: RegExp }[] = [
  { country: 'US', form: /^(?:1[ -])?(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4}$|^\d{3}\.\d{3}\.\d{4}$/ },
  { country: 'FR', form: /^0[1-9](?:([ .-])\d\d(?:\1\d\d){3})$|^0 ?8\d\d \d{3} \d{3}$/ },
  { country: 'GB', form: /^(?:\(0\d{2,4}\) ?|0\d{2,4} )\d{3,4} ?\d{3,4}$|^07\d{3} ?\d{3} ?\d{3}$/ },
  { country: 'DE', form: /^\(?0\d{2,4}\)? ?[ /-] ?\d{5,9}$|^\(?0\d{2,4}\)?[ /-]{1,3}\d{2,4}(?: \d{2,4}){1,3}$/ },
  {
    country: 'ES',
    form: /^[6789]\d\d([ -])\d{3}\1\d{3}$|^[6789]\d\d([ -])\d\d\2\d\d\2\d\d$|^9\d[ -]\d{3}[ -]\d\d[ -]?\d\d$/,
  },
];
/** For numbers that a word announces: whose plan they may follow, by their count of digits. */
const BY_LENGTH: ReadonlyMap<number, readonly CountryCode[]> = new Map([
  [9, ['ES', 'PT']],
  [10, ['US', 'FR', 'IT']],
  [11, ['US', 'GB']],
]);

export function findPhones(text: string, isPhoneNumber: IsPhoneNumber): Finding[] {
  const found: Finding[] = [];
  RUN.lastIndex = 0;
  for (let match = RUN.exec(text); match !== null; match = RUN.exec(text)) {
    if (match[0].length < FEWEST_DIGITS) continue;
    const phone = phoneIn(text, match[0], match.index, isPhoneNumber);
    if (phone !== undefined) {
      found.push(phone);
      RUN.lastIndex = phone.end;
    }
  }
  return found;
}

/** The whole run; what a word announces or a country's code begins can also be its first groups alone. */
function phoneIn(text: string, run: string, at: number, isPhoneNumber: IsPhoneNumber): Finding | undefined {
  const groups = [...run.matchAll(GROUP)].map(({ 0: digits, index }) => ({
    count: digits.length,
    end: index + digits.length,
  }));
  let digits = groups.reduce((sum, { count }) => sum + count, 0);
  for (const [i, { count, end }] of [...groups.entries()].reverse()) {
    if (digits < FEWEST_DIGITS) return undefined;
    const phone = digits <= MOST_DIGITS ? judged(text, run.slice(0, end), at, isPhoneNumber) : undefined;
    if (phone !== undefined && (i === groups.length - 1 || !phone.rule.startsWith(HOME))) return phone;
    digits -= count;
  }
  return undefined;
}

function judged(text: string, written: string, start: number, isPhoneNumber: IsPhoneNumber): Finding | undefined {
  const end = start + written.length;
  if (/[\p{L}\d_]/u.test(text[end] ?? '')) return undefined;
  const finding = (confidence: number, rule: string): Finding => ({ kind: 'phone', start, end, confidence, rule });
  if (/^\(?(?:\+|00\d)/.test(written)) {
    const international = written.replace('(0)', '').replace(/^00/, '+');
    return isPhoneNumber(international) ? finding(0.97, 'phone_international') : undefined;
  }
  if (DATE.test(written) || isFollowedBy(text, end, SUM) || CURRENCY.test(text.slice(Math.max(0, start - 2), start))) {
    return undefined;
  }
  for (const { country, form } of HOME_FORMS) {
    if (form.test(written) && isPhoneNumber(written, country)) return finding(0.88, `${HOME}${country.toLowerCase()}`);
  }
  if (!isAnnounced(text, start, CUE)) return undefined;
  const digits = written.replaceAll(/\D/g, '');
  const plausible =
    /^0[1-9]\d{6,11}$/.test(digits) ||
    (BY_LENGTH.get(digits.length) ?? []).some((country) => isPhoneNumber(digits, country));
  return plausible ? finding(0.9, 'phone_announced') : undefined;
}
