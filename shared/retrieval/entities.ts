/**
 * Owns the names of an index and which passages hold them. A name is what a passage is titled, that without its brackets, or a
 * run of capitalised words seen in two passages or more. The longest match links; no model, no list of the world's names.
 */
import { type Corpus, MARKS_SHIFT, WORD_MASK } from './corpus.ts';
import { Lists, type SavedLists, Uint32List } from './growable.ts';
import { LONGEST_NAME, Naming } from './naming.ts';
import { CAPITAL, SENTENCE } from './tokenise.ts';
import { type SavedTrie, Trie } from './trie.ts';
import { NO_TERM } from './vocabulary.ts';

/** A run of capitals is a name from so many passages on. */
const SEEN_IN = 2;
/** The place of a mention in the stream, and above it the mark of a partial one. */
const PLACE_MASK = 0x7fff_ffff;
const PARTIAL = 0x8000_0000;

export interface Mention {
  /** The name's number. */
  readonly entity: number;
  /** Where in the corpus's stream of tokens it begins, and how many tokens it has. */
  readonly at: number;
  readonly words: number;
  /** Whether it is only a part of a longer run of capitals which is no known name: "Peter" in "Peter Nobody". */
  readonly partial: boolean;
}

export interface SavedEntities {
  readonly trie: SavedTrie;
  readonly titles: Uint32Array;
  readonly runs: Uint32Array;
  readonly about: SavedLists;
  readonly holders: SavedLists;
  readonly mentionStart: Uint32Array;
  readonly mentionEnd: Uint32Array;
  readonly mentions: Uint32Array;
}

export class Entities {
  readonly #corpus: Corpus;
  readonly #naming: Naming;
  readonly #trie: Trie;
  /** By node of the trie: of how many passages it is the title, and in how many it is a run of capitals. */
  readonly #titles: Uint32List;
  readonly #runs: Uint32List;
  /** By node: the passages about it, and those that hold it. What is outdated is sorted out when read. */
  readonly #about: Lists;
  readonly #holders: Lists;
  /** By slot: where its mentions lie in the pool, as pairs of name and place. */
  readonly #mentionStart: Uint32List;
  readonly #mentionEnd: Uint32List;
  readonly #mentions: Uint32List;
  /** Passages whose links are to be made anew, and names that have become one or ceased to be one. */
  readonly #stale = new Set<number>();
  readonly #changed = new Set<number>();

  constructor(corpus: Corpus, saved?: SavedEntities) {
    this.#corpus = corpus;
    this.#trie = new Trie(saved?.trie);
    this.#naming = new Naming(corpus, this.#trie);
    this.#titles = new Uint32List(saved?.titles);
    this.#runs = new Uint32List(saved?.runs);
    this.#about = new Lists(saved?.about);
    this.#holders = new Lists(saved?.holders);
    this.#mentionStart = new Uint32List(saved?.mentionStart);
    this.#mentionEnd = new Uint32List(saved?.mentionEnd);
    this.#mentions = new Uint32List(saved?.mentions);
  }

