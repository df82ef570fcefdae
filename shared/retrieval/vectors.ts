/**
 * Owns the vectors of an index: the built-in ones, learnt from the corpus and folded in as it grows, and beside them those of an
 * embedder, which the caller brings. Finds what is on the same subject in other words; knows nothing of names.
 */
import type { Corpus } from './corpus.ts';
import { DenseVectors, type SavedDense } from './dense.ts';
import { type Counts, LatentSpace, normalise, type SavedSpace } from './latent.ts';
import type { Vocabulary } from './vocabulary.ts';

const DIMENSIONS = 128;
/** Passages that the space is learnt from; of more, an even sample. */
const MOST_SAMPLES = 12_000;
/** With fewer passages than this there are no subjects to learn. */
const FEWEST_SAMPLES = 32;
/** A dimension for so many passages at least. */
const PASSAGES_A_DIMENSION = 4;
/** Learn again when the corpus has changed by this share since. */
const STALE_SHARE = 0.25;

/** A question's vector, and those that it compares with. */
export interface Probe {
  readonly vector: Float32Array;
  readonly among: DenseVectors;
  /** Whether unrelated texts are alike too, as they are to embedders, so that only what is above the usual counts. */
  readonly isBiased: boolean;
}

export class Vectors {
  readonly #corpus: Corpus;
  #space: LatentSpace | undefined;
  #dense = new DenseVectors(0);
  /** The embedder's. */
  #embedded: DenseVectors | undefined;
  /** Passages added and removed since the space was learnt. */
  #changes = 0;

  constructor(corpus: Corpus) {
    this.#corpus = corpus;
  }

  /** Whether learning (again) would be worth its time. */
  get isStale(): boolean {
    return this.#corpus.count >= FEWEST_SAMPLES && this.#changes > this.#corpus.count * STALE_SHARE;
  }

  /** To be called when the corpus has taken the passage. */
  add(slot: number): void {
    this.#changes++;
    if (this.#space) this.#dense.set(slot, this.#space.fold(this.#corpus.counts(slot)));
  }

  remove(slot: number): void {
    this.#changes++;
    this.#dense.remove(slot);
    this.#embedded?.remove(slot);
  }

  /** From now on an embedder's vectors of this length are taken; those of another are forgotten. */
  expect(dimensions: number): void {
    if (this.#embedded?.dimensions !== dimensions) this.#embedded = new DenseVectors(dimensions);
  }

  /** A passage's vector from the embedder. */
  set(slot: number, vector: Float32Array): void {
    if (vector.length !== this.#embedded?.dimensions) {
      throw new RangeError(
        `a vector of ${this.#embedded?.dimensions ?? 'no'} dimensions was expected, one of ${vector.length} came`,
      );
    }
    this.#embedded.set(slot, vector);
  }

  /** Whether it has the embedder's vector, or the built-in one while there is no embedder. */
  has(slot: number): boolean {
    return (this.#embedded ?? this.#dense).has(slot);
  }

  /**
   * Learns the built-in vectors from the passages there are; searches see the new ones when it is done. Pauses every few
   * milliseconds; passages may come and go in the pauses.
   */
  *learn(): Generator<void, void> {
    const corpus = this.#corpus;
    const live = [...corpus.live()];
    const changes = this.#changes;
    if (live.length < FEWEST_SAMPLES) {
      this.#space = undefined;
      this.#dense = new DenseVectors(0);
      this.#changes = 0;
      return;
    }
    const samples: Counts[] = [];
    const step = Math.max(1, live.length / MOST_SAMPLES);
    for (let at = 0; at < live.length; at += step) {
      samples.push(this.#corpus.counts(live[Math.floor(at)]!));
      if (samples.length % 500 === 0) yield;
    }
    const dimensions = Math.min(DIMENSIONS, Math.floor(live.length / PASSAGES_A_DIMENSION));
    const space = yield* LatentSpace.learn(samples, corpus.vocabulary.termCount, dimensions);
    const dense = new DenseVectors(space.dimensions);
    for (let slot = 0; slot < corpus.size; slot++) {
      if (corpus.isAlive(slot)) dense.set(slot, space.fold(this.#corpus.counts(slot)));
      if (slot % 500 === 0) yield;
    }
    // What was removed while this went on left its slot dead.
    for (let slot = 0; slot < corpus.size; slot++) if (!corpus.isAlive(slot)) dense.remove(slot);
    this.#space = space;
    this.#dense = dense;
    this.#changes -= changes;
  }

  /** The question's vector: the embedder's where the caller brings it, else its terms folded in. `undefined` when there is none. */
  query(terms: Counts, embedded?: Float32Array): Probe | undefined {
    if (this.#embedded && embedded?.length === this.#embedded.dimensions) {
      return { vector: normalise(embedded.slice()), among: this.#embedded, isBiased: true };
    }
    const vector = this.#space?.fold(terms);
    return vector?.some((value) => value !== 0) ? { vector, among: this.#dense, isBiased: false } : undefined;
  }

  /**
   * The question's vector moved half-way to the mean of what the keywords found best (J. Rocchio, 1971): a short question
   * says little of its subject, the passages that it finds say more.
   */
  moved(probe: Probe, best: readonly { readonly slot: number; readonly score: number }[]): Probe {
    const total = best.reduce((sum, { score }) => sum + score, 0);
    const moved = probe.vector.slice();
    for (const { slot, score } of best) {
      const vector = probe.among.at(slot);
      if (vector) for (let k = 0; k < moved.length; k++) moved[k]! += (score / total) * vector[k]!;
    }
    return { ...probe, vector: normalise(moved) };
  }

  /** Takes over the vectors of an index that is built anew: `moved` says which slot has become which. */
  moveFrom(old: Vectors, moved: readonly (readonly [from: number, to: number])[], oldVocabulary: Vocabulary): void {
    const { vocabulary } = this.#corpus;
    this.#space = old.#space?.moved(vocabulary.termCount, (term) =>
      oldVocabulary.termNumber(vocabulary.termText(term)),
    );
    this.#changes = old.#changes;
    this.#dense = old.#dense.moved(moved);
    this.#embedded = old.#embedded?.moved(moved);
  }

  save(): SavedVectors {
    return { space: this.#space?.save(), dense: this.#dense.save(), changes: this.#changes };
  }

  restore(saved: SavedVectors): void {
    if (!saved.space) return;
    this.#space = new LatentSpace(saved.space);
    this.#dense = new DenseVectors(saved.dense.dimensions, saved.dense);
    this.#changes = saved.changes;
  }
}

/** The built-in ones; whoever has an embedder keeps its vectors. */
export interface SavedVectors {
  readonly space: SavedSpace | undefined;
  readonly dense: SavedDense;
  readonly changes: number;
}
