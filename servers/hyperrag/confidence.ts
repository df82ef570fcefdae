/**
 * How likely it is that a hit answers its question: from the evidence that retrieval gives to a probability, corrected by what
 * callers said of earlier hits. Pure.
 */
import type { Hit } from '../../shared/retrieval/retriever.ts';
import { sigmoid } from './trust.ts';

/**
 * Logistic regression of "the hit is one of the passages that the answer needs" over 9,450 judged hits of four public question
 * sets, each set weighing the same; decisions/0002 tells how it was fitted and how it does on a set that it did not see.
 */
const WEIGHTS = {
  bias: -8.7,
  coverage: 0.24,
  lexical: -2.18,
  named: 1.01,
  pairs: 2.23,
  vector: -5.33,
  reached: -1.76,
  byNames: 1.89,
  score: 3.7,
  /** Of the score, against that of the best hit. */
  relative: 6.84,
} as const;

/** The evidence for one hit as one number; `sigmoid` of it is the probability before any correction. */
export function fitLogit({ score, features }: Hit, bestScore: number): number {
  return (
    WEIGHTS.bias +
    WEIGHTS.coverage * features.coverage +
    WEIGHTS.lexical * features.lexical +
    WEIGHTS.named * features.named +
    WEIGHTS.pairs * features.pairs +
    WEIGHTS.vector * features.vector +
    WEIGHTS.reached * features.reached +
    WEIGHTS.byNames * (features.hops > 0 ? 1 : 0) +
    WEIGHTS.score * score +
    (bestScore > 0 ? (WEIGHTS.relative * score) / bestScore : 0)
  );
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
const MOST_STEPS = 25;

/** The line through the evidence that what callers said makes likeliest (Platt, 1999), held to the uncorrected one by a prior. */
export function calibrate(fits: readonly Fit[]): Calibration {
  let { slope, shift } = UNCORRECTED;
  if (fits.length === 0) return UNCORRECTED;
  for (let step = 0; step < MOST_STEPS; step++) {
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
    const dSlope = (hShift * gSlope - hBoth * gShift) / determinant;
    const dShift = (hSlope * gShift - hBoth * gSlope) / determinant;
    slope += dSlope;
    shift += dShift;
    if (Math.abs(dSlope) + Math.abs(dShift) < 1e-9) break;
  }
  // More evidence never means less confidence.
  return slope > 0 ? { slope, shift } : UNCORRECTED;
}

export function relevance(logit: number, { slope, shift }: Calibration): number {
  return sigmoid(slope * logit + shift);
}