  /** To be called when the corpus has taken the passage; it is linked at the next `settle`. */
  add(slot: number): void {
    this.#count(slot, 1);
    for (const entity of this.#naming.titles(slot)) this.#about.add(entity, slot);
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
   * @param passagesWith tells the living passages that have a term
   */
  settle(passagesWith: (term: number, take: (slot: number) => void) => void): void {
    if (this.#stale.size * 2 > this.#corpus.count) {
      // Most are new, as when an index is built: all at once is less than looking up the names one by one.
      for (const slot of this.#corpus.live()) this.#stale.add(slot);
    } else {
      for (const entity of this.#changed) {
        passagesWith(this.#longestTerm(entity), (slot) => {
          this.#stale.add(slot);
        });
      }
    }
    this.#changed.clear();
    for (const slot of [...this.#stale].sort((a, b) => a - b)) this.#link(slot);
    this.#stale.clear();
  }

  get isSettled(): boolean {
    return this.#stale.size === 0 && this.#changed.size === 0;
  }

  /** The mentions in the text of one passage, in their order. */
  mentions(slot: number): Mention[] {
    const found: Mention[] = [];
    for (let at = this.#mentionStart.at(slot); at < this.#mentionEnd.at(slot); at += 2) {
      const entity = this.#mentions.at(at);
      const place = this.#mentions.at(at + 1);
      found.push({ entity, at: place & PLACE_MASK, words: this.#trie.depth(entity), partial: place > PLACE_MASK });
    }
    return found;
  }

  /** The living passages about a name, at most `most`. */
  about(entity: number, most: number): number[] {
    const slots: number[] = [];
    this.#about.some(entity, (slot) => {
      if (this.#corpus.isAlive(slot)) slots.push(slot);
      return slots.length === most;
    });
    return slots;
  }

  /** The living passages that hold a name, each once; `undefined` when they are more than `most`. */
  holders(entity: number, most: number): number[] | undefined {
    const slots = new Set<number>();
    const tooMany = this.#holders.some(entity, (slot) => {
      if (this.#corpus.isAlive(slot) && !slots.has(slot) && this.#holds(slot, entity)) slots.add(slot);
      return slots.size > most;
    });
    return tooMany ? undefined : [...slots];
  }

  /** Whether a name in the passage leads to a passage about it, other than itself. */
  leadsOn(slot: number): boolean {
    for (let at = this.#mentionStart.at(slot); at < this.#mentionEnd.at(slot); at += 2) {
      const leads = this.#about.some(this.#mentions.at(at), (other) => other !== slot && this.#corpus.isAlive(other));
      if (leads) return true;
    }
    return false;
  }

  /** The name, folded. */
  name(entity: number): string {
    const { vocabulary } = this.#corpus;
    return this.#trie
      .path(entity)
      .map((word) => vocabulary.wordText(word))
      .join(' ');
  }

  /**
   * The names in a row of tokens, from left to right, the longest where several begin. A name needs a capital somewhere in the
   * row, unless it is a title of several words; with `anyCase` no name of several words needs one.
   */
  find(
    tokens: Uint32Array,
    start: number,
    end: number,
    anyCase: boolean,
    take: (entity: number, at: number, words: number) => void,
  ): void {
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
        if (this.#isName(node) && (capital || (n > 0 && (anyCase || this.#titles.at(node) > 0)))) {
          found = node;
          words = n + 1;
        }
      }
      if (words > 0) take(found, at, words);
      at += Math.max(1, words);
    }
  }

  save(): SavedEntities {
    return {
      trie: this.#trie.save(),
      titles: this.#titles.view(),
      runs: this.#runs.view(),
      about: this.#about.save(),
      holders: this.#holders.save(),
      mentionStart: this.#mentionStart.view(),
      mentionEnd: this.#mentionEnd.view(),
      mentions: this.#mentions.view(),
    };
  }

  #isName(node: number): boolean {
    return node < this.#titles.length && (this.#titles.at(node) > 0 || this.#runs.at(node) >= SEEN_IN);
  }

  #holds(slot: number, entity: number): boolean {
    for (let at = this.#mentionStart.at(slot); at < this.#mentionEnd.at(slot); at += 2) {
      if (this.#mentions.at(at) === entity) return true;
    }
    return false;
  }

  #link(slot: number): void {
    const { tokens, body, end } = this.#corpus;
    const found: number[] = [];
    this.find(tokens.data, body.at(slot), end.at(slot), false, (entity, at, words) => {
      found.push(entity, this.#naming.isPartial(slot, at, words) ? (at | PARTIAL) >>> 0 : at);
    });
    const start = this.#mentionStart.at(slot);
    const room = this.#mentionEnd.at(slot) - start;
    if (found.length === room && found.every((value, n) => value === this.#mentions.at(start + n))) return;
    const held = new Set<number>();
    for (let at = start; at < start + room; at += 2) held.add(this.#mentions.at(at));
    for (let n = 0; n < found.length; n += 2) {
      if (held.has(found[n]!)) continue;
      held.add(found[n]!);
      this.#holders.add(found[n]!, slot);
    }
    // In their old place if they fit, else at the end: most passages are linked again to no other effect.
    const to = found.length <= room ? start : this.#mentions.length;
    this.#mentions.extend(to + found.length);
    for (const [n, value] of found.entries()) this.#mentions.set(to + n, value);
    this.#mentionStart.set(slot, to);
    this.#mentionEnd.set(slot, to + found.length);
  }

  #count(slot: number, change: 1 | -1): void {
    for (const [nodes, counts] of [
      [this.#naming.titles(slot), this.#titles],
      [this.#naming.runs(slot), this.#runs],
    ] as const) {
      this.#titles.extend(this.#trie.size);
      this.#runs.extend(this.#trie.size);
      for (const node of nodes) {
        const was = this.#isName(node);
        counts.set(node, counts.at(node) + change);
        if (was !== this.#isName(node)) this.#changed.add(node);
      }
    }
  }

  /** The longest word stands for the rarest: near enough, and it needs no counting. */
  #longestTerm(entity: number): number {
    const { vocabulary } = this.#corpus;
    let longest = NO_TERM;
    let length = 0;
    for (const word of this.#trie.path(entity)) {
      const term = vocabulary.termOf(word);
      if (term === NO_TERM || vocabulary.wordText(word).length <= length) continue;
      longest = term;
      length = vocabulary.wordText(word).length;
    }
    return longest;
  }
}
