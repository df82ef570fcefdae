/** Joins both stages to one ranking: each passage has the better of what it was found by and what it was reached by. */
import { byScore, type Candidate, candidate, NO_EVIDENCE } from './evidence.ts';
import type { Step } from './expansion.ts';

export interface Ranked extends Candidate {
  /** Set when the passage has its score from names: those that led to it, or those by which it leads on and back. */
  readonly step: Step | undefined;
}

/** The `limit` best of both stages, in order. */
export function fuse(
  found: readonly Candidate[],
  reached: ReadonlyMap<number, Step>,
  limit: number,
  ids: readonly string[],
): Ranked[] {
  const ranked = new Map<number, Ranked>();
  for (const one of found) ranked.set(one.slot, { ...one, step: undefined });
  for (const step of reached.values()) {
    const known = ranked.get(step.slot) ?? candidate(step.slot, NO_EVIDENCE);
    if (step.score > known.score) ranked.set(step.slot, { ...known, score: step.score, step });
  }
  return [...ranked.values()].sort(byScore(ids)).slice(0, limit);
}
