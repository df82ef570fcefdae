/**
 * Finds the names in a text and the sentences that they stand in: runs of capitalised words, without a model and without a list
 * of the world's names. Pure, and linear in the length of the text.
 */

export interface Name {
  /** As it is written. */
  readonly name: string;
  /** The same for all spellings in case, accents and spaces. */
  readonly folded: string;
  /** Where it begins and ends in its sentence. */
  readonly at: number;
  readonly end: number;
}

export interface Sentence {
  readonly text: string;
  readonly names: readonly Name[];
}

const LONGEST_NAME = 100;
const ABBREVIATIONS = 'Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|Gen|Col|Capt|Lt|Sgt|Gov|Sen|Rep';
const WORD = String.raw`(?:(?:${ABBREVIATIONS}|\p{Lu})\.|\p{Lu}[\p{L}\p{M}\p{N}'’-]{0,40})`;
/** Words that a name may have inside. */
const LINK = '(?:(?:of|the|de|la|le|du|von|van|der|den|bin|al)[ -]){0,2}';
const RUN = new RegExp(
  String.raw`(?<![\p{L}\p{N}])${WORD}(?:[  ]${LINK}(?:${WORD}|\p{N}{1,4}(?![\p{L}\p{N}]))){0,7}`,
  'gu',
);
const END_OF_SENTENCE = /(?<=[.!?]["')\]]{0,2})\s+(?=["'(]{0,2}[\p{Lu}\p{N}])|\n+/u;
const ABBREVIATED = new RegExp(String.raw`(?:^|[\s(])(?:\p{Lu}|No|vs|${ABBREVIATIONS})\.$`, 'u');

/** Capitalised only because they begin a sentence. */
const BEGINNERS = new Set(
  (
    'a about above according after afterwards all along also although among an and another any are as at because been before behind being ' +
    'below besides between beyond both but by can did do does during each either even every few finally first for from further had has ' +
    'have he hence her here his how however i if in including indeed inside instead into is it its just last later like many may me more ' +
    'moreover most much my near neither nevertheless next no nobody nor not nothing now of off often on once one only or other our out ' +
    'outside over perhaps please rather same second she should since so some such than that the their them then there therefore these ' +
    'they this those though through thus to today together too two under unless until up upon us very was we were what when where ' +
    'whether which while who whose why will with within without would yes yet you your'
  ).split(' '),
);

export function foldName(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[\s’'-]+/gu, ' ')
    .trim()
    .slice(0, LONGEST_NAME);
}

/** The sentences of a text with the names in each, in order. */
export function sentencesOf(text: string): Sentence[] {
  return splitSentences(text).map((sentence) => ({ text: sentence, names: namesIn(sentence) }));
}

/** The names that a title gives to what stands under it: itself, and without what is in brackets. */
export function namesOfTitle(title: string): string[] {
  const whole = title.replace(/\s+/gu, ' ').trim().slice(0, LONGEST_NAME);
  const bare = whole.replace(/\s*[([][^()[\]]*[)\]]\s*$/u, '').trim();
  return [...new Set([whole, bare])].filter((name) => name.length > 1);
}

function splitSentences(text: string): string[] {
  const sentences: string[] = [];
  let open = '';
  for (const part of text.split(END_OF_SENTENCE)) {
    open = open === '' ? part : `${open} ${part}`;
    if (ABBREVIATED.test(part.slice(-12))) continue;
    sentences.push(open);
    open = '';
  }
  if (open !== '') sentences.push(open);
  return sentences;
}

function namesIn(sentence: string): Name[] {
  const names: Name[] = [];
  for (const match of sentence.matchAll(RUN)) {
    let name = match[0];
    let at = match.index;
    for (;;) {
      const space = name.indexOf(' ');
      const head = space < 0 ? name : name.slice(0, space);
      if (!BEGINNERS.has(head.toLowerCase())) break;
      at += space < 0 ? name.length : space + 1;
      name = space < 0 ? '' : name.slice(space + 1);
    }
    name = name.replace(/['’]s$/u, '').replace(/[-'’]+$/u, '');
    if (name.length > 2 && name.endsWith('.')) name = name.slice(0, -1);
    if (name.length < 2 || name.length > LONGEST_NAME || !/^\p{Lu}[^.]|^\p{Lu}.{2}/u.test(name)) continue;
    names.push({ name, folded: foldName(name), at, end: at + name.length });
  }
  return names;
}
