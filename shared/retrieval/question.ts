/** Reads a question against an index: its terms with their weights in the scope, and the names in it that the index knows. */
import { type Corpus, MARKS_SHIFT, WORD_MASK } from './corpus.ts';
import type { Entities } from './entities.ts';
import type { Lexical, Scope, WeightedTerm } from './lexical.ts';
import { relatedTerms } from './relations.ts';
import { BREAK, CAPITAL, SENTENCE, tokenise } from './tokenise.ts';
import { NO_TERM } from './vocabulary.ts';

/** A set of a question's terms is one number, a term a bit of it; the lightest terms of a longer question are left out. */
const MOST_TERMS = 31;
/** Words of a question beyond this many are not read. */
const MOST_QUESTION_WORDS = 2_000;
/** In a question without small letters, or without capitals, only names of so many words are sure. */
const SURE_WORDS = 3;

export interface NamedEntity {
  readonly entity: number;
  readonly words: number;
  /** The name's terms, as bits, and those of them that the question has nowhere else. */
  readonly bits: number;
  readonly own: number;
  /** Whether the question writes it as a name. */
  readonly sure: boolean;
}

export interface Question {
  readonly scope: Scope;
  /** Distinct, the weightiest first. */
  readonly terms: readonly WeightedTerm[];
  /** term → number of its bit. */
  readonly bitOf: ReadonlyMap<number, number>;
  /** What all terms weigh together; 0 when the scope has none of them. */
  readonly mass: number;
  readonly names: readonly NamedEntity[];
  /**
   * Whether it asks for something that it names, known to the index or not. Mere keywords ask for a subject: names lead away from
   * that, to whatever else the passages on it mention.
   */
  readonly asksByName: boolean;
  /** Bits of terms that follow each other, stop words between them not counted. */
  readonly pairs: readonly (readonly [number, number])[];
  /** term → bits of the question's terms that are related to it. */
  readonly related: ReadonlyMap<number, number>;
}

interface Parts {
  readonly corpus: Corpus;
  readonly lexical: Lexical;
  readonly entities: Entities;
}

export function readQuestion(text: string, scope: Scope, { corpus, lexical, entities }: Parts): Question {
  const { vocabulary } = corpus;
  const row: number[] = [];
  const rowTerms: number[] = [];
  tokenise(text, (word, marks) => {
    if (row.length === MOST_QUESTION_WORDS) return;
    const known = vocabulary.find(word);
    row.push(((known < 0 ? WORD_MASK : known) | (marks << MARKS_SHIFT)) >>> 0);
    rowTerms.push(known < 0 ? vocabulary.findTerm(word) : vocabulary.termOf(known));
  });
  const weighted: WeightedTerm[] = [];
  for (const term of new Set(rowTerms)) {
    const idf = term > NO_TERM ? lexical.idf(term, scope) : 0;
    if (idf > 0) weighted.push({ term, idf, weight: idf });
  }
  weighted.sort((a, b) => b.weight - a.weight || (vocabulary.termText(a.term) < vocabulary.termText(b.term) ? -1 : 1));
  const terms = weighted.slice(0, MOST_TERMS);
  const bitOf = new Map(terms.map(({ term }, bit) => [term, bit]));
  const bits = rowTerms.map((term) => bitOf.get(term) ?? -1);
  return {
    scope,
    terms,
    bitOf,
    mass: terms.reduce((sum, { weight }) => sum + weight, 0),
    ...namesIn(Uint32Array.from(row), bits, entities),
    pairs: pairsOf(rowTerms, bits),
    related: relatedOf(terms, corpus),
  };
}

/** What a set of terms weighs. */
export function massOf(question: Question, bits: number): number {
  let mass = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) mass += question.terms[lowestBit(rest)]!.weight;
  return mass;
}

export function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function namesIn(
  row: Uint32Array,
  bits: readonly number[],
  entities: Entities,
): Pick<Question, 'names' | 'asksByName'> {
  const isCapital = (at: number) => ((row[at]! >>> MARKS_SHIFT) & CAPITAL) !== 0;
  const goesOn = (at: number) =>
    at < row.length && isCapital(at) && ((row[at]! >>> MARKS_SHIFT) & (BREAK | SENTENCE)) === 0;
  // The first word of a sentence has its capital anyway, so it tells nothing.
  const telling = [...row.keys()].filter((at) => bits[at]! >= 0 && ((row[at]! >>> MARKS_SHIFT) & SENTENCE) === 0);
  const caseTells = telling.some(isCapital) && !telling.every(isCapital);
  const setOf = (from: number, to: number) =>
    bits.slice(from, to).reduce((set, bit) => (bit < 0 ? set : set | (1 << bit)), 0);
  const names: NamedEntity[] = [];
  entities.find(row, 0, row.length, !caseTells, (entity, at, words) => {
    const inName = setOf(at, at + words);
    const elsewhere = setOf(0, at) | setOf(at + words, row.length);
    const places = Array.from({ length: words }, (_, n) => at + n);
    const isPartial =
      goesOn(at + words) || (words === 1 && at > 0 && goesOn(at) && isCapital(at - 1) && bits[at - 1]! >= 0);
    const sure = caseTells
      ? !isPartial && places.some((n) => isCapital(n) && (n > 0 || words === 1))
      : words >= SURE_WORDS;
    names.push({ entity, words, bits: inName, own: inName & ~elsewhere, sure });
  });
  // A single word with a capital among others with one may be any word of a heading.
  const asksByName = caseTells || names.some(({ sure, words }) => sure || words > 1);
  return { names, asksByName };
}

function pairsOf(rowTerms: readonly number[], bits: readonly number[]): [number, number][] {
  const pairs = new Map<number, [number, number]>();
  let last = -1;
  for (const [at, term] of rowTerms.entries()) {
    if (term === NO_TERM) continue;
    const bit = bits[at]!;
    if (bit >= 0 && last >= 0 && bit !== last) pairs.set(last * 32 + bit, [last, bit]);
    last = bit;
  }
  return [...pairs.values()];
}

function relatedOf(terms: readonly WeightedTerm[], { vocabulary }: Corpus): Map<number, number> {
  const related = new Map<number, number>();
  for (const [bit, { term }] of terms.entries()) {
    for (const text of relatedTerms(vocabulary.termText(term))) {
      const other = vocabulary.termNumber(text);
      if (other > NO_TERM) related.set(other, (related.get(other) ?? 0) | (1 << bit));
    }
  }
  return related;
}
