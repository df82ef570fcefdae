import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LatentSpace } from '../../../../shared/retrieval/latent.ts';
import { eigen, rightSingularVectors, type SparseRows } from '../../../../shared/retrieval/svd.ts';

function drain<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function sparse(rows: readonly number[][]): SparseRows {
  const starts = [0];
  const columns: number[] = [];
  const values: number[] = [];
  for (const row of rows) {
    for (const [column, value] of row.entries()) {
      if (value === 0) continue;
      columns.push(column);
      values.push(value);
    }
    starts.push(columns.length);
  }
  return {
    starts: Uint32Array.from(starts),
    columns: Uint32Array.from(columns),
    values: Float32Array.from(values),
    columnCount: rows[0]?.length ?? 0,
  };
}

it('[H9] finds the strongest directions of a matrix whose own are known', () => {
  const { vectors, rank } = drain(
    rightSingularVectors(
      sparse([
        [5, 0, 0],
        [0, 0, 3],
        [0, 1, 0],
        [0, 0, 0],
      ]),
      2,
    ),
  );
  expect(rank).toBe(2);
  const direction = (k: number) => [0, 1, 2].map((row) => Math.abs(vectors[row * rank + k]!).toFixed(3));
  expect(direction(0)).toEqual(['1.000', '0.000', '0.000']);
  expect(direction(1)).toEqual(['0.000', '0.000', '1.000']);
});

it('[H9] gives directions of length 1 at right angles, no more than the matrix has', () => {
  const cell = fc.integer({ min: -4, max: 4 });
  const matrices = fc
    .integer({ min: 1, max: 7 })
    .chain((columns) =>
      fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 12 }),
    );
  fc.assert(
    fc.property(matrices, (rows) => {
      const columns = rows[0]!.length;
      const { vectors, rank } = drain(rightSingularVectors(sparse(rows), columns));
      expect(rank).toBeLessThanOrEqual(Math.min(rows.length, columns));
      for (let a = 0; a < rank; a++) {
        for (let b = a; b < rank; b++) {
          let product = 0;
          for (let row = 0; row < columns; row++) product += vectors[row * rank + a]! * vectors[row * rank + b]!;
          expect(Math.abs(product - (a === b ? 1 : 0))).toBeLessThan(0.02);
        }
      }
    }),
    { numRuns: 60 },
  );
});

it('[H9] finds the eigenvalues of a symmetric matrix', () => {
  const { values } = eigen(Float64Array.from([2, 1, 1, 2]), 2);
  expect([...values].sort((a, b) => a - b).map((value) => value.toFixed(6))).toEqual(['1.000000', '3.000000']);
});

it('[H9] puts texts on one subject near each other though they share no word', () => {
  // Terms 1–3 go together, and 4–6; 1 and 3 are never in one text.
  const texts = [
    [1, 2],
    [2, 3],
    [1, 2],
    [2, 3],
    [4, 5],
    [5, 6],
    [4, 5],
    [5, 6],
  ];
  const counts = (terms: readonly number[]) => new Map(terms.map((term) => [term, 1]));
  const space = drain(LatentSpace.learn(texts.map(counts), 7, 2));
  const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, k) => sum + value * b[k]!, 0);
  expect(cosine(space.fold(counts([1])), space.fold(counts([3])))).toBeGreaterThan(0.9);
  expect(Math.abs(cosine(space.fold(counts([1])), space.fold(counts([4]))))).toBeLessThan(0.1);
  expect([...space.fold(counts([99]))]).toEqual([0, 0]);
});
