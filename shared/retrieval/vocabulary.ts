/** Owns the numbers that words and terms have in one index. A word is as written but folded; several words share a term. */
import { Uint32List } from './growable.ts';
import { termOf } from './terms.ts';

/** The term of stop words: none. */
export const NO_TERM = 0;

export class Vocabulary {
  readonly #words = new Map<string, number>();
  readonly #wordTexts: string[] = [];
  readonly #terms = new Map<string, number>();
  readonly #termTexts: string[] = [''];
  readonly #termOfWord = new Uint32List();

  /** The word's number, given now when it is new. */
  intern(word: string): number {
    const known = this.#words.get(word);
    if (known !== undefined) return known;
    const id = this.#wordTexts.length;
    this.#words.set(word, id);
    this.#wordTexts.push(word);
    const term = termOf(word);
    this.#termOfWord.push(term === undefined ? NO_TERM : this.#internTerm(term));
    return id;
  }

  /** The word's number, or -1 when no passage has it. */
  find(word: string): number {
    return this.#words.get(word) ?? -1;
  }

  /** The number of a term such as `termOf` gives, or -1. */
  findTerm(term: string): number {
    return this.#terms.get(term) ?? -1;
  }

  /** The term that a word would have, or -1 when no passage has that term. */
  termOfText(word: string): number {
    const term = termOf(word);
    return term === undefined ? NO_TERM : this.findTerm(term);
  }

  termOf(word: number): number {
    return this.#termOfWord.at(word);
  }

  wordText(word: number): string {
    return this.#wordTexts[word]!;
  }

  termText(term: number): string {
    return this.#termTexts[term]!;
  }

  get wordCount(): number {
    return this.#wordTexts.length;
  }

  /** One more than the largest number of a term. */
  get termCount(): number {
    return this.#termTexts.length;
  }

  /** All words in the order of their numbers; interning them again in this order gives the same vocabulary. */
  texts(): readonly string[] {
    return this.#wordTexts;
  }

  #internTerm(term: string): number {
    const known = this.#terms.get(term);
    if (known !== undefined) return known;
    this.#terms.set(term, this.#termTexts.length);
    this.#termTexts.push(term);
    return this.#termTexts.length - 1;
  }
}
