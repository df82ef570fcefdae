/**
 * The arithmetic of trust (H5): how reliable a source is from what became of its claims, and how likely a claim is from the
 * independent sources and witnesses for and against it. Pure; numbers in, probabilities out.
 */

/** Beta(9, 1): of sources that nothing is known of, nine claims in ten are taken to be right. */
const PRIOR = { right: 9, wrong: 1 } as const;
/** One voice alone never settles a claim: its odds stay between 1:99 and 99:1. */
const MOST_RELIABLE = 0.99;
const MOST_LOG_ODDS = 7;

export interface Reliability {
  /** The posterior Beta(right, wrong). */
  readonly right: number;
  readonly wrong: number;
  readonly mean: number;
}

/** @param claims how the judged claims of a source stand: for each, the share of its witnesses that supported it, 0 … 1 */
export function reliability(claims: readonly number[]): Reliability {
  const right = PRIOR.right + claims.reduce((sum, share) => sum + share, 0);
  const wrong = PRIOR.wrong + claims.reduce((sum, share) => sum + 1 - share, 0);
  return { right, wrong, mean: right / (right + wrong) };
}

export interface Voice {
  /** Who or what speaks; the same one counts once. */
  readonly source: string;
  readonly supports: boolean;
  /** How often it is right, 0 … 1. */
  readonly reliability: number;
}

/** How likely a claim is true, 0 … 1: the log-odds of independent voices add up. Without any, one half. */
export function claimProbability(voices: readonly Voice[]): number {
  const bySource = new Map(voices.map((voice) => [voice.source, voice]));
  let logOdds = 0;
  for (const voice of bySource.values()) {
    const p = Math.min(MOST_RELIABLE, Math.max(1 - MOST_RELIABLE, voice.reliability));
    logOdds += (voice.supports ? 1 : -1) * Math.log(p / (1 - p));
  }
  return sigmoid(Math.min(MOST_LOG_ODDS, Math.max(-MOST_LOG_ODDS, logOdds)));
}

export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
