/** Reads a question against an index: its terms with their weights in the scope, and the names in it that the index knows. */
import { type Corpus, MARKS_SHIFT, WORD_MASK } from './corpus.ts';
import type { Entities } from './entities.ts';
import type { Lexical, Scope, WeightedTerm } from './lexical.ts';
import { tokenise } from './tokenise.ts';
import { NO_TERM } from './vocabulary.ts';

/** Sets of terms are bits of one number. */
export const MOST_TERMS = 31;

export interface NamedEntity {
  readonly entity: number;
  /** The terms of the name, as bits. */
  readonly bits: number;
  readonly words: number;
  /** The terms that the question has nowhere but in this name. */
  readonly own: number;
}

export interface Question {
  /** Distinct, the weightiest first, at most MOST_TERMS. */
  readonly terms: readonly WeightedTerm[];
  /** term → its bit's number. */
  readonly bitOf: ReadonlyMap<number, number>;
  /** Sum of the terms' weights. */
  readonly mass: number;
  readonly names: readonly NamedEntity[];
  readonly scope: Scope;
}

export function readQuestion(text: string, corpus: Corpus, lexical: Lexical, entities: Entities, scope: Scope): Question {
  const { vocabulary } = corpus;
  const tokens: number[] = [];
  const counts = new Map<number, number>();
  tokenise(text, (word, marks) => {
    const found = vocabulary.find(word);
    // An unknown word may still have a known stem only if that stem's words are in the index: then it is found by its term.
    const term = found >= 0 ? vocabulary.termOf(found) : vocabulary.termOfText(word);
    if (term > NO_TERM) counts.set(term, (counts.get(term) ?? 0) + 1);
    tokens.push(((found >= 0 ? found : WORD_MASK) | (marks << MARKS_SHIFT)) >>> 0);
  });
  const weighted: WeightedTerm[] = [];
  for (const [term, count] of counts) {
    const frequency = lexical.frequency(term, scope);
    if (frequency === 0) continue;
    const idf = Math.log(1 + (scope.count - frequency + 0.5) / (frequency + 0.5));
    weighted.push({ term, idf, weight: idf * count });
  }
  weighted.sort((a, b) => b.weight - a.weight || compare(vocabulary.termText(a.term), vocabulary.termText(b.term)));
  const terms = weighted.slice(0, MOST_TERMS);
  const bitOf = new Map(terms.map(({ term }, bit) => [term, bit]));
  const names: NamedEntity[] = [];
  const bitsOf = (row: Uint32Array, from: number, to: number) => {
    let bits = 0;
    for (let n = from; n < to; n++) {
      const word = row[n]! & WORD_MASK;
      const bit = word === WORD_MASK ? undefined : bitOf.get(vocabulary.termOf(word));
      if (bit !== undefined) bits |= 1 << bit;
    }
    return bits;
  };
  const row = Uint32Array.from(tokens);
  entities.find(row, 0, row.length, (entity, at, words) => {
    const bits = bitsOf(row, at, at + words);
    names.push({ entity, bits, words, own: bits & ~(bitsOf(row, 0, at) | bitsOf(row, at + words, row.length)) });
  });
  return { terms, bitOf, mass: terms.reduce((sum, { weight }) => sum + weight, 0), names, scope };
}

/** The summed weight of a set of terms. */
export function massOf(question: Question, bits: number): number {
  let mass = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) mass += question.terms[31 - Math.clz32(rest & -rest)]!.weight;
  return mass;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
