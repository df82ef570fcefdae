/**
 * How likely it is that a hit answers its question: from the evidence that retrieval gives to a probability, corrected by what
 * callers said of earlier hits. Pure.
 */
import type { Hit } from '../../shared/retrieval/retriever.ts';
import { sigmoid } from './trust.ts';

/**
 * Logistic regression of "the hit is one of the passages that the answer needs" over 9,450 judged hits of four public question
 * sets, each set weighing the same; test/bench/retrieval/fit-confidence.ts
 * fits it, decisions/0002 tells how it does on a set that it did not see.
 */
const WEIGHTS = {
  bias: -8.67,
  coverage: 0.02,
  lexical: -1.94,
  named: 1.1,
  pairs: 0.79,
  vector: -5.45,
  reached: -1.63,
  byNames: 1.8,
  score: 3.6,
  /** Of the score, against that of the best hit. */
  relative: 6.89,
} as const;

export type Evidence = Readonly<Record<keyof typeof WEIGHTS, number>>;

/** What the regression looks at, for one hit among those of its question. */
export function evidenceOf({ score, features }: Hit, bestScore: number): Evidence {
  const { coverage, lexical, named, pairs, vector, reached, hops } = features;
  const relative = bestScore > 0 ? score / bestScore : 0;
  return { bias: 1, coverage, lexical, named, pairs, vector, reached, byNames: hops > 0 ? 1 : 0, score, relative };
}

/** The evidence for one hit as one number; `sigmoid` of it is the probability before any correction. */
export function fitLogit(hit: Hit, bestScore: number): number {
  const evidence = Object.entries(evidenceOf(hit, bestScore));
  return evidence.reduce((sum, [name, value]) => sum + WEIGHTS[name as keyof typeof WEIGHTS] * value, 0);
}

/** What callers said: the evidence of a hit, and whether it fitted its question. */
export interface Fit {
  readonly logit: number;
  readonly fitted: boolean;
}

export interface Calibration {
  readonly slope: number;
  readonly shift: number;
}

export const UNCORRECTED: Calibration = { slope: 1, shift: 0 };

/** How many judged hits the uncorrected line is worth. */
const PRIOR_STRENGTH = 4;
const MOST_STEPS = 50;

/** The line through the evidence that what callers said makes likeliest (Platt, 1999), held to the uncorrected one by a prior. */
export function calibrate(fits: readonly Fit[]): Calibration {
  let at = UNCORRECTED;
  let loss = lossOf(fits, at);
  for (let step = 0; step < MOST_STEPS; step++) {
    const { slope, shift } = newtonStep(fits, at);
    let share = 1;
    let next = at;
    let nextLoss = loss;
    // A whole step may overshoot: so far as it gains.
    do {
      next = { slope: at.slope + share * slope, shift: at.shift + share * shift };
      nextLoss = lossOf(fits, next);
      share /= 2;
    } while (nextLoss > loss && share > 1e-6);
    const isDone = loss - nextLoss < 1e-9;
    if (nextLoss <= loss) [at, loss] = [next, nextLoss];
    if (isDone) break;
  }
  // More evidence never means less confidence.
  return at.slope > 0 ? at : UNCORRECTED;
}

function lossOf(fits: readonly Fit[], at: Calibration): number {
  let loss = (PRIOR_STRENGTH * ((at.slope - 1) ** 2 + 0.25 * at.shift ** 2)) / 2;
  for (const { logit, fitted } of fits) {
    const z = at.slope * logit + at.shift;
    // -log of the probability of what was said, without overflow.
    loss += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - (fitted ? z : 0);
  }
  return loss;
}

function newtonStep(fits: readonly Fit[], { slope, shift }: Calibration): Calibration {
  let [gSlope, gShift] = [-PRIOR_STRENGTH * (slope - 1), -PRIOR_STRENGTH * 0.25 * shift];
  let [hSlope, hBoth, hShift] = [PRIOR_STRENGTH, 0, PRIOR_STRENGTH * 0.25];
  for (const { logit, fitted } of fits) {
    const p = sigmoid(slope * logit + shift);
    const [error, weight] = [(fitted ? 1 : 0) - p, p * (1 - p)];
    gSlope += error * logit;
    gShift += error;
    hSlope += weight * logit * logit;
    hBoth += weight * logit;
    hShift += weight;
  }
  const determinant = hSlope * hShift - hBoth * hBoth;
  return {
    slope: (hShift * gSlope - hBoth * gShift) / determinant,
    shift: (hSlope * gShift - hBoth * gSlope) / determinant,
  };
}

export function relevance(logit: number, { slope, shift }: Calibration): number {
  return sigmoid(slope * logit + shift);
}
