/**
 * Keyword ranking: BM25 (S. Robertson, H. Zaragoza, "The Probabilistic Relevance Framework", 2009; k1 0.9 and b 0.4 as in
 * Anserini) over postings that grow by passage. Inside a scope, the statistics too are those of the scope alone, so that what
 * others stored neither shows nor sways.
 */
import type { Corpus } from './corpus.ts';
import { Lists } from './growable.ts';
import { NO_TERM } from './vocabulary.ts';
import { WORD_MASK } from './corpus.ts';

export const K1 = 0.9;
export const B = 0.4;

/** The passages that a search may see: all, or those of some groups. */
export interface Scope {
  /** By group number; `undefined` = all. */
  readonly groups: ReadonlySet<number> | undefined;
  readonly count: number;
  readonly averageLength: number;
}

/** A term of a question. `weight` is what its presence is worth: inverse document frequency times how often it is asked. */
export interface WeightedTerm {
  readonly term: number;
  readonly idf: number;
  readonly weight: number;
}

/** Scores by slot; only the slots in `touched` are meaningful. */
export interface Scores {
  readonly values: Float64Array;
  readonly touched: number[];
}

/** A posting is `slot << 8 | count`, the count cut at 255; so an index holds 16 million slots. */
const COUNT_BITS = 8;
const COUNT_MASK = 0xff;
export const MOST_SLOTS = 2 ** (32 - COUNT_BITS);

export class Lexical {
  readonly #corpus: Corpus;
  readonly #postings: Lists;
  #values = new Float64Array(0);
  #counts = new Map<number, number>();

  constructor(corpus: Corpus, postings: Lists = new Lists()) {
    this.#corpus = corpus;
    this.#postings = postings;
  }

  get postings(): Lists {
    return this.#postings;
  }

  /** Enters the words of a passage that the corpus holds. Removal needs nothing: dead slots are passed over. */
  add(slot: number): void {
    const { tokens, vocabulary, start, end } = this.#corpus;
    const counts = this.#counts;
    counts.clear();
    for (let at = start.at(slot); at < end.at(slot); at++) {
      const term = vocabulary.termOf(tokens.at(at) & WORD_MASK);
      if (term !== NO_TERM) counts.set(term, (counts.get(term) ?? 0) + 1);
    }
    for (const [term, count] of counts) {
      this.#postings.add(term, ((slot << COUNT_BITS) | Math.min(count, COUNT_MASK)) >>> 0);
    }
  }

  scope(groups: ReadonlySet<number> | undefined): Scope {
    const corpus = this.#corpus;
    if (groups === undefined) {
      return { groups, count: corpus.count, averageLength: corpus.totalLength / Math.max(1, corpus.count) };
    }
    let count = 0;
    let length = 0;
    for (let slot = 0; slot < corpus.size; slot++) {
      if (!corpus.isAlive(slot) || !groups.has(corpus.group.at(slot))) continue;
      count++;
      length += corpus.length.at(slot);
    }
    return { groups, count, averageLength: length / Math.max(1, count) };
  }

  isIn(scope: Scope, slot: number): boolean {
    return this.#corpus.isAlive(slot) && (scope.groups === undefined || scope.groups.has(this.#corpus.group.at(slot)));
  }

  /** In how many passages of the scope the term is. */
  frequency(term: number, scope: Scope): number {
    let count = 0;
    this.forEach(term, (slot) => {
      if (this.isIn(scope, slot)) count++;
    });
    return count;
  }

  /** Each living passage with the term and how often, in the order of their entry. */
  forEach(term: number, take: (slot: number, count: number) => void): void {
    const lists = this.#postings;
    const { data } = lists.pool;
    const alive = this.#corpus.alive.data;
    for (let run = lists.first(term); run !== 0; run = lists.next(run)) {
      for (let at = lists.start(run), end = lists.end(run); at < end; at++) {
        const slot = data[at]! >>> COUNT_BITS;
        if (alive[slot] === 1) take(slot, data[at]! & COUNT_MASK);
      }
    }
  }

  /** Inverse document frequency in the scope. */
  idf(term: number, scope: Scope): number {
    const frequency = this.frequency(term, scope);
    return Math.log(1 + (scope.count - frequency + 0.5) / (frequency + 0.5));
  }

  /** What `count` occurrences in a passage of `length` are worth, from 0 to below 1 + K1. */
  saturation(count: number, length: number, scope: Scope): number {
    return (count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / Math.max(scope.averageLength, 1)));
  }

  /** BM25 of all passages in the scope that have a term. The result is overwritten by the next call. */
  score(terms: readonly WeightedTerm[], scope: Scope): Scores {
    const corpus = this.#corpus;
    if (this.#values.length < corpus.size) this.#values = new Float64Array(Math.ceil(corpus.size * 1.5));
    const values = this.#values;
    const touched: number[] = [];
    const fixed = K1 * (1 - B);
    const byLength = (K1 * B) / Math.max(scope.averageLength, 1);
    const lengths = corpus.length.data;
    for (const { term, weight } of terms) {
      this.forEach(term, (slot, count) => {
        if (scope.groups !== undefined && !scope.groups.has(corpus.group.at(slot))) return;
        if (values[slot] === 0) touched.push(slot);
        values[slot]! += (weight * count * (K1 + 1)) / (count + fixed + byLength * lengths[slot]!);
      });
    }
    return { values, touched };
  }

  /** Must be called when the scores have been read: leaves the table clean for the next search. */
  release(scores: Scores): void {
    for (const slot of scores.touched) scores.values[slot] = 0;
  }
}
