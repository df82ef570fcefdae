/** Decides what in one passage is a name: the forms of its title, the runs of capitals in its text. Counts and links nothing. */
import { type Corpus, MARKS_SHIFT, WORD_MASK } from './corpus.ts';
import { BRACKET, BREAK, CAPITAL, SENTENCE } from './tokenise.ts';
import type { Trie } from './trie.ts';
import { NO_TERM } from './vocabulary.ts';

/** No name has more words; a longer title is a sentence. */
export const LONGEST_NAME = 12;
const LONGEST_RUN = 6;
/** A name of so many words is often said with two of them. */
const SHORTENED = { from: 3, to: 4 };
/** Small words that may stand inside a name. */
const INSIDE = new Set('of the and de la le von van der den du da di del al bin for in on at to'.split(' '));
const ARTICLES = new Set(['the', 'a', 'an']);

export class Naming {
  readonly #corpus: Corpus;
  readonly #trie: Trie;

  /** @param trie takes the names */
  constructor(corpus: Corpus, trie: Trie) {
    this.#corpus = corpus;
    this.#trie = trie;
  }

  /**
   * What the passage is about, as nodes: its title, that without what follows a bracket or comma, without an article. For a
   * passage without a title, the same of the run of capitals that its text begins with, and that shortened to two words.
   */
  titles(slot: number): Set<number> {
    const { start, body, end } = this.#corpus;
    const names = new Set<number>();
    let from = start.at(slot);
    let to = body.at(slot);
    const isTitled = from < to;
    if (!isTitled) {
      from = to;
      to += this.#run(from, end.at(slot));
      if (from === to) return names;
    } else if (to - from > LONGEST_NAME) return names;
    this.#take(from, to, names);
    const plain = this.#plainEnd(from, to);
    if (plain < to) this.#take(from, plain, names);
    if (!isTitled) this.#shorten(from, plain, names);
    return names;
  }

  /** The runs of capitals in the passage's text, as nodes, without stop words before them. */
  runs(slot: number): Set<number> {
    const { tokens, body, end, vocabulary } = this.#corpus;
    const names = new Set<number>();
    const last = end.at(slot);
    let at = body.at(slot);
    while (at < last) {
      const next = at + this.#run(at, last);
      while (at < next && vocabulary.termOf(tokens.at(at) & WORD_MASK) === NO_TERM) at++;
      if (at < next) names.add(this.#trie.enter(tokens.data, at, next, WORD_MASK));
      at = Math.max(next, at + 1);
    }
    return names;
  }

  /** Whether capitals go on before or after the words of a name, with nothing between. */
  isPartial(slot: number, at: number, words: number): boolean {
    const { tokens, body, end, vocabulary } = this.#corpus;
    const next = at + words;
    if (next < end.at(slot) && this.#goesOn(next)) return true;
    // "Duke William II" is William II all the same; of a single word what stands before makes another name.
    if (words > 1 || at === body.at(slot) || !this.#goesOn(at)) return false;
    const before = tokens.at(at - 1);
    return ((before >>> MARKS_SHIFT) & CAPITAL) !== 0 && vocabulary.termOf(before & WORD_MASK) !== NO_TERM;
  }

  /** A capital that nothing parts from the word before. */
  #goesOn(at: number): boolean {
    const marks = this.#corpus.tokens.at(at) >>> MARKS_SHIFT;
    return (marks & CAPITAL) !== 0 && (marks & (BREAK | SENTENCE)) === 0;
  }

  /** How many tokens from `at` on are a run of capitals, small words between them included; 0 for none. */
  #run(at: number, end: number): number {
    const { tokens, vocabulary } = this.#corpus;
    let length = 0;
    for (let n = 0; n < LONGEST_RUN && at + n < end; n++) {
      const token = tokens.at(at + n);
      const marks = token >>> MARKS_SHIFT;
      if (n > 0 && (marks & (BREAK | SENTENCE)) !== 0) break;
      if ((marks & CAPITAL) !== 0) length = n + 1;
      else if (n === 0 || !INSIDE.has(vocabulary.wordText(token & WORD_MASK))) break;
    }
    return length;
  }

  /** Where a bracket begins, or, in a title that is a proper name, where a comma or colon stands. */
  #plainEnd(from: number, to: number): number {
    for (let at = from + 1; at < to; at++) {
      const marks = this.#corpus.tokens.at(at) >>> MARKS_SHIFT;
      if ((marks & BRACKET) !== 0 || ((marks & BREAK) !== 0 && this.#isProper(from, to))) return at;
    }
    return to;
  }

  /** Whether all words but the small ones have capitals. */
  #isProper(from: number, to: number): boolean {
    const { tokens, vocabulary } = this.#corpus;
    for (let at = from; at < to; at++) {
      const token = tokens.at(at);
      const word = token & WORD_MASK;
      if (vocabulary.termOf(word) === NO_TERM || INSIDE.has(vocabulary.wordText(word))) continue;
      if (((token >>> MARKS_SHIFT) & CAPITAL) === 0 && !/^\d/.test(vocabulary.wordText(word))) return false;
    }
    return true;
  }

  /** The words as a name, and without an article before them; stop words alone are none. */
  #take(from: number, to: number, names: Set<number>): void {
    const { tokens, vocabulary } = this.#corpus;
    const enter = (begin: number) => {
      for (let at = begin; at < to; at++) {
        if (vocabulary.termOf(tokens.at(at) & WORD_MASK) === NO_TERM) continue;
        names.add(this.#trie.enter(tokens.data, begin, to, WORD_MASK));
        return;
      }
    };
    enter(from);
    if (ARTICLES.has(vocabulary.wordText(tokens.at(from) & WORD_MASK))) enter(from + 1);
  }

  /** Of three or four capitalised words: the first and the last, the first and the second. */
  #shorten(from: number, to: number, names: Set<number>): void {
    const { tokens, vocabulary } = this.#corpus;
    if (to - from < SHORTENED.from || to - from > SHORTENED.to) return;
    for (let at = from; at < to; at++) {
      const token = tokens.at(at);
      const isInitial = at > from && vocabulary.wordText(token & WORD_MASK).length === 1;
      const isName = ((token >>> MARKS_SHIFT) & CAPITAL) !== 0 && vocabulary.termOf(token & WORD_MASK) !== NO_TERM;
      if (!isName && !isInitial) return;
    }
    for (const second of [to - 1, from + 1]) {
      if (vocabulary.wordText(tokens.at(second) & WORD_MASK).length < 3) continue;
      names.add(this.#trie.enter(Uint32Array.of(tokens.at(from), tokens.at(second)), 0, 2, WORD_MASK));
    }
  }
}
