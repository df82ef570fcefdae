/** What is known of a word: a given name, a family's name, no name. Our own lists, and compromise's words for English. */
import { AMBIGUOUS, GIVEN_NAMES } from './given-names.ts';
import { NO_NAMES } from './no-names.ts';
import { SURNAME_ENDING, SURNAMES } from './surnames.ts';
import { foldWord } from './words.ts';

export interface Lexicon {
  /** A given name and nothing else, such as `Katharina`; of a double name each half. */
  readonly isGiven: (folded: string) => boolean;
  /** A given name that is a word, a month or a place as well, such as `Rose`. */
  readonly isMaybeGiven: (folded: string) => boolean;
  readonly isSurname: (folded: string) => boolean;
  readonly hasSurnameEnding: (folded: string) => boolean;
  readonly isNoName: (folded: string) => boolean;
}

const LEAST_LETTERS = 3;
const GIVEN_TAGS = ['MaleName', 'FemaleName', 'FirstName'];
const PLACE_TAGS = ['Place', 'City', 'Country', 'Region', 'Organization', 'Month', 'WeekDay', 'Holiday', 'Demonym'];

/** About half a second, the first time: compromise unpacks its words. Its tagger reads 0.13 MB/s, so only its words are used. */
export async function loadLexicon(): Promise<Lexicon> {
  const { default: nlp } = await import('compromise/two');
  const words = readTags(nlp.model());
  const given = new Set<string>();
  const maybe = new Set<string>(AMBIGUOUS);
  const surnames = new Set(SURNAMES.map(foldWord));
  const noNames = new Set(NO_NAMES);
  for (const [word, tags] of words) {
    const folded = foldWord(word);
    if (tags.some((tag) => GIVEN_TAGS.includes(tag))) given.add(folded);
    else if (tags.includes('LastName')) surnames.add(folded);
    else if (tags.some((tag) => PLACE_TAGS.includes(tag)) && !word.includes(' ')) noNames.add(folded);
  }
  for (const name of GIVEN_NAMES) {
    given.add(foldWord(name));
    noNames.delete(foldWord(name));
  }
  for (const word of NO_NAMES) if (given.has(word)) maybe.add(word);
  for (const word of given) {
    if (maybe.has(word) || word.length < LEAST_LETTERS) {
      given.delete(word);
      maybe.add(word);
    }
  }
  for (const word of maybe) if (!NO_NAMES.has(word)) noNames.delete(word);
  const isGivenPart = (part: string) => given.has(part) || maybe.has(part);
  return {
    isGiven: (folded) =>
      given.has(folded) ||
      (folded.includes('-') && isDouble(folded, isGivenPart) && !NO_NAMES.has(folded.slice(0, folded.indexOf('-')))),
    isMaybeGiven: (folded) => maybe.has(folded),
    isSurname: (folded) =>
      surnames.has(folded) || (folded.includes('-') && folded.split('-').some((part) => surnames.has(part))),
    hasSurnameEnding: (folded) => folded.length >= 6 && SURNAME_ENDING.test(folded),
    isNoName: (folded) =>
      noNames.has(folded) || (folded.includes('-') && noNames.has(folded.slice(0, folded.indexOf('-')))),
  };
}

function isDouble(folded: string, isGiven: (part: string) => boolean): boolean {
  const parts = folded.split('-');
  return parts.length <= 3 && parts.every(isGiven);
}

/** compromise's model: one word or more → its tag or tags. Its types leave the model open, so its form is checked here. */
function readTags(model: unknown): [string, string[]][] {
  const one = fieldOf(model, 'one');
  const lexicon = fieldOf(one, 'lexicon');
  if (typeof lexicon !== 'object' || lexicon === null) {
    throw new Error('compromise was expected to hold a lexicon at model.one.lexicon; this version keeps it elsewhere');
  }
  return Object.entries(lexicon).map(([word, tags]) => [word, (Array.isArray(tags) ? tags : [tags]).map(String)]);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
