/** Owns what is known for a passage while one question is answered: a number for each kind of evidence, and their sum. */

/** All in shares of what the question's terms weigh together. */
export interface Evidence {
  /** BM25 of the keywords. */
  readonly lexical: number;
  /** What a name in the question gives to the passages about it. */
  readonly named: number;
  /** Terms by each other, side by side as in the question or in few words. */
  readonly pairs: number;
  /** What neighbours in a conversation or document lend. */
  readonly neighbours: number;
  /** What the likeness of the vectors gives. */
  readonly vector: number;
}

export interface Candidate {
  readonly slot: number;
  readonly evidence: Evidence;
  /** The sum of the evidence. */
  readonly score: number;
}

export const NO_EVIDENCE: Evidence = { lexical: 0, named: 0, pairs: 0, neighbours: 0, vector: 0 };

export function candidate(slot: number, evidence: Evidence): Candidate {
  const { lexical, named, pairs, neighbours, vector } = evidence;
  return { slot, evidence, score: lexical + named + pairs + neighbours + vector };
}

/** The candidate with more evidence. */
export function strengthen(from: Candidate, more: Partial<Evidence>): Candidate {
  return candidate(from.slot, { ...from.evidence, ...more });
}

/** The highest scores first; equal ones by id, so that the order does not depend on when a passage was added. */
export function byScore(ids: readonly string[]): (a: Scored, b: Scored) => number {
  return (a, b) => b.score - a.score || (ids[a.slot]! < ids[b.slot]! ? -1 : ids[a.slot]! > ids[b.slot]! ? 1 : 0);
}

export interface Scored {
  readonly slot: number;
  readonly score: number;
}

/** The `most` best of many, in order, without sorting them all. */
export function best(scored: Iterable<Scored>, most: number, compare: (a: Scored, b: Scored) => number): Scored[] {
  const kept: Scored[] = [];
  let worst = Number.NEGATIVE_INFINITY;
  for (const one of scored) {
    if (one.score < worst) continue;
    kept.push(one);
    if (kept.length < most * 2) continue;
    kept.sort(compare);
    kept.length = most;
    worst = kept[most - 1]!.score;
  }
  return kept.sort(compare).slice(0, most);
}
