/**
 * Owns the passages as rows of word numbers: what every other part reads. A passage has a slot number here for as long as it
 * stays; a removed one leaves a dead slot until the index is compacted. Holds no text, and ranks nothing.
 */
import { Uint32List } from './growable.ts';
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
  /** Which conversation or document it is a turn or a part of, and its place there (whole number); neighbours lend it a share. */
  readonly sequence?: { readonly id: string; readonly order: number };
}

/** A token in the stream: the word's number, and its marks in the upper bits. */
export const WORD_MASK = 0x0fff_ffff;
export const MARKS_SHIFT = 28;

/** Words beyond this many in one passage are not indexed: a passage is a paragraph, not a book. */
export const MOST_WORDS = 20_000;

const NONE = 0xffff_ffff;

export class Corpus {
  readonly vocabulary: Vocabulary;
  /** All tokens of all passages, title first, one after the other. */
  readonly tokens = new Uint32List(4096);
  readonly start = new Uint32List();
  readonly end = new Uint32List();
  /** Where the text begins, after the title. */
  readonly body = new Uint32List();
  /** Tokens that have a term: the length that BM25 knows. */
  readonly length = new Uint32List();
  readonly group = new Uint32List();
  readonly sequence = new Uint32List();
  readonly order = new Uint32List();
  /** 1 for a passage that is there. */
  readonly alive = new Uint32List();
  readonly ids: string[] = [];
  readonly groups = new Names();
  readonly sequences = new Names();
  /** Passages that are there, and the sum of their lengths. */
  count = 0;
  totalLength = 0;
  /** Passages with a title, of those that are there. */
  titled = 0;
  readonly #slots = new Map<string, number>();
  /** sequence → order → slot. */
  readonly #places = new Map<number, Map<number, number>>();

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
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
    const begin = tokens.length;
    let length = 0;
    let left = MOST_WORDS;
    const take = (word: string, marks: number) => {
      if (left-- <= 0) return;
      const id = vocabulary.intern(word);
      if (vocabulary.termOf(id) !== NO_TERM) length++;
      tokens.push((id | (marks << MARKS_SHIFT)) >>> 0);
    };
    tokenise(passage.title, take);
    const body = tokens.length;
    tokenise(passage.text, take);
    return this.#enter(passage, begin, body, length);
  }

  /** Forgets the passage; its words stay in the stream, out of reach, until the next compaction. */
  remove(slot: number): void {
    const id = this.ids[slot]!;
    this.#slots.delete(id);
    this.ids[slot] = '';
    this.alive.set(slot, 0);
    this.count--;
    this.totalLength -= this.length.at(slot);
    if (this.body.at(slot) > this.start.at(slot)) this.titled--;
    const sequence = this.sequence.at(slot);
    if (sequence !== NONE) this.#places.get(sequence)?.delete(this.order.at(slot));
  }

  /** The passage `offset` places further in its sequence, or -1. */
  neighbour(slot: number, offset: number): number {
    const sequence = this.sequence.at(slot);
    if (sequence === NONE) return -1;
    return this.#places.get(sequence)?.get(this.order.at(slot) + offset) ?? -1;
  }

  isInSequence(slot: number): boolean {
    return this.sequence.at(slot) !== NONE;
  }

  /** The slots that are there, in order. */
  *live(): Generator<number> {
    for (let slot = 0; slot < this.size; slot++) if (this.isAlive(slot)) yield slot;
  }

  #enter(passage: Passage, begin: number, body: number, length: number): number {
    const slot = this.ids.length;
    this.ids.push(passage.id);
    this.#slots.set(passage.id, slot);
    this.start.push(begin);
    this.body.push(body);
    this.end.push(this.tokens.length);
    this.length.push(length);
    this.group.push(this.groups.intern(passage.group ?? ''));
    this.alive.push(1);
    this.count++;
    this.totalLength += length;
    if (body > begin) this.titled++;
    this.#place(slot, passage.sequence);
    return slot;
  }

  #place(slot: number, sequence: Passage['sequence']): void {
    this.sequence.push(sequence ? this.sequences.intern(sequence.id) : NONE);
    this.order.push(sequence?.order ?? 0);
    if (!sequence) return;
    const number = this.sequence.at(slot);
    const places = this.#places.get(number) ?? new Map<number, number>();
    places.set(sequence.order, slot);
    this.#places.set(number, places);
  }
}

/** Numbers for names: groups, sequences. */
export class Names {
  readonly #numbers = new Map<string, number>();
  readonly texts: string[] = [];

  intern(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.texts.length);
    this.texts.push(name);
    return this.texts.length - 1;
  }

  find(name: string): number {
    return this.#numbers.get(name) ?? -1;
  }
}
