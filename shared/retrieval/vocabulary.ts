/** Owns the numbers that words and terms have in one index. A word is as written but folded; several words share a term. */
import { Uint32List } from './growable.ts';
import { Names } from './names.ts';
import { termOf } from './terms.ts';

/** The term of stop words: none. */
export const NO_TERM = 0;

export interface SavedVocabulary {
  readonly words: readonly string[];
  readonly terms: readonly string[];
  readonly termOfWord: Uint32Array;
}

export class Vocabulary {
  readonly #words: Names;
  readonly #terms: Names;
  readonly #termOfWord: Uint32List;

  constructor(saved?: SavedVocabulary) {
    this.#words = new Names(saved?.words);
    this.#terms = new Names(saved?.terms ?? ['']);
    this.#termOfWord = new Uint32List(saved?.termOfWord);
  }

  /** The word's number, given now when it is new. */
  intern(word: string): number {
    const known = this.#words.find(word);
    if (known >= 0) return known;
    const term = termOf(word);
    this.#termOfWord.push(term === undefined ? NO_TERM : this.#terms.intern(term));
    return this.#words.intern(word);
  }

  /** The word's number, or -1 when no passage had it. */
  find(word: string): number {
    return this.#words.find(word);
  }

  /** The number of the term that a word has or would have, NO_TERM for a stop word, -1 when no passage had that term. */
  findTerm(word: string): number {
    const term = termOf(word);
    return term === undefined ? NO_TERM : this.#terms.find(term);
  }

  /** The number of a term by its text, or -1. */
  termNumber(text: string): number {
    return this.#terms.find(text);
  }

  termOf(word: number): number {
    return this.#termOfWord.at(word);
  }

  wordText(word: number): string {
    return this.#words.at(word);
  }

  termText(term: number): string {
    return this.#terms.at(term);
  }

  get wordCount(): number {
    return this.#words.texts.length;
  }

  /** One more than the largest number of a term. */
  get termCount(): number {
    return this.#terms.texts.length;
  }

  save(): SavedVocabulary {
    return { words: this.#words.texts, terms: this.#terms.texts, termOfWord: this.#termOfWord.view() };
  }
}
