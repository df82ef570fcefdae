/** Looks into single passages for the terms of one question: which are in the title, the text, around a name, side by side. */
import { type Corpus, MARKS_SHIFT, TITLE_WORTH, WORD_MASK } from './corpus.ts';
import type { Lexical } from './lexical.ts';
import { lowestBit, type Question } from './question.ts';
import { SENTENCE } from './tokenise.ts';
import { NO_TERM } from './vocabulary.ts';

export interface Profile {
  /** Terms of the question in the title, and anywhere, as bits. */
  readonly title: number;
  readonly all: number;
  /** How often each term is there, by bit, as `Corpus.counts` counts. */
  readonly counts: Uint32Array;
}

/** Terms around a name, as bits: near it, elsewhere in its sentence too, and those whose relations are near it. */
export interface Surroundings {
  readonly near: number;
  readonly sentence: number;
  readonly related: number;
}

/** Stop words between two terms that are still side by side. */
const MOST_BETWEEN = 3;

export class Profiles {
  readonly #corpus: Corpus;
  readonly #lexical: Lexical;
  readonly #question: Question;
  /** By term: its bit's number plus 1, 0 for a term that is not asked for. Read for every word that is looked at. */
  readonly #bitOf: Uint8Array;
  readonly #known = new Map<number, Profile>();

  constructor(corpus: Corpus, lexical: Lexical, question: Question) {
    this.#corpus = corpus;
    this.#lexical = lexical;
    this.#question = question;
    this.#bitOf = new Uint8Array(corpus.vocabulary.termCount);
    for (const [term, bit] of question.bitOf) this.#bitOf[term] = bit + 1;
  }

  of(slot: number): Profile {
    const known = this.#known.get(slot);
    if (known) return known;
    const { start, body, end } = this.#corpus;
    const counts = new Uint32Array(this.#question.terms.length);
    const title = this.#bits(start.at(slot), body.at(slot), counts, TITLE_WORTH);
    const profile = { title, all: title | this.#bits(body.at(slot), end.at(slot), counts), counts };
    this.#known.set(slot, profile);
    return profile;
  }

  /** BM25 of the passage for the terms in `bits`, as a share of the question's mass. */
  score(slot: number, bits: number): number {
    const { counts, all } = this.of(slot);
    const { terms, scope, mass } = this.#question;
    const length = this.#corpus.length.at(slot);
    let score = 0;
    for (let rest = bits & all; rest !== 0; rest &= rest - 1) {
      const bit = lowestBit(rest);
      score += terms[bit]!.weight * this.#lexical.saturation(counts[bit]!, length, scope);
    }
    return score / mass;
  }

  /** What stands around the name at `at` in the text of the passage; `reach` words before and after it are near. */
  around(slot: number, at: number, words: number, reach: number): Surroundings {
    const { body, end } = this.#corpus;
    let from = at;
    while (from > body.at(slot) && !this.#beginsSentence(from)) from--;
    const after = at + words;
    let to = after;
    while (to < end.at(slot) && !this.#beginsSentence(to)) to++;
    const nearFrom = Math.max(from, at - reach);
    const nearTo = Math.min(to, after + reach);
    return {
      near: this.#bits(nearFrom, at) | this.#bits(after, nearTo),
      sentence: this.#bits(from, at) | this.#bits(after, to),
      related: this.#related(nearFrom, at) | this.#related(after, nearTo),
    };
  }

  /** How much of the question's pairs of terms the passage has side by side, as a share of the question's mass. */
  pairs(slot: number): number {
    const { tokens, vocabulary, start, end } = this.#corpus;
    const { terms, pairs, mass } = this.#question;
    if (pairs.length === 0) return 0;
    const open = new Set(pairs.map(([a, b]) => a * 32 + b));
    let found = 0;
    let last = -1;
    let between = 0;
    for (let at = start.at(slot); at < end.at(slot); at++) {
      const term = vocabulary.termOf(tokens.at(at) & WORD_MASK);
      if (term === NO_TERM) {
        if (++between > MOST_BETWEEN) last = -1;
        continue;
      }
      const bit = this.#bitOf[term]! - 1;
      if (last >= 0 && bit >= 0 && open.delete(last * 32 + bit)) found += Math.min(terms[last]!.idf, terms[bit]!.idf);
      last = bit;
      between = 0;
    }
    return found / mass;
  }

  /** The most of the question that stands within so many words of each other, as a share of the question's mass. */
  together(slot: number, words: number): number {
    const { tokens, vocabulary, start, end } = this.#corpus;
    const { terms, mass } = this.#question;
    const lastAt = new Array<number>(terms.length).fill(Number.NEGATIVE_INFINITY);
    let inside: number[] = [];
    let most = 0;
    for (let at = start.at(slot); at < end.at(slot); at++) {
      const bit = this.#bitOf[vocabulary.termOf(tokens.at(at) & WORD_MASK)]! - 1;
      if (bit < 0) continue;
      if (!inside.includes(bit)) inside.push(bit);
      lastAt[bit] = at;
      inside = inside.filter((one) => at - lastAt[one]! < words);
      most = Math.max(
        most,
        inside.reduce((sum, one) => sum + terms[one]!.weight, 0),
      );
    }
    return most / mass;
  }

  #beginsSentence(at: number): boolean {
    return ((this.#corpus.tokens.at(at) >>> MARKS_SHIFT) & SENTENCE) !== 0;
  }

  #bits(from: number, to: number, counts?: Uint32Array, worth = 1): number {
    const { tokens, vocabulary } = this.#corpus;
    const bitOf = this.#bitOf;
    let bits = 0;
    for (let at = from; at < to; at++) {
      const bit = bitOf[vocabulary.termOf(tokens.at(at) & WORD_MASK)]! - 1;
      if (bit < 0) continue;
      bits |= 1 << bit;
      if (counts) counts[bit]! += worth;
    }
    return bits;
  }

  #related(from: number, to: number): number {
    const { tokens, vocabulary } = this.#corpus;
    const { related } = this.#question;
    let bits = 0;
    for (let at = from; at < to; at++) bits |= related.get(vocabulary.termOf(tokens.at(at) & WORD_MASK)) ?? 0;
    return bits;
  }
}
