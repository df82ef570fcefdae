/**
 * Owns the names of an index and which passages they are in. A name is what a passage is titled, that without its brackets,
 * or a run of capitalised words seen in two passages or more. Longest match links; no language model, no list of the world.
 */
import { type Corpus, MARKS_SHIFT, WORD_MASK } from './corpus.ts';
import { Lists, Uint32List } from './growable.ts';
import { BREAK, CAPITAL, SENTENCE } from './tokenise.ts';
import { Trie } from './trie.ts';
import { NO_TERM } from './vocabulary.ts';

/** No name is longer; a longer title is a sentence. */
const LONGEST_NAME = 12;
const LONGEST_SPAN = 6;
/** A run of capitals is a name from so many passages on. */
const SEEN_IN = 2;
/** Small words that may stand inside a name. */
const INSIDE = new Set(['of', 'the', 'and', 'de', 'la', 'le', 'von', 'van', 'der', 'den', 'du', 'da', 'di', 'del', 'al', 'bin', 'for', 'in', 'on', 'at', 'to']);

export interface Mention {
  readonly entity: number;
  /** Where in the corpus's stream of tokens it begins, and how many tokens it has. */
  readonly at: number;
  readonly words: number;
}

export class Entities {
  readonly #corpus: Corpus;
  readonly #trie = new Trie();
  /** By trie node: how many passages have it as a title, and how many as a run of capitals. */
  readonly #titles = new Uint32List();
  readonly #spans = new Uint32List();
  /** Passages that are about an entity, and passages that name it. Dead and outdated entries are sorted out when read. */
  readonly #about = new Lists();
  readonly #named = new Lists();
  /** By slot: where its mentions lie in the pool, as pairs of entity and place. */
  readonly #mentionStart = new Uint32List();
  readonly #mentionEnd = new Uint32List();
  readonly #mentions = new Uint32List(1024);
  /** Passages whose links are not yet what they should be. */
  readonly #stale = new Set<number>();
  #changed: number[] = [];

  constructor(corpus: Corpus) {
    this.#corpus = corpus;
  }

  add(slot: number): void {
    this.#count(slot, 1);
    this.#mentionStart.extend(slot + 1);
    this.#mentionEnd.extend(slot + 1);
    this.#stale.add(slot);
  }

  /** To be called before the corpus forgets the passage. */
  remove(slot: number): void {
    this.#count(slot, -1);
    this.#mentionStart.set(slot, 0);
    this.#mentionEnd.set(slot, 0);
    this.#stale.delete(slot);
  }

