/**
 * How likely it is that a hit answers its question: from the evidence that retrieval gives to a probability, corrected by what
 * callers said of earlier hits. Pure.
 */
import type { Hit } from '../../shared/retrieval/retriever.ts';
import { sigmoid } from './trust.ts';

/**
 * Logistic regression of "the hit is one of the passages that the answer needs" over the ten best hits of questions of five public
 * sets, each set weighing the same; test/bench/retrieval/fit-confidence.ts fits it, decisions/0002 tells how it does on a set that
 * it did not see.
 */
const WEIGHTS = {
  bias: -5.56,
  coverage: -1.24,
  lexical: 0.18,
  named: 1.34,
  pairs: -0.05,
  vector: -1.69,
  reached: 0.39,
  byNames: -1.43,
  score: 0.99,
  /** Of the score, against that of the best hit. */
  relative: 2.93,
  first: 1.58,
  second: -0.09,
  /** To the next hit, in shares of the best score. */
  gap: 4.83,
  /** A name leads from it to one of the first hits, or back. */
  linked: 1.97,
  /** Whether names led to the best hit; and, for the second, that, what of the question the best leaves open, and how many hits names led to. */
  bestByNames: -0.75,
  secondToNames: 0.52,
  secondOpen: 2.26,
  secondAmongNames: 1.24,
} as const;

export type Evidence = Readonly<Record<keyof typeof WEIGHTS, number>>;

/** Hits that are looked at for how the question is answered: by one passage, or by several that names join. */
const LOOKED_AT = 10;
const FIRST_HITS = 5;

/** What the regression looks at, for one hit among all of its question, in their order. */
export function evidenceOf(hits: readonly Hit[], at: number): Evidence {
  const hit = hits[at]!;
  const best = hits[0]!;
  const { coverage, lexical, named, pairs, vector, reached, hops } = hit.features;
  const share = (score: number) => (best.score > 0 ? score / best.score : 0);
  const second = at === 1 ? 1 : 0;
  const bestByNames = best.features.hops > 0 ? 1 : 0;
  const looked = hits.slice(0, LOOKED_AT);
  return {
    bias: 1,
    coverage,
    lexical,
    named,
    pairs,
    vector,
    reached,
    byNames: hops > 0 ? 1 : 0,
    score: hit.score,
    relative: share(hit.score),
    first: at === 0 ? 1 : 0,
    second,
    gap: share(hit.score - (hits[at + 1]?.score ?? 0)),
    linked: hits.slice(0, FIRST_HITS).some((other) => leads(hit, other) || leads(other, hit)) ? 1 : 0,
    bestByNames,
    secondToNames: second * bestByNames,
    secondOpen: second * (1 - best.features.coverage),
    secondAmongNames: (second * looked.filter(({ features }) => features.hops > 0).length) / looked.length,
  };
}

function leads(from: Hit, to: Hit): boolean {
  return from !== to && to.path.kind === 'entity' && to.path.from === from.id;
}

/** The evidence for one hit as one number; `sigmoid` of it is the probability before any correction. */
export function fitLogit(hits: readonly Hit[], at: number): number {
  const evidence = Object.entries(evidenceOf(hits, at));
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
