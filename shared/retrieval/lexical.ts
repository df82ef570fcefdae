/**
 * Keyword ranking: BM25 (S. Robertson, H. Zaragoza, "The Probabilistic Relevance Framework", 2009; k1 0.9 and b 0.4 as in
 * Anserini) over postings that grow by passage. Inside a scope the statistics, too, are those of the scope alone, so that what
 * others stored neither shows nor sways.
 */
import type { Corpus } from './corpus.ts';
import { Lists, type SavedLists, Uint32List } from './growable.ts';

export const K1 = 0.9;
export const B = 0.4;

/** The passages that a search may see: all, or those of some groups. */
export interface Scope {
  /** By group number; `undefined` = all. */
  readonly groups: ReadonlySet<number> | undefined;
  readonly count: number;
  readonly averageLength: number;
}

export interface WeightedTerm {
  readonly term: number;
  /** Inverse document frequency in the scope. */
  readonly idf: number;
  /** What the term is worth: its idf times how often it is asked for. */
  readonly weight: number;
}

/** A posting is `slot << 8 | count`, the count cut at 255; so an index holds 16 million slots. */
const COUNT_BITS = 8;
const COUNT_MASK = 0xff;
export const MOST_SLOTS = 2 ** (32 - COUNT_BITS);

export interface SavedLexical {
  readonly postings: SavedLists;
  readonly frequency: Uint32Array;
}

export class Lexical {
  readonly #corpus: Corpus;
  readonly #postings: Lists;
  /** By term: how many living passages have it. */
  readonly #frequency: Uint32List;
  #values = new Float64Array(0);

  constructor(corpus: Corpus, saved?: SavedLexical) {
    this.#corpus = corpus;
    this.#postings = new Lists(saved?.postings);
    this.#frequency = new Uint32List(saved?.frequency);
  }

  /** Enters a passage that the corpus holds. */
  add(slot: number): void {
    const frequency = this.#frequency;
    for (const [term, count] of this.#corpus.counts(slot)) {
      frequency.extend(term + 1);
      frequency.set(term, frequency.at(term) + 1);
      this.#postings.add(term, ((slot << COUNT_BITS) | Math.min(count, COUNT_MASK)) >>> 0);
    }
  }

  /** To be called before the corpus forgets the passage; its postings are passed over from then on. */
  remove(slot: number): void {
    for (const term of this.#corpus.counts(slot).keys()) this.#frequency.set(term, this.#frequency.at(term) - 1);
  }

  scope(groups: ReadonlySet<number> | undefined): Scope {
    const { count, totalLength, groupCount, groupLength } = this.#corpus;
    if (groups === undefined) return { groups, count, averageLength: totalLength / Math.max(1, count) };
    let inGroups = 0;
    let length = 0;
    for (const group of groups) {
      inGroups += groupCount.at(group);
      length += groupLength.at(group);
    }
    return { groups, count: inGroups, averageLength: length / Math.max(1, inGroups) };
  }

  isIn(scope: Scope, slot: number): boolean {
    return this.#corpus.isAlive(slot) && (scope.groups === undefined || scope.groups.has(this.#corpus.group.at(slot)));
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

  /** Inverse document frequency in the scope; 0 when no passage of it has the term. */
  idf(term: number, scope: Scope): number {
    const frequency = scope.groups === undefined ? this.#frequency.at(term) : this.#frequencyIn(term, scope.groups);
    return frequency === 0 ? 0 : Math.log(1 + (scope.count - frequency + 0.5) / (frequency + 0.5));
  }

  /** What `count` occurrences in a passage of `length` terms are worth: from 0 to below 1 + K1. */
  saturation(count: number, length: number, scope: Scope): number {
    return (count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / Math.max(scope.averageLength, 1)));
  }

  /** BM25 of the scope's passages, divided by `unit`. To be released before the next call. */
  score(terms: readonly WeightedTerm[], scope: Scope, unit: number): Scores {
    const corpus = this.#corpus;
    if (this.#values.length < corpus.size) this.#values = new Float64Array(Math.ceil(corpus.size * 1.25) + 64);
    const scores = new Scores(this.#values);
    const { values, touched } = scores;
    const { groups } = scope;
    const fixed = K1 * (1 - B);
    const byLength = (K1 * B) / Math.max(scope.averageLength, 1);
    const lengths = corpus.length.data;
    const alive = corpus.alive.data;
    const lists = this.#postings;
    const { data } = lists.pool;
    for (const { term, weight } of terms) {
      const worth = (weight * (K1 + 1)) / unit;
      // Written out, not by forEach: this loop is most of a search.
      for (let run = lists.first(term); run !== 0; run = lists.next(run)) {
        for (let at = lists.start(run), end = lists.end(run); at < end; at++) {
          const slot = data[at]! >>> COUNT_BITS;
          if (alive[slot] === 0 || (groups !== undefined && !groups.has(corpus.group.at(slot)))) continue;
          const count = data[at]! & COUNT_MASK;
          const value = values[slot]!;
          if (value === 0) touched.push(slot);
          values[slot] = value + (worth * count) / (count + fixed + byLength * lengths[slot]!);
        }
      }
    }
    return scores;
  }

  save(): SavedLexical {
    return { postings: this.#postings.save(), frequency: this.#frequency.view() };
  }

  #frequencyIn(term: number, groups: ReadonlySet<number>): number {
    let frequency = 0;
    this.forEach(term, (slot) => {
      if (groups.has(this.#corpus.group.at(slot))) frequency++;
    });
    return frequency;
  }
}

/** Scores by slot, in a table that is lent for one search; a slot that is not in `touched` has 0. */
export class Scores {
  readonly values: Float64Array;
  readonly touched: number[] = [];

  constructor(values: Float64Array) {
    this.values = values;
  }

  of(slot: number): number {
    return this.values[slot]!;
  }

  /** Adds a positive amount. */
  add(slot: number, amount: number): void {
    if (this.values[slot] === 0) this.touched.push(slot);
    this.values[slot]! += amount;
  }

  /** Leaves the table clean for the next search. */
  release(): void {
    for (const slot of this.touched) this.values[slot] = 0;
  }
}
