/** Looks into single passages for the terms of one question: which are in the title, the body, one sentence, and how often. */
import { type Corpus, MARKS_SHIFT, WORD_MASK } from './corpus.ts';
import type { Lexical } from './lexical.ts';
import type { Question } from './question.ts';
import { SENTENCE } from './tokenise.ts';

export interface Profile {
  /** Terms of the question in the title, and anywhere, as bits. */
  readonly title: number;
  readonly all: number;
  /** How often each term is there, by bit. */
  readonly counts: Uint8Array;
}

export class Profiles {
  readonly #corpus: Corpus;
  readonly #lexical: Lexical;
  readonly #question: Question;
  readonly #known = new Map<number, Profile>();

  constructor(corpus: Corpus, lexical: Lexical, question: Question) {
    this.#corpus = corpus;
    this.#lexical = lexical;
    this.#question = question;
  }

  of(slot: number): Profile {
    const known = this.#known.get(slot);
    if (known) return known;
    const { start, body, end } = this.#corpus;
    const counts = new Uint8Array(this.#question.terms.length);
    const title = this.#count(start.at(slot), body.at(slot), counts);
    const all = title | this.#count(body.at(slot), end.at(slot), counts);
    const profile = { title, all, counts };
    this.#known.set(slot, profile);
    return profile;
  }

  /** BM25 of the passage for the terms in `bits`. */
  score(slot: number, bits: number): number {
    const { counts, all } = this.of(slot);
    const { terms, scope } = this.#question;
    const length = this.#corpus.length.at(slot);
    let score = 0;
    for (let rest = bits & all; rest !== 0; rest &= rest - 1) {
      const bit = 31 - Math.clz32(rest & -rest);
      score += terms[bit]!.weight * this.#lexical.saturation(counts[bit]!, length, scope);
    }
    return score;
  }

  /** The terms around a mention in the passage `slot`, as bits: within `reach` words of it, and in the whole of its sentence. */
  around(slot: number, at: number, words: number, reach: number): { near: number; sentence: number } {
    const { tokens, body, end } = this.#corpus;
    let from = at;
    while (from > body.at(slot) && ((tokens.at(from) >>> MARKS_SHIFT) & SENTENCE) === 0) from--;
    let to = at + words;
    while (to < end.at(slot) && ((tokens.at(to) >>> MARKS_SHIFT) & SENTENCE) === 0) to++;
    const near = this.#count(Math.max(from, at - reach), at, undefined) | this.#count(at + words, Math.min(to, at + words + reach), undefined);
    return { near, sentence: near | this.#count(from, at, undefined) | this.#count(at + words, to, undefined) };
  }

  #count(from: number, to: number, counts: Uint8Array | undefined): number {
    const { tokens, vocabulary } = this.#corpus;
    const { bitOf } = this.#question;
    let bits = 0;
    for (let at = from; at < to; at++) {
      const bit = bitOf.get(vocabulary.termOf(tokens.at(at) & WORD_MASK));
      if (bit === undefined) continue;
      bits |= 1 << bit;
      if (counts && counts[bit]! < 255) counts[bit]!++;
    }
    return bits;
  }
}
