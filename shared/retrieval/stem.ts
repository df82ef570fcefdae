/** Porter's stemmer (M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980), for words in small ASCII letters. */

const VOWELS = new Set('aeiou');

/** The stem of `word`; a word of two letters or fewer, or with other characters than a–z, comes back as it is. */
export function stem(word: string): string {
  if (word.length < 3 || !/^[a-z]+$/.test(word)) return word;
  let w = plurals(word);
  w = pastAndProgressive(w);
  if (w.endsWith('y') && hasVowel(w.slice(0, -1))) w = `${w.slice(0, -1)}i`;
  w = replaceFirst(w, STEP_2, 0);
  w = replaceFirst(w, STEP_3, 0);
  w = stripFirst(w);
  return tidy(w);
}

function isConsonant(word: string, at: number): boolean {
  const letter = word[at]!;
  if (VOWELS.has(letter)) return false;
  return letter !== 'y' || at === 0 || !isConsonant(word, at - 1);
}

function hasVowel(word: string): boolean {
  for (let at = 0; at < word.length; at++) if (!isConsonant(word, at)) return true;
  return false;
}

/** How many times a vowel is followed by a consonant: Porter's m. */
function measure(word: string): number {
  let count = 0;
  let afterVowel = false;
  for (let at = 0; at < word.length; at++) {
    const consonant = isConsonant(word, at);
    if (consonant && afterVowel) count++;
    afterVowel = !consonant;
  }
  return count;
}

function endsDouble(word: string): boolean {
  const n = word.length;
  return n > 1 && word[n - 1] === word[n - 2] && isConsonant(word, n - 1);
}

/** Consonant, vowel, consonant, the last not w, x or y: a short syllable such as "hop". */
function endsShort(word: string): boolean {
  const n = word.length;
  if (n < 3 || !isConsonant(word, n - 3) || isConsonant(word, n - 2) || !isConsonant(word, n - 1)) return false;
  return !'wxy'.includes(word[n - 1]!);
}

function plurals(word: string): string {
  if (word.endsWith('sses') || word.endsWith('ies')) return word.slice(0, -2);
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}

function pastAndProgressive(word: string): string {
  if (word.endsWith('eed')) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
  const suffix = word.endsWith('ed') ? 'ed' : word.endsWith('ing') ? 'ing' : '';
  if (suffix === '') return word;
  const rest = word.slice(0, -suffix.length);
  if (!hasVowel(rest)) return word;
  if (rest.endsWith('at') || rest.endsWith('bl') || rest.endsWith('iz')) return `${rest}e`;
  if (endsDouble(rest) && !'lsz'.includes(rest.at(-1)!)) return rest.slice(0, -1);
  return measure(rest) === 1 && endsShort(rest) ? `${rest}e` : rest;
}

type Rules = ReadonlyMap<string, readonly (readonly [suffix: string, replacement: string])[]>;

/** The first rule whose suffix the word has is the only one tried: longer suffixes stand before those that they end in. */
function rules(text: string): Rules {
  const byLastLetter = new Map<string, [string, string][]>();
  for (const pair of text.split(' ')) {
    const [suffix = '', replacement = ''] = pair.split('>');
    const last = suffix.at(-1)!;
    byLastLetter.set(last, [...(byLastLetter.get(last) ?? []), [suffix, replacement]]);
  }
  return byLastLetter;
}

const STEP_2 = rules(
  'ational>ate tional>tion enci>ence anci>ance izer>ize abli>able alli>al entli>ent eli>e ousli>ous ization>ize ation>ate ' +
    'ator>ate alism>al iveness>ive fulness>ful ousness>ous aliti>al iviti>ive biliti>ble',
);
const STEP_3 = rules('icate>ic ative> alize>al iciti>ic ical>ic ful> ness>');
const STEP_4 = rules(
  'al> ance> ence> er> ic> able> ible> ant> ement> ment> ent> ion> ou> ism> ate> iti> ous> ive> ize>',
);

function replaceFirst(word: string, table: Rules, above: number): string {
  for (const [suffix, replacement] of table.get(word.at(-1)!) ?? []) {
    if (!word.endsWith(suffix)) continue;
    const rest = word.slice(0, -suffix.length);
    return measure(rest) > above ? rest + replacement : word;
  }
  return word;
}

function stripFirst(word: string): string {
  for (const [suffix] of STEP_4.get(word.at(-1)!) ?? []) {
    if (!word.endsWith(suffix)) continue;
    const rest = word.slice(0, -suffix.length);
    if (measure(rest) <= 1) return word;
    return suffix !== 'ion' || rest.endsWith('s') || rest.endsWith('t') ? rest : word;
  }
  return word;
}

function tidy(word: string): string {
  let w = word;
  if (w.endsWith('e')) {
    const rest = w.slice(0, -1);
    const m = measure(rest);
    if (m > 1 || (m === 1 && !endsShort(rest))) w = rest;
  }
  return w.endsWith('ll') && measure(w) > 1 ? w.slice(0, -1) : w;
}
