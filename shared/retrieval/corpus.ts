/**
 * Owns the passages as rows of word numbers: what every other part reads. A passage has a slot number here for as long as it
 * stays; a removed one leaves a dead slot until the index is built anew. Holds no text, and ranks nothing.
 */
import { Uint32List } from './growable.ts';
import { Names } from './names.ts';
import { tokenise } from './tokenise.ts';
import { NO_TERM, type Vocabulary } from './vocabulary.ts';

/** A passage as the index takes it. */
export interface Passage {
  /** Unique in the index. */
  readonly id: string;
  /** What the passage is about, if anything says so: the name of an article, a heading. May be empty. */
  readonly title: string;
  readonly text: string;
  /** A search may be restricted to groups (a namespace, a conversation); a passage without one is in the group ''. */
  readonly group?: string;
  /** Which conversation or document it is a turn or a part of, and its place there (0 … 2^31); neighbours lend it a share. */
  readonly sequence?: { readonly id: string; readonly order: number };
}

/** A token of the stream: the word's number below, the marks of tokenise.ts above. */
export const WORD_MASK = 0x0fff_ffff;
export const MARKS_SHIFT = 28;

/** Words beyond this many in one passage are not indexed: a passage is a paragraph, not a book. */
const MOST_WORDS = 20_000;

/** How many times a word in the title counts against one in the text. */
export const TITLE_WORTH = 2;

const NONE = 0xffff_ffff;

export interface SavedCorpus {
  readonly tokens: Uint32Array;
  readonly start: Uint32Array;
  readonly body: Uint32Array;
  readonly end: Uint32Array;
  readonly length: Uint32Array;
  readonly group: Uint32Array;
  readonly sequence: Uint32Array;
  readonly order: Uint32Array;
  readonly ids: readonly string[];
  readonly groups: readonly string[];
  readonly sequences: readonly string[];
}

export class Corpus {
  readonly vocabulary: Vocabulary;
  /** All tokens of all passages, each passage's title first. */
  readonly tokens: Uint32List;
  /** By slot: where its tokens begin, where its text begins after the title, and where both end. */
  readonly start: Uint32List;
  readonly body: Uint32List;
  readonly end: Uint32List;
  /** By slot: tokens that have a term, the length that BM25 knows. */
  readonly length: Uint32List;
  readonly group: Uint32List;
  /** By slot: 1 for a passage that is there. */
  readonly alive = new Uint32List();
  readonly ids: string[] = [];
  readonly groups: Names;
  /** Passages that are there, and the sum of their lengths; the same by group. */
  count = 0;
  totalLength = 0;
  readonly groupCount = new Uint32List();
  readonly groupLength = new Uint32List();
  readonly #sequence: Uint32List;
  readonly #order: Uint32List;
  readonly #sequences: Names;
  readonly #slots = new Map<string, number>();
  /** sequence → place → slot. */
  readonly #places = new Map<number, Map<number, number>>();

  constructor(vocabulary: Vocabulary, saved?: SavedCorpus) {
    this.vocabulary = vocabulary;
    this.tokens = new Uint32List(saved?.tokens ?? 4096);
    this.start = new Uint32List(saved?.start);
    this.body = new Uint32List(saved?.body);
    this.end = new Uint32List(saved?.end);
    this.length = new Uint32List(saved?.length);
    this.group = new Uint32List(saved?.group);
    this.#sequence = new Uint32List(saved?.sequence);
    this.#order = new Uint32List(saved?.order);
    this.groups = new Names(saved?.groups);
    this.#sequences = new Names(saved?.sequences);
    for (const id of saved?.ids ?? []) this.#enter(id);
  }

  /** How many slots there are, dead ones included. */
  get size(): number {
    return this.ids.length;
  }

  find(id: string): number {
    return this.#slots.get(id) ?? -1;
  }

  isAlive(slot: number): boolean {
    return this.alive.at(slot) === 1;
  }

  /** Writes the passage's words down; the caller has made sure that its id is free. */
  add(passage: Passage): number {
    const { tokens, vocabulary } = this;
    const start = tokens.length;
    let length = 0;
    let room = MOST_WORDS;
    const take = (word: string, marks: number) => {
      if (room-- <= 0) return;
      const number = vocabulary.intern(word);
      if (vocabulary.termOf(number) !== NO_TERM) length++;
      tokens.push((number | (marks << MARKS_SHIFT)) >>> 0);
    };
    tokenise(passage.title, take);
    const body = tokens.length;
    tokenise(passage.text, take);
    return this.#push(passage, start, body, length);
  }

