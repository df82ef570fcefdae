/**
 * The deeper ranks, for questions that names do not answer: what is on the subject of the best passages, by the terms that these have in
 * common (a relevance model: V. Lavrenko, W. B. Croft, 2001) and by vectors. The first ranks stay what the question itself found.
 */
import { best, byScore, NO_EVIDENCE, type Scored, candidate } from './evidence.ts';
import { cosines, type Index } from './first-stage.ts';
import type { Ranked } from './fusion.ts';
import type { WeightedTerm } from './lexical.ts';
import type { Question } from './question.ts';
import type { Tuning } from './tuning.ts';

/** Ranks that are left as they are. */
export const HEAD = 30;

/**
 * @param ranked in order
 * @param trust how far the subject counts, 0 … 1
 * @param embedded the question's vector by the embedder
 */
export function deepen(
  ranked: readonly Ranked[],
  question: Question,
  index: Index,
  trust: number,
  embedded: Float32Array | undefined,
  tuning: Tuning,
): Ranked[] {
  const head = ranked.slice(0, HEAD);
  const floor = head.at(-1)?.score ?? 0;
  if (head.length < HEAD || trust === 0) return [...ranked];
  const terms = subjectTerms(head, question, index, tuning.subjectTerms);
  const mass = terms.reduce((sum, { weight }) => sum + weight, 0);
  const scores = index.lexical.score(terms, question.scope, mass);
  try {
    const known = new Map(ranked.map((one) => [one.slot, one]));
    const inHead = new Set(head.map(({ slot }) => slot));
    const likeness = cosines(question, head, index, embedded, tuning);
    const worth = (slot: number) =>
      (known.get(slot)?.score ?? 0) +
      trust * (tuning.subject * scores.of(slot) + tuning.subjectVector * likeness(slot));
    function* rest(): Generator<Scored> {
      for (let slot = 0; slot < index.corpus.size; slot++) {
        if (inHead.has(slot) || !index.lexical.isIn(question.scope, slot)) continue;
        const score = worth(slot);
        if (score > 0) yield { slot, score };
      }
    }
    const tail = best(rest(), Math.max(ranked.length, 1), byScore(index.corpus.ids));
    const top = Math.max(floor, tail[0]?.score ?? 0);
    return [
      ...head,
      ...tail.map(({ slot, score }) => {
        const own = known.get(slot) ?? { ...candidate(slot, NO_EVIDENCE), step: undefined };
        return { ...own, score: (floor * score) / top };
      }),
    ];
  } finally {
    scores.release();
  }
}

/** Terms that the best passages have and the question has not, the weightiest. */
function subjectTerms(
  head: readonly Scored[],
  question: Question,
  { corpus, lexical }: Index,
  most: number,
): WeightedTerm[] {
  const total = head.reduce((sum, { score }) => sum + score, 0);
  const shares = new Map<number, number>();
  for (const { slot, score } of head) {
    for (const [term, count] of corpus.counts(slot)) {
      if (question.bitOf.has(term)) continue;
      shares.set(term, (shares.get(term) ?? 0) + ((score / total) * count) / (count + 1));
    }
  }
  return [...shares]
    .map(([term, share]) => {
      const idf = lexical.idf(term, question.scope);
      return { term, idf, weight: share * idf };
    })
    .sort((a, b) => b.weight - a.weight)
    .slice(0, most);
}
