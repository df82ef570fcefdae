/**
 * Truncated singular value decomposition of a sparse matrix by a randomised range finder with power iterations (N. Halko,
 * P. Martinsson, J. Tropp, "Finding structure with randomness", SIAM Review 53(2), 2011, algorithms 4.4 and 5.1). The random
 * start is a fixed sequence, so the same matrix gives the same result. Knows nothing of words.
 */

/** Rows in a row: the entries of row i are `columns` and `values` from `starts[i]` to before `starts[i + 1]`. */
export interface SparseRows {
  readonly starts: Uint32Array;
  readonly columns: Uint32Array;
  readonly values: Float32Array;
  readonly columnCount: number;
}

export interface RightVectors {
  /** Row-major, `columnCount × rank`: what a row is multiplied by to get its place in the reduced space. */
  readonly vectors: Float32Array;
  /** How many dimensions came out; fewer than asked for when the matrix has no more. */
  readonly rank: number;
}

const OVERSAMPLING = 8;
const POWER_ITERATIONS = 2;
/** Directions weaker than this share of the strongest are noise. */
const WEAKEST = 1e-4;
const ROWS_A_PAUSE = 500;

/**
 * The right singular vectors of the `rank` largest singular values, strongest first. A generator that pauses every few
 * milliseconds' worth of rows, so that a process may answer calls in between; drain it to have the result at once.
 */
export function* rightSingularVectors(matrix: SparseRows, rank: number): Generator<void, RightVectors> {
  const rows = matrix.starts.length - 1;
  const width = Math.min(rank + OVERSAMPLING, rows, matrix.columnCount);
  if (width === 0) return { vectors: new Float32Array(0), rank: 0 };
  let inColumns = randomBlock(matrix.columnCount, width);
  let inRows = yield* times(matrix, inColumns, width);
  yield* orthonormalise(inRows, rows, width);
  for (let n = 0; n < POWER_ITERATIONS; n++) {
    inColumns = yield* transposedTimes(matrix, inRows, width);
    inRows = yield* times(matrix, inColumns, width);
    yield* orthonormalise(inRows, rows, width);
  }
  inColumns = yield* transposedTimes(matrix, inRows, width);
  return yield* rotate(inColumns, matrix.columnCount, width, rank);
}

/** matrix × block; blocks are row-major with `width` columns. */
function* times(matrix: SparseRows, block: Float32Array, width: number): Generator<void, Float32Array> {
  const { starts, columns, values } = matrix;
  const rows = starts.length - 1;
  const result = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    if (row % ROWS_A_PAUSE === 0) yield;
    const to = row * width;
    for (let at = starts[row]!; at < starts[row + 1]!; at++) {
      const from = columns[at]! * width;
      const value = values[at]!;
      for (let k = 0; k < width; k++) result[to + k]! += value * block[from + k]!;
    }
  }
  return result;
}

function* transposedTimes(matrix: SparseRows, block: Float32Array, width: number): Generator<void, Float32Array> {
  const { starts, columns, values } = matrix;
  const rows = starts.length - 1;
  const result = new Float32Array(matrix.columnCount * width);
  for (let row = 0; row < rows; row++) {
    if (row % ROWS_A_PAUSE === 0) yield;
    const from = row * width;
    for (let at = starts[row]!; at < starts[row + 1]!; at++) {
      const to = columns[at]! * width;
      const value = values[at]!;
      for (let k = 0; k < width; k++) result[to + k]! += value * block[from + k]!;
    }
  }
  return result;
}

/** blockᵀ × block, `width × width`. */
function* gram(block: Float32Array, rows: number, width: number): Generator<void, Float64Array> {
  const sums = new Float64Array(width * width);
  for (let row = 0; row < rows; row++) {
    if (row % ROWS_A_PAUSE === 0) yield;
    const at = row * width;
    for (let i = 0; i < width; i++) {
      const value = block[at + i]!;
      if (value === 0) continue;
      const to = i * width;
      for (let j = i; j < width; j++) sums[to + j]! += value * block[at + j]!;
    }
  }
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) sums[i * width + j] = sums[j * width + i]!;
  return sums;
}

/** Makes the block's columns orthonormal in place, by its Gram matrix's Cholesky factor, twice for the sake of rounding. */
function* orthonormalise(block: Float32Array, rows: number, width: number): Generator<void, void> {
  for (let pass = 0; pass < 2; pass++) {
    const factor = cholesky(yield* gram(block, rows, width), width);
    const row = new Float64Array(width);
    for (let r = 0; r < rows; r++) {
      if (r % ROWS_A_PAUSE === 0) yield;
      const at = r * width;
      for (let j = 0; j < width; j++) {
        let value = block[at + j]!;
        for (let i = 0; i < j; i++) value -= row[i]! * factor[j * width + i]!;
        const pivot = factor[j * width + j]!;
        row[j] = pivot === 0 ? 0 : value / pivot;
      }
      for (let j = 0; j < width; j++) block[at + j] = row[j]!;
    }
  }
}