  /** Takes over a living passage of another corpus, from its tokens. */
  copy(from: Corpus, slot: number): number {
    const start = this.tokens.length;
    for (let at = from.start.at(slot); at < from.end.at(slot); at++) {
      const token = from.tokens.at(at);
      const word = this.vocabulary.intern(from.vocabulary.wordText(token & WORD_MASK));
      this.tokens.push((word | ((token >>> MARKS_SHIFT) << MARKS_SHIFT)) >>> 0);
    }
    const sequence = from.#sequence.at(slot);
    const passage = {
      id: from.ids[slot]!,
      group: from.groups.at(from.group.at(slot)),
      ...(sequence !== NONE && { sequence: { id: from.#sequences.at(sequence), order: from.#order.at(slot) } }),
    };
    return this.#push(passage, start, start + from.body.at(slot) - from.start.at(slot), from.length.at(slot));
  }

  /** Forgets the passage; its words stay in the stream, out of reach, until the index is built anew. */
  remove(slot: number): void {
    this.#slots.delete(this.ids[slot]!);
    this.ids[slot] = '';
    this.alive.set(slot, 0);
    this.#tally(slot, -1);
    const places = this.#places.get(this.#sequence.at(slot));
    if (places?.get(this.#order.at(slot)) === slot) places.delete(this.#order.at(slot));
  }

  /** The passage `offset` places further in the same sequence, or -1. */
  neighbour(slot: number, offset: number): number {
    return this.#places.get(this.#sequence.at(slot))?.get(this.#order.at(slot) + offset) ?? -1;
  }

  /** term → how often, in one passage; a title's words count as TITLE_WORTH. */
  counts(slot: number): Map<number, number> {
    const counts = new Map<number, number>();
    const body = this.body.at(slot);
    for (let at = this.start.at(slot); at < this.end.at(slot); at++) {
      const term = this.vocabulary.termOf(this.tokens.at(at) & WORD_MASK);
      if (term !== NO_TERM) counts.set(term, (counts.get(term) ?? 0) + (at < body ? TITLE_WORTH : 1));
    }
    return counts;
  }

  /** The slots that are there, in order. */
  *live(): Generator<number> {
    for (let slot = 0; slot < this.size; slot++) if (this.isAlive(slot)) yield slot;
  }

  /** Only for a corpus without dead slots. */
  save(): SavedCorpus {
    return {
      tokens: this.tokens.view(),
      start: this.start.view(),
      body: this.body.view(),
      end: this.end.view(),
      length: this.length.view(),
      group: this.group.view(),
      sequence: this.#sequence.view(),
      order: this.#order.view(),
      ids: this.ids,
      groups: this.groups.texts,
      sequences: this.#sequences.texts,
    };
  }

  #push(passage: Omit<Passage, 'title' | 'text'>, start: number, body: number, length: number): number {
    this.start.push(start);
    this.body.push(body);
    this.end.push(this.tokens.length);
    this.length.push(length);
    this.group.push(this.groups.intern(passage.group ?? ''));
    this.#sequence.push(passage.sequence ? this.#sequences.intern(passage.sequence.id) : NONE);
    this.#order.push(passage.sequence?.order ?? 0);
    return this.#enter(passage.id);
  }

  /** Gives the next slot, whose arrays are filled, its id and its place in the tables. */
  #enter(id: string): number {
    const slot = this.ids.push(id) - 1;
    this.#slots.set(id, slot);
    this.alive.push(1);
    this.#tally(slot, 1);
    const sequence = this.#sequence.at(slot);
    if (sequence === NONE) return slot;
    const places = this.#places.get(sequence) ?? new Map<number, number>();
    places.set(this.#order.at(slot), slot);
    this.#places.set(sequence, places);
    return slot;
  }

  #tally(slot: number, change: 1 | -1): void {
    const group = this.group.at(slot);
    const length = this.length.at(slot) * change;
    this.count += change;
    this.totalLength += length;
    this.groupCount.extend(group + 1);
    this.groupLength.extend(group + 1);
    this.groupCount.set(group, this.groupCount.at(group) + change);
    this.groupLength.set(group, this.groupLength.at(group) + length);
  }
}
