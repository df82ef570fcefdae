/**
 * The door of the retrieval core: passages in, ranked passages with their evidence and path out. Pure: no store, no protocol,
 * no environment, no clock; whoever owns the passages keeps their texts and the snapshots.
 */
import { Corpus, type Passage } from './corpus.ts';
import { Entities } from './entities.ts';
import type { Evidence, Scored } from './evidence.ts';
import { expand } from './expansion.ts';
import { firstStage, type Index, subjectTrust, type Wanted } from './first-stage.ts';
import { fuse, type Ranked } from './fusion.ts';
import { Lexical, MOST_SLOTS } from './lexical.ts';
import { Profiles } from './profile.ts';
import { massOf, type Question, readQuestion } from './question.ts';
import { loadIndex, saveIndex } from './snapshot.ts';
import { deepen, HEAD } from './subject.ts';
import { TUNING, type Tuning } from './tuning.ts';
import { Vectors } from './vectors.ts';
import { Vocabulary } from './vocabulary.ts';

export type { Passage } from './corpus.ts';

/** `lexical`: keywords alone. `graph`: and names. `vector`: vectors alone. `auto`: all, each where it helps. */
export type Mode = 'auto' | 'lexical' | 'graph' | 'vector';

export interface SearchOptions {
  /** How many hits, 1 … 1,000; 10 unless said. */
  readonly limit?: number;
  readonly mode?: Mode;
  /** Only passages of these groups; an unknown group holds nothing. Without it, all. */
  readonly groups?: readonly string[];
  /** The question's vector by the embedder; without it the built-in vectors serve. */
  readonly vector?: Float32Array;
}

/** How a passage came to its place. */
export type Path =
  /** By its own words: the question's terms that it has (as stems), the weightiest first. */
  | { readonly kind: 'terms'; readonly terms: readonly string[] }
  /** By a name in the question that it is about. */
  | { readonly kind: 'name'; readonly name: string }
  /** By a name in another passage, `from` (its id); `hops` steps from a passage that the question itself found. */
  | { readonly kind: 'entity'; readonly entity: string; readonly from: string; readonly hops: number }
  /** By neighbours in its conversation or document. */
  | { readonly kind: 'neighbours' }
  /** By likeness of subject. */
  | { readonly kind: 'vector' };

/** Raw figures from which a confidence can be learnt; none of them is a probability. */
export interface Features extends Evidence {
  /** Which share of the question's weight the passage's own words cover, 0 … 1. */
  readonly coverage: number;
  /** What the names that led here made it worth; 0 when they did not. */
  readonly reached: number;
  readonly hops: number;
}

export interface Hit {
  readonly id: string;
  /** Comparable within one search only. */
  readonly score: number;
  readonly features: Features;
  readonly path: Path;
}

export interface RetrieverOptions {
  /** What `snapshot` gave. Throws SnapshotError when it is damaged or of another version: then add the passages again. */
  readonly snapshot?: Uint8Array;
  readonly tuning?: Tuning;
}

export interface Retriever {
  /** How many passages there are. */
  readonly size: number;
  has(id: string): boolean;
  /** Takes a passage, in place of the one with the same id if there is one. */
  add(passage: Passage): void;
  /** Forgets a passage; whether there was one. No search finds it, and no later snapshot holds a word that only it had. */
  remove(id: string): boolean;
  /** From now on an embedder's vectors of this length may be set; those of another length are forgotten. */
  expectVectors(dimensions: number): void;
  /** Sets an embedder's vector of a passage. Throws RangeError for another length or an unknown passage. */
  setVector(id: string, vector: Float32Array): void;
  /** Whether it has the embedder's vector, or the built-in one while no embedder is expected. */
  hasVector(id: string): boolean;
  /** Whether the built-in vectors are to be learnt (again): the corpus has grown or changed by a quarter since. */
  readonly needsLearning: boolean;
  /** Learns the built-in vectors at once. */
  learn(): void;
  /** The same in slices of a few milliseconds: call `next` until it is done; the passages may change in between. */
  learning(): Generator<void, void>;
  search(question: string, options?: SearchOptions): Hit[];
  /** The whole index in octets, for `createRetriever`. */
  snapshot(): Uint8Array;
}

const MOST_HITS = 1_000;
/** The first stage looks so many times deeper than what is asked for, and so deep at least. */
const DEPTH = { times: 2, least: 300 };
/** The index is built anew, without them, when the dead slots are more than this and more than the living. */
const MOST_DEAD = 1_000;

export function createRetriever(options: RetrieverOptions = {}): Retriever {
  return new InMemoryRetriever(options);
}

class InMemoryRetriever implements Retriever {
  #index: Index;
  readonly #tuning: Tuning;

  constructor({ snapshot, tuning = TUNING }: RetrieverOptions) {
    this.#tuning = tuning;
    this.#index = snapshot ? loadIndex(snapshot) : emptyIndex();
  }

  get size(): number {
    return this.#index.corpus.count;
  }

  has(id: string): boolean {
    return this.#index.corpus.find(id) >= 0;
  }

  add(passage: Passage): void {
    this.remove(passage.id);
    this.#makeRoom();
    const { corpus, lexical, entities, vectors } = this.#index;
    const slot = corpus.add(passage);
    lexical.add(slot);
    entities.add(slot);
    vectors.add(slot);
  }

  remove(id: string): boolean {
    const { corpus, lexical, entities, vectors } = this.#index;
    const slot = corpus.find(id);
    if (slot < 0) return false;
    lexical.remove(slot);
    entities.remove(slot);
    vectors.remove(slot);
    corpus.remove(slot);
    return true;
  }

