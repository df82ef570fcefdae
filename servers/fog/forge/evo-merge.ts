/**
 * EvoMerge: searches the weights with which given models are added up, by an evolution strategy (mean of the best half, step
 * that grows with success and shrinks without), scored from outside. The same seed and scores give the same search.
 */
import { AppError } from '../../../shared/errors.ts';
import { decodeFloats, encodeFloats, isFloat } from './dtypes.ts';
import { type NewTensor, openSafetensors, type SafetensorsFile, writeSafetensors } from './safetensors.ts';

export interface EvoMergeOptions {
  /** At least two files with the same tensors. */
  readonly models: readonly string[];
  /** Where the best merge is written. */
  readonly target: string;
  /** Where candidates are written to be scored; each takes the place of the one before. */
  readonly candidate: string;
  readonly generations: number;
  readonly population: number;
  readonly seed: number;
  /** More is better. @throws what ends the search */
  readonly score: (file: string) => Promise<number>;
  readonly onGeneration?: (done: number, best: number) => void;
}

export interface EvoMergeReport {
  /** Of each model in the best merge; they sum to 1. */
  readonly weights: readonly number[];
  readonly bestScore: number;
  /** Of each model alone, in their order. */
  readonly scoresAlone: readonly number[];
  readonly evaluations: number;
  /** Best score after each generation. */
  readonly history: readonly number[];
}

interface Candidate {
  readonly genome: readonly number[];
  readonly score: number;
}

const FIRST_STEP = 0.3;
const GROWTH = 1.3;

/** @throws AppError INVALID_PARAMS when the models do not fit together; what `score` throws */
export async function evoMerge(options: EvoMergeOptions): Promise<EvoMergeReport> {
  const { models, target, candidate, generations, population, seed, score, onGeneration = () => {} } = options;
  if (models.length < 2) throw new AppError('INVALID_PARAMS', { text: 'EvoMerge merges at least two models' });
  const files = models.map((file) => openSafetensors(file));
  try {
    checkAlike(files);
    const random = seeded(seed);
    let evaluations = 0;
    const known = new Map<string, number>();
    const evaluate = async (genome: readonly number[]): Promise<Candidate> => {
      const key = genome.join();
      let value = known.get(key);
      if (value === undefined) {
        merge(files, genome, candidate);
        value = await score(candidate);
        if (!Number.isFinite(value)) throw new AppError('CONFLICT', { text: 'The score is to be a finite number' });
        evaluations += 1;
        known.set(key, value);
      }
      return { genome, score: value };
    };

    const alone: Candidate[] = [];
    for (let i = 0; i < files.length; i++) alone.push(await evaluate(files.map((_, each) => (each === i ? 1 : 0))));
    const even = await evaluate(normalise(files.map(() => 1)));
    let best = [...alone, even].reduce(better);
    let mean = best.genome;
    let step = FIRST_STEP;
    const history: number[] = [];
    for (let generation = 0; generation < generations; generation++) {
      const tried: Candidate[] = [];
      for (let i = 0; i < population; i++) {
        tried.push(await evaluate(normalise(mean.map((weight) => weight + step * gaussian(random)))));
      }
      tried.sort((a, b) => b.score - a.score);
      const elite = tried.slice(0, Math.max(1, Math.floor(population / 2)));
      const isSuccess = tried[0]!.score > best.score;
      best = better(best, tried[0]!);
      mean = isSuccess ? normalise(mean.map((_, at) => average(elite.map(({ genome }) => genome[at]!)))) : best.genome;
      step *= isSuccess ? GROWTH : 1 / GROWTH;
      history.push(best.score);
      onGeneration(generation + 1, best.score);
    }
    merge(files, best.genome, target);
    return {
      weights: best.genome,
      bestScore: best.score,
      scoresAlone: alone.map(({ score: value }) => value),
      evaluations,
      history,
    };
  } finally {
    for (const file of files) file.close();
  }
}

/**
 * Adds up the models: each weight is the sum of theirs times `weights`, in doubles, rounded once to the first model's dtype.
 * What is no float must be the same in all and is taken from the first.
 */
export function merge(files: readonly SafetensorsFile[], weights: readonly number[], target: string): void {
  const [first] = files as [SafetensorsFile];
  const tensors: NewTensor[] = [...first.tensors.values()].map(({ name, dtype, shape }) => ({
    name,
    dtype,
    shape,
    bytes() {
      if (!isFloat(dtype)) return first.read(name);
      const sum = new Float64Array(shape.reduce((product, size) => product * size, 1));
      for (const [at, file] of files.entries()) {
        const weight = weights[at]!;
        if (weight === 0) continue;
        const { dtype: own } = file.tensors.get(name)!;
        if (!isFloat(own)) continue;
        const floats = decodeFloats(file.read(name), own);
        for (let i = 0; i < sum.length; i++) sum[i]! += weight * floats[i]!;
      }
      return encodeFloats(sum, dtype);
    },
  }));
  writeSafetensors(target, tensors, {
    ...Object.fromEntries(first.metadata),
    'forge.phase': 'EvoMerge',
    'forge.weights': weights.join(),
  });
}

/** @throws AppError INVALID_PARAMS when names, shapes or kinds of numbers differ */
function checkAlike(files: readonly SafetensorsFile[]): void {
  const [first, ...others] = files as [SafetensorsFile, ...SafetensorsFile[]];
  for (const [index, other] of others.entries()) {
    const where = `model ${index + 2} is not like model 1`;
    if (other.tensors.size !== first.tensors.size) {
      throw misfit(`${where}: it has ${other.tensors.size} tensors, not ${first.tensors.size}`);
    }
    for (const { name, shape, dtype } of first.tensors.values()) {
      const twin = other.tensors.get(name);
      const called = JSON.stringify(name.slice(0, 80));
      if (twin === undefined) throw misfit(`${where}: it has no tensor ${called}`);
      if (twin.shape.join() !== shape.join()) throw misfit(`${where}: the tensor ${called} has another shape`);
      if (isFloat(dtype) !== isFloat(twin.dtype) || (!isFloat(dtype) && dtype !== twin.dtype)) {
        throw misfit(`${where}: the tensor ${called} has another kind of numbers`);
      }
    }
  }
}

function misfit(text: string): AppError {
  return new AppError('INVALID_PARAMS', { text: `These models cannot be merged: ${text}` });
}

function better(a: Candidate, b: Candidate): Candidate {
  return b.score > a.score ? b : a;
}

/** Not below zero, summing to 1; all zero becomes even. */
function normalise(weights: readonly number[]): number[] {
  const positive = weights.map((weight) => Math.max(0, weight));
  const sum = positive.reduce((total, weight) => total + weight, 0);
  return positive.map((weight) => (sum === 0 ? 1 / positive.length : weight / sum));
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0) / numbers.length;
}

/** Box and Muller. */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Numbers below 1 from a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