/** The lower triangle L with L·Lᵀ = matrix; a direction that depends on those before gets a pivot of 0. */
function cholesky(matrix: Float64Array, width: number): Float64Array {
  const lower = new Float64Array(width * width);
  for (let j = 0; j < width; j++) {
    let pivot = matrix[j * width + j]!;
    for (let k = 0; k < j; k++) pivot -= lower[j * width + k]! ** 2;
    if (!(pivot > matrix[j * width + j]! * 1e-10)) continue;
    const root = Math.sqrt(pivot);
    lower[j * width + j] = root;
    for (let i = j + 1; i < width; i++) {
      let value = matrix[i * width + j]!;
      for (let k = 0; k < j; k++) value -= lower[i * width + k]! * lower[j * width + k]!;
      lower[i * width + j] = value / root;
    }
  }
  return lower;
}

/** Turns `block` (= Vᵀ's mixture) to the singular directions and scales them to length 1. */
function* rotate(block: Float32Array, rows: number, width: number, rank: number): Generator<void, RightVectors> {
  const { values, vectors } = eigen(yield* gram(block, rows, width), width);
  const order = [...values.keys()].sort((a, b) => values[b]! - values[a]!);
  const kept = order
    .slice(0, rank)
    .filter((index) => values[index]! > values[order[0]!]! * WEAKEST ** 2 && values[index]! > 0);
  const result = new Float32Array(rows * kept.length);
  const turn = new Float64Array(width * kept.length);
  kept.forEach((index, k) => {
    const scale = 1 / Math.sqrt(values[index]!);
    for (let i = 0; i < width; i++) turn[i * kept.length + k] = vectors[i * width + index]! * scale;
  });
  const sums = new Float64Array(kept.length);
  for (let row = 0; row < rows; row++) {
    if (row % ROWS_A_PAUSE === 0) yield;
    sums.fill(0);
    for (let i = 0; i < width; i++) {
      const value = block[row * width + i]!;
      if (value === 0) continue;
      for (let k = 0; k < kept.length; k++) sums[k]! += value * turn[i * kept.length + k]!;
    }
    result.set(sums, row * kept.length);
  }
  return { vectors: result, rank: kept.length };
}

/** Eigenvalues and eigenvectors (in columns) of a symmetric matrix, by Jacobi's rotations. */
export function eigen(matrix: Float64Array, width: number): { values: Float64Array; vectors: Float64Array } {
  const a = Float64Array.from(matrix);
  const vectors = new Float64Array(width * width);
  for (let i = 0; i < width; i++) vectors[i * width + i] = 1;
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    let all = 0;
    for (let i = 0; i < width; i++) {
      all += a[i * width + i]! ** 2;
      for (let j = i + 1; j < width; j++) off += 2 * a[i * width + j]! ** 2;
    }
    if (off <= 1e-18 * (all + off)) break;
    for (let p = 0; p < width; p++) for (let q = p + 1; q < width; q++) turnAway(a, vectors, width, p, q);
  }
  return { values: Float64Array.from({ length: width }, (_, i) => a[i * width + i]!), vectors };
}

function turnAway(a: Float64Array, vectors: Float64Array, width: number, p: number, q: number): void {
  const apq = a[p * width + q]!;
  if (apq === 0) return;
  const theta = (a[q * width + q]! - a[p * width + p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const cos = 1 / Math.sqrt(t * t + 1);
  const sin = t * cos;
  for (let k = 0; k < width; k++) {
    const akp = a[k * width + p]!;
    const akq = a[k * width + q]!;
    a[k * width + p] = cos * akp - sin * akq;
    a[k * width + q] = sin * akp + cos * akq;
  }
  for (let k = 0; k < width; k++) {
    const apk = a[p * width + k]!;
    const aqk = a[q * width + k]!;
    a[p * width + k] = cos * apk - sin * aqk;
    a[q * width + k] = sin * apk + cos * aqk;
    const vkp = vectors[k * width + p]!;
    const vkq = vectors[k * width + q]!;
    vectors[k * width + p] = cos * vkp - sin * vkq;
    vectors[k * width + q] = sin * vkp + cos * vkq;
  }
}

/** Numbers about normally distributed, always the same ones (xorshift, sums of four). */
function randomBlock(rows: number, width: number): Float32Array {
  let state = 0x2545_f491;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return Float32Array.from({ length: rows * width }, () => next() + next() + next() + next() - 2);
}
