/**
 * The built-in vectors: latent semantic analysis (S. Deerwester et al., "Indexing by latent semantic analysis", 1990) of log
 * tf-idf, learnt from the corpus itself. A space is learnt once and then only read; texts are folded in by the terms it knows.
 */
import { type RightVectors, rightSingularVectors, type SparseRows } from './svd.ts';

/** term → how often. */
export type Counts = ReadonlyMap<number, number>;

/** A term in fewer passages says nothing about a subject. */
const RAREST = 2;

export interface SavedSpace {
  readonly rows: Uint32Array;
  readonly idf: Float32Array;
  readonly vectors: Float32Array;
  readonly dimensions: number;
}

export class LatentSpace {
  /** By term: its row in `vectors` plus 1, 0 for a term that the space does not know. */
  readonly #rows: Uint32Array;
  /** By row. */
  readonly #idf: Float32Array;
  readonly #vectors: Float32Array;
  readonly dimensions: number;

  constructor(saved: SavedSpace) {
    this.#rows = saved.rows;
    this.#idf = saved.idf;
    this.#vectors = saved.vectors;
    this.dimensions = saved.dimensions;
  }

  /**
   * Learns a space from samples of what it is to hold; pauses now and then (see `rightSingularVectors`).
   * @param termCount one more than the largest number of a term
   */
  static *learn(samples: readonly Counts[], termCount: number, dimensions: number): Generator<void, LatentSpace> {
    const frequency = new Uint32Array(termCount);
    for (const counts of samples) for (const term of counts.keys()) frequency[term]!++;
    const rows = new Uint32Array(termCount);
    const idf: number[] = [];
    for (let term = 0; term < termCount; term++) {
      if (frequency[term]! >= RAREST) rows[term] = idf.push(Math.log(1 + samples.length / frequency[term]!));
    }
    const known = { rows, idf: Float32Array.from(idf) };
    const found: RightVectors = yield* rightSingularVectors(matrixOf(samples, known), dimensions);
    return new LatentSpace({ ...known, vectors: found.vectors, dimensions: found.rank });
  }

  /** The place of a text in the space, of length 1; all zeros when none of its terms is known. */
  fold(counts: Counts): Float32Array {
    const { dimensions } = this;
    const place = new Float32Array(dimensions);
    for (const [row, weight] of weights(counts, this.#rows, this.#idf)) {
      const from = row * dimensions;
      for (let k = 0; k < dimensions; k++) place[k]! += weight * this.#vectors[from + k]!;
    }
    return normalise(place);
  }

  /** The same space for terms with other numbers; `old` tells the number that a term had, or -1. Terms that are gone drop out. */
  moved(termCount: number, old: (term: number) => number): LatentSpace {
    const rows = new Uint32Array(termCount);
    for (let term = 0; term < termCount; term++) {
      const was = old(term);
      if (was >= 0 && was < this.#rows.length) rows[term] = this.#rows[was]!;
    }
    return new LatentSpace({ ...this.save(), rows });
  }

  save(): SavedSpace {
    return { rows: this.#rows, idf: this.#idf, vectors: this.#vectors, dimensions: this.dimensions };
  }
}

/** Scales to length 1 in place; zeros stay zeros. */
export function normalise(vector: Float32Array): Float32Array {
  let square = 0;
  for (let k = 0; k < vector.length; k++) square += vector[k]! * vector[k]!;
  if (square === 0) return vector;
  const scale = 1 / Math.sqrt(square);
  for (let k = 0; k < vector.length; k++) vector[k]! *= scale;
  return vector;
}

function matrixOf(samples: readonly Counts[], known: { rows: Uint32Array; idf: Float32Array }): SparseRows {
  const starts = new Uint32Array(samples.length + 1);
  const columns: number[] = [];
  const values: number[] = [];
  for (const [index, counts] of samples.entries()) {
    for (const [column, value] of weights(counts, known.rows, known.idf)) {
      columns.push(column);
      values.push(value);
    }
    starts[index + 1] = columns.length;
  }
  return {
    starts,
    columns: Uint32Array.from(columns),
    values: Float32Array.from(values),
    columnCount: known.idf.length,
  };
}

/** The known terms as rows of the space with their weights, log tf-idf scaled to length 1. */
function weights(counts: Counts, rows: Uint32Array, idf: Float32Array): [row: number, weight: number][] {
  const found: [number, number][] = [];
  let square = 0;
  for (const [term, count] of counts) {
    const row = term < rows.length ? rows[term]! - 1 : -1;
    if (row < 0) continue;
    const weight = (1 + Math.log(count)) * idf[row]!;
    found.push([row, weight]);
    square += weight * weight;
  }
  const scale = square === 0 ? 0 : 1 / Math.sqrt(square);
  for (const entry of found) entry[1] *= scale;
  return found;
}