  /**
   * Links what changed: new passages, and old ones that hold a name which has become one or has ceased to be one.
   * `passagesWith` tells the living passages that have a term.
   */
  settle(passagesWith: (term: number, take: (slot: number) => void) => void): void {
    for (const node of this.#changed) {
      const term = this.#rarestTerm(node);
      if (term !== NO_TERM) passagesWith(term, (slot) => this.#stale.add(slot));
    }
    this.#changed = [];
    for (const slot of this.#stale) this.#link(slot);
    this.#stale.clear();
  }

  isEntity(node: number): boolean {
    return (node < this.#titles.length && this.#titles.at(node) > 0) || (node < this.#spans.length && this.#spans.at(node) >= SEEN_IN);
  }

  /** The mentions in one passage. */
  mentions(slot: number): Mention[] {
    const found: Mention[] = [];
    for (let at = this.#mentionStart.at(slot); at < this.#mentionEnd.at(slot); at += 2) {
      const entity = this.#mentions.at(at);
      found.push({ entity, at: this.#mentions.at(at + 1), words: this.#trie.depth(entity) });
    }
    return found;
  }

  /** The living passages about an entity. */
  about(entity: number): number[] {
    return this.#about.read(entity).filter((slot) => this.#corpus.isAlive(slot));
  }

  /** How many living passages name an entity is not kept exactly; this reads them, each once. */
  namedIn(entity: number): number[] {
    const slots = new Set<number>();
    for (const slot of this.#named.read(entity)) {
      if (this.#corpus.isAlive(slot) && !slots.has(slot) && this.#names(slot, entity)) slots.add(slot);
    }
    return [...slots];
  }

  /** The names that the passage is about. */
  titlesOf(slot: number): number[] {
    const nodes = new Set<number>();
    this.#titleNodes(slot, nodes);
    return [...nodes];
  }

  /** How many words the entity's name has. */
  wordCount(entity: number): number {
    return this.#trie.depth(entity);
  }

  /** The name, folded. */
  name(entity: number): string {
    return this.#trie.path(entity).map((word) => this.#corpus.vocabulary.wordText(word)).join(' ');
  }

  /**
   * The names in a row of tokens, the longest first come. A name of one word must be written with a capital where
   * `needCapitals` asks for it; of several words at least one, unless it is a title.
   */
  find(tokens: Uint32Array, start: number, end: number, take: (entity: number, at: number, words: number) => void): void {
    const trie = this.#trie;
    let at = start;
    while (at < end) {
      let node = 0;
      let found = 0;
      let words = 0;
      let capital = false;
      for (let n = 0; n < LONGEST_NAME && at + n < end; n++) {
        const token = tokens[at + n]!;
        const marks = token >>> MARKS_SHIFT;
        if (n > 0 && (marks & SENTENCE) !== 0) break;
        node = trie.child(node, token & WORD_MASK);
        if (node === 0) break;
        if ((marks & CAPITAL) !== 0) capital = true;
        if (this.isEntity(node) && (capital || (n > 0 && this.#titles.at(node) > 0))) {
          found = node;
          words = n + 1;
        }
      }
      if (words > 0) take(found, at, words);
      at += Math.max(1, words);
    }
  }

  #names(slot: number, entity: number): boolean {
    for (let at = this.#mentionStart.at(slot); at < this.#mentionEnd.at(slot); at += 2) {
      if (this.#mentions.at(at) === entity) return true;
    }
    return false;
  }

  #link(slot: number): void {
    const { tokens, body, end } = this.#corpus;
    this.#mentionStart.set(slot, this.#mentions.length);
    const named = new Set<number>();
    this.find(tokens.data, body.at(slot), end.at(slot), (entity, at) => {
      this.#mentions.push(entity);
      this.#mentions.push(at);
      if (named.has(entity)) return;
      named.add(entity);
      this.#named.add(entity, slot);
    });
    this.#mentionEnd.set(slot, this.#mentions.length);
  }

  #count(slot: number, change: 1 | -1): void {
    const nodes = new Set<number>();
    this.#titleNodes(slot, nodes);
    for (const node of nodes) {
      const was = this.isEntity(node);
      this.#titles.extend(node + 1);
      this.#titles.set(node, this.#titles.at(node) + change);
      if (change === 1) this.#about.add(node, slot);
      if (was !== this.isEntity(node)) this.#changed.push(node);
    }
    nodes.clear();
    this.#spanNodes(slot, nodes);
    for (const node of nodes) {
      const was = this.isEntity(node);
      this.#spans.extend(node + 1);
      this.#titles.extend(node + 1);
      this.#spans.set(node, this.#spans.at(node) + change);
      if (was !== this.isEntity(node)) this.#changed.push(node);
    }
  }

  /** The names that the passage's title is: whole, without what is in brackets or after a comma, without an article. */
  #titleNodes(slot: number, nodes: Set<number>): void {
    const { tokens, start, body, end } = this.#corpus;
    const from = start.at(slot);
    const to = body.at(slot);
    if (from === to) {
      const length = this.#spanAt(body.at(slot), end.at(slot));
      if (length > 0) this.#name(tokens.data, body.at(slot), body.at(slot) + length, nodes);
      return;
    }
    if (to - from > LONGEST_NAME) return;
    this.#name(tokens.data, from, to, nodes);
    let plain = from + 1;
    while (plain < to && ((tokens.at(plain) >>> MARKS_SHIFT) & BREAK) === 0) plain++;
    if (plain < to) this.#name(tokens.data, from, plain, nodes);
  }

  #name(tokens: Uint32Array, from: number, to: number, nodes: Set<number>): void {
    const { vocabulary } = this.#corpus;
    const hasTerm = (begin: number) => {
      for (let at = begin; at < to; at++) if (vocabulary.termOf(tokens[at]! & WORD_MASK) !== NO_TERM) return true;
      return false;
    };
    if (hasTerm(from)) nodes.add(this.#trie.enter(tokens, from, to, WORD_MASK));
    const first = vocabulary.wordText(tokens[from]! & WORD_MASK);
    if ((first === 'the' || first === 'a' || first === 'an') && to - from > 1 && hasTerm(from + 1)) {
      nodes.add(this.#trie.enter(tokens, from + 1, to, WORD_MASK));
    }
  }

  #spanNodes(slot: number, nodes: Set<number>): void {
    const { tokens, body, end, vocabulary } = this.#corpus;
    const last = end.at(slot);
    let at = body.at(slot);
    while (at < last) {
      const length = this.#spanAt(at, last);
      if (length === 0) {
        at++;
        continue;
      }
      let from = at;
      while (from < at + length && vocabulary.termOf(tokens.at(from) & WORD_MASK) === NO_TERM) from++;
      if (from < at + length) nodes.add(this.#trie.enter(tokens.data, from, at + length, WORD_MASK));
      at += length;
    }
  }

  /** How many tokens from `at` on are a run of capitals, small words between them included; 0 for none. */
  #spanAt(at: number, end: number): number {
    const { tokens, vocabulary } = this.#corpus;
    let length = 0;
    for (let n = 0; n < LONGEST_SPAN && at + n < end; n++) {
      const token = tokens.at(at + n);
      const marks = token >>> MARKS_SHIFT;
      if (n > 0 && (marks & (BREAK | SENTENCE)) !== 0) break;
      if ((marks & CAPITAL) !== 0) length = n + 1;
      else if (n === 0 || !INSIDE.has(vocabulary.wordText(token & WORD_MASK))) break;
    }
    return length;
  }

  #rarestTerm(node: number): number {
    const { vocabulary } = this.#corpus;
    let longest = NO_TERM;
    let length = 0;
    for (const word of this.#trie.path(node)) {
      const term = vocabulary.termOf(word);
      const text = vocabulary.wordText(word);
      // The longest word stands for the rarest: near enough, and it needs no counting.
      if (term !== NO_TERM && text.length > length) {
        longest = term;
        length = text.length;
      }
    }
    return longest;
  }
}
