/** Owns one vector per passage, of length 1, in one array that is scanned; whose vectors they are is vectors.ts's matter. */
import { normalise } from './latent.ts';

export class DenseVectors {
  readonly dimensions: number;
  #data: Float32Array;
  /** 1 where there is a vector. */
  #present: Uint8Array;

  constructor(dimensions: number, saved?: SavedDense) {
    this.dimensions = dimensions;
    this.#data = saved?.data ?? new Float32Array(0);
    this.#present = saved?.present ?? new Uint8Array(0);
  }

  set(slot: number, vector: Float32Array): void {
    this.#makeRoom(slot + 1);
    this.#data.set(vector, slot * this.dimensions);
    normalise(this.#data.subarray(slot * this.dimensions, (slot + 1) * this.dimensions));
    this.#present[slot] = 1;
  }

  remove(slot: number): void {
    if (!this.has(slot)) return;
    this.#present[slot] = 0;
    this.#data.fill(0, slot * this.dimensions, (slot + 1) * this.dimensions);
  }

  has(slot: number): boolean {
    return this.#present[slot] === 1;
  }

  /** The passage's vector, in place; `undefined` when there is none. */
  at(slot: number): Float32Array | undefined {
    return this.has(slot) ? this.#data.subarray(slot * this.dimensions, (slot + 1) * this.dimensions) : undefined;
  }

  /** The cosine with a vector of length 1; 0 when the passage has no vector. */
  cosine(query: Float32Array, slot: number): number {
    if (!this.has(slot)) return 0;
    const { dimensions } = this;
    const data = this.#data;
    let at = slot * dimensions;
    // Four sums at once: they do not wait for each other.
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let k = 0;
    for (; k + 3 < dimensions; k += 4, at += 4) {
      a += query[k]! * data[at]!;
      b += query[k + 1]! * data[at + 1]!;
      c += query[k + 2]! * data[at + 2]!;
      d += query[k + 3]! * data[at + 3]!;
    }
    for (; k < dimensions; k++, at++) a += query[k]! * data[at]!;
    return a + b + c + d;
  }

  /** The same vectors at other slots. */
  moved(places: readonly (readonly [from: number, to: number])[]): DenseVectors {
    const moved = new DenseVectors(this.dimensions);
    for (const [from, to] of places) {
      const vector = this.at(from);
      if (vector) moved.set(to, vector);
    }
    return moved;
  }

  save(): SavedDense {
    return { dimensions: this.dimensions, data: this.#data, present: this.#present };
  }

  #makeRoom(slots: number): void {
    if (this.#present.length >= slots) return;
    const room = Math.max(64, Math.ceil(slots * 1.25));
    const data = new Float32Array(room * this.dimensions);
    data.set(this.#data);
    this.#data = data;
    const present = new Uint8Array(room);
    present.set(this.#present);
    this.#present = present;
  }
}

export interface SavedDense {
  readonly dimensions: number;
  readonly data: Float32Array;
  readonly present: Uint8Array;
}
