/**
 * Fits the weights of servers/hyperrag/confidence.ts: `node test/bench/retrieval/fit-confidence.ts FOLDER…`, each folder a question
 * set. Prints the weights as JSON, and for each set the expected calibration error when the others alone are fitted.
 */
import path from 'node:path';
import { type Evidence, evidenceOf } from '../../../servers/hyperrag/confidence.ts';
import { sigmoid } from '../../../servers/hyperrag/trust.ts';
import { createRetriever } from '../../../shared/retrieval/retriever.ts';
import { readDocuments, readQueries } from './question-set.ts';

const MOST_QUESTIONS = 400;
const HITS = 10;
const STEPS = 30;
/** Keeps the equations solvable when some evidence never occurs. */
const RIDGE = 1e-4;

interface Example {
  readonly values: readonly number[];
  /** From 0. */
  readonly rank: number;
  readonly isRelevant: boolean;
  /** So that each set weighs the same. */
  readonly weight: number;
}

interface JudgedSet {
  readonly name: string;
  readonly names: readonly string[];
  readonly examples: readonly Example[];
}

async function judge(folder: string): Promise<JudgedSet> {
  const retriever = createRetriever();
  const turns = new Map<string, number>();
  for await (const { id, title, text, group = '' } of readDocuments(folder)) {
    const order = turns.get(group) ?? 0;
    turns.set(group, order + 1);
    retriever.add({ id, title, text, group, ...(group !== '' && { sequence: { id: group, order } }) });
  }
  retriever.learn();
  const found: { evidence: Evidence; rank: number; isRelevant: boolean }[] = [];
  for (const { text, group = '', relevant } of (await readQueries(folder)).slice(0, MOST_QUESTIONS)) {
    // One more, for the distance of the last.
    const hits = retriever.search(text, { limit: HITS + 1, groups: [group] });
    for (const [rank, hit] of hits.slice(0, HITS).entries()) {
      found.push({ evidence: evidenceOf(hits, rank), rank, isRelevant: relevant.has(hit.id) });
    }
  }
  const examples = found.map(({ evidence, rank, isRelevant }) => {
    return { values: Object.values(evidence), rank, isRelevant, weight: 1 / found.length };
  });
  return { name: path.basename(folder), names: Object.keys(found[0]?.evidence ?? {}), examples };
}

function probability(values: readonly number[], weights: readonly number[]): number {
  return sigmoid(values.reduce((sum, value, n) => sum + value * weights[n]!, 0));
}

/** Logistic regression by Newton's method. */
function fitWeights(examples: readonly Example[]): number[] {
  const size = examples[0]!.values.length;
  const weights = new Array<number>(size).fill(0);
  for (let step = 0; step < STEPS; step++) {
    const rows = weights.map((weight, i) =>
      Array.from({ length: size + 1 }, (_, j) => (j === size ? -RIDGE * weight : j === i ? RIDGE : 0)),
    );
    for (const { values, isRelevant, weight } of examples) {
      const p = probability(values, weights);
      for (const [i, row] of rows.entries()) {
        row[size]! += weight * ((isRelevant ? 1 : 0) - p) * values[i]!;
        for (let j = 0; j < size; j++) row[j]! += weight * p * (1 - p) * values[i]! * values[j]!;
      }
    }
    for (const [i, change] of solve(rows).entries()) weights[i]! += change;
  }
  return weights;
}

/** Gauss-Jordan with pivots; the last column is the right side. */
function solve(rows: number[][]): number[] {
  const size = rows.length;
  for (let i = 0; i < size; i++) {
    const pivot = rows.reduce((best, row, n) => (n > i && Math.abs(row[i]!) > Math.abs(rows[best]![i]!) ? n : best), i);
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    for (const [n, row] of rows.entries()) {
      if (n === i) continue;
      const share = row[i]! / rows[i]![i]!;
      for (let j = i; j <= size; j++) row[j]! -= share * rows[i]![j]!;
    }
  }
  return rows.map((row, i) => row[size]! / row[i]!);
}

function calibrationError(examples: readonly Example[], weights: readonly number[]): number {
  const bins = new Array<number>(10).fill(0);
  for (const { values, isRelevant } of examples) {
    const p = probability(values, weights);
    bins[Math.min(9, Math.floor(p * 10))]! += p - (isRelevant ? 1 : 0);
  }
  return bins.reduce((sum, bin) => sum + Math.abs(bin), 0) / examples.length;
}

const sets: JudgedSet[] = [];
for (const folder of process.argv.slice(2)) sets.push(await judge(folder));
const all = sets.flatMap(({ examples }) => examples);
if (all.length === 0) throw new Error('usage: node test/bench/retrieval/fit-confidence.ts FOLDER…');
const weights = fitWeights(all);
const names = sets[0]!.names;
const rounded = (value: number) => Math.round(value * 100) / 100;
/** Over all hits, and over those of the first and second place. */
const errors = (examples: readonly Example[], by: readonly number[]) => ({
  all: Math.round(1000 * calibrationError(examples, by)) / 1000,
  first:
    Math.round(
      1000 *
        calibrationError(
          examples.filter(({ rank }) => rank === 0),
          by,
        ),
    ) / 1000,
  second:
    Math.round(
      1000 *
        calibrationError(
          examples.filter(({ rank }) => rank === 1),
          by,
        ),
    ) / 1000,
});
const heldOut = sets.map((set) => {
  const others = sets.filter((other) => other !== set).flatMap(({ examples }) => examples);
  return [set.name, others.length === 0 ? null : errors(set.examples, fitWeights(others))];
});
const result = {
  hits: all.length,
  weights: Object.fromEntries(names.map((name, n) => [name, rounded(weights[n]!)])),
  calibration_error: errors(all, weights),
  held_out_calibration_error: Object.fromEntries(heldOut),
};
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