  expectVectors(dimensions: number): void {
    this.#index.vectors.expect(dimensions);
  }

  setVector(id: string, vector: Float32Array): void {
    const slot = this.#index.corpus.find(id);
    if (slot < 0)
      throw new RangeError('a vector was set for a passage that is not in the index; add the passage first');
    this.#index.vectors.set(slot, vector);
  }

  hasVector(id: string): boolean {
    const slot = this.#index.corpus.find(id);
    return slot >= 0 && this.#index.vectors.has(slot);
  }

  get needsLearning(): boolean {
    return this.#index.vectors.isStale;
  }

  learn(): void {
    const steps = this.learning();
    while (steps.next().done !== true);
  }

  learning(): Generator<void, void> {
    return this.#index.vectors.learn();
  }

  search(text: string, { limit = 10, mode = 'auto', groups, vector }: SearchOptions = {}): Hit[] {
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_HITS) {
      throw new RangeError(`limit must be a whole number from 1 to ${MOST_HITS}`);
    }
    this.#settle();
    const { corpus, lexical } = this.#index;
    const scope = lexical.scope(
      groups && new Set(groups.map((group) => corpus.groups.find(group)).filter((n) => n >= 0)),
    );
    const question = readQuestion(text, scope, this.#index);
    const profiles = new Profiles(corpus, lexical, question);
    const wanted: Wanted = {
      depth: Math.max(DEPTH.least, limit * DEPTH.times),
      keywords: mode !== 'vector',
      names: mode === 'auto' || mode === 'graph',
      vectors: mode === 'auto' ? 'auto' : mode === 'vector' ? 'always' : 'never',
      embedded: vector,
    };
    const found = firstStage(question, profiles, this.#index, wanted, this.#tuning);
    const follows = mode === 'graph' || (mode === 'auto' && question.asksByName);
    const parents: Scored[] = follows && question.mass > 0 ? found.slice(0, this.#tuning.parents) : [];
    const reached = expand(parents, question, profiles, this.#index, this.#tuning);
    const trust = mode === 'auto' && limit > HEAD ? subjectTrust(question, found, this.#index) : 0;
    const fused = fuse(found, reached, trust > 0 ? wanted.depth : limit, corpus.ids);
    const ranked = deepen(fused, question, this.#index, trust, vector, this.#tuning);
    return ranked.slice(0, limit).map((one) => this.#hit(one, question, profiles));
  }

  snapshot(): Uint8Array {
    this.#rebuild();
    return saveIndex(this.#index);
  }

  #hit(ranked: Ranked, question: Question, profiles: Profiles): Hit {
    const { slot, score, evidence, step } = ranked;
    const covered = profiles.of(slot).all;
    return {
      id: this.#index.corpus.ids[slot]!,
      score,
      features: {
        ...evidence,
        coverage: question.mass === 0 ? 0 : massOf(question, covered) / question.mass,
        reached: step?.score ?? 0,
        hops: step?.hops ?? 0,
      },
      path: this.#path(ranked, question, covered),
    };
  }

  /** The strongest reason. */
  #path({ slot, evidence, step }: Ranked, question: Question, covered: number): Path {
    const { corpus, entities } = this.#index;
    if (step && !step.isReturn)
      return { kind: 'entity', entity: entities.name(step.entity), from: corpus.ids[step.from]!, hops: step.hops };
    const { lexical, pairs, named, neighbours, vector } = evidence;
    const strongest = Math.max(lexical + pairs, named, neighbours, vector);
    if (strongest === named && named > 0) {
      const name = question.names.find(({ entity }) => entities.about(entity, Number.POSITIVE_INFINITY).includes(slot));
      if (name) return { kind: 'name', name: entities.name(name.entity) };
    }
    if (strongest === vector && vector > 0) return { kind: 'vector' };
    if (strongest === neighbours && neighbours > 0) return { kind: 'neighbours' };
    const terms = question.terms.filter((_, bit) => ((covered >>> bit) & 1) === 1);
    return { kind: 'terms', terms: terms.map(({ term }) => corpus.vocabulary.termText(term)) };
  }

  #settle(): void {
    const { entities, lexical } = this.#index;
    if (!entities.isSettled) entities.settle((term, take) => lexical.forEach(term, take));
  }

  #makeRoom(): void {
    const { corpus } = this.#index;
    const dead = corpus.size - corpus.count;
    if (dead > MOST_DEAD && dead > corpus.count) this.#rebuild();
    if (this.#index.corpus.size >= MOST_SLOTS) throw new RangeError(`an index holds at most ${MOST_SLOTS} passages`);
  }

  /** Makes the index what it would be had only its living passages ever been added. */
  #rebuild(): void {
    this.#settle();
    const old = this.#index;
    if (old.corpus.size === old.corpus.count) return;
    const fresh = emptyIndex();
    const moved: [from: number, to: number][] = [];
    for (const slot of old.corpus.live()) {
      const to = fresh.corpus.copy(old.corpus, slot);
      fresh.lexical.add(to);
      fresh.entities.add(to);
      moved.push([slot, to]);
    }
    fresh.vectors.moveFrom(old.vectors, moved, old.corpus.vocabulary);
    this.#index = fresh;
    this.#settle();
  }
}

function emptyIndex(): Index {
  const corpus = new Corpus(new Vocabulary());
  return {
    corpus,
    lexical: new Lexical(corpus),
    entities: new Entities(corpus),
    vectors: new Vectors(corpus),
  };
}
