/**
 * The deeper ranks, where names do not answer: what is on the subject of the best passages, by the terms that these have in common (a
 * relevance model: V. Lavrenko, W. B. Croft, 2001) and by vectors. The first ranks stay what the question itself found.
 */
import { Best, byScore, candidate, NO_EVIDENCE, type Scored } from './evidence.ts';
import type { Index } from './first-stage.ts';
import type { Ranked } from './fusion.ts';
import type { WeightedTerm } from './lexical.ts';
import type { Question } from './question.ts';
import type { Tuning } from './tuning.ts';

/** Ranks that are left as they are; the subject is read from them. */
export const HEAD = 30;

/**
 * Orders what comes after the first ranks anew, with passages that the question itself did not find.
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
  if (trust === 0 || head.length < HEAD) return [...ranked];
  const terms = subjectTerms(head, question, index, tuning.subjectTerms);
  const mass = Math.max(
    Number.MIN_VALUE,
    terms.reduce((sum, { weight }) => sum + weight, 0),
  );
  const common = index.lexical.score(terms, question.scope, mass);
  try {
    const known = new Map(ranked.map((one) => [one.slot, one]));
    const inHead = new Set(head.map(({ slot }) => slot));
    const likeness = likenessTo(head, question, index, embedded, tuning);
    const best = new Best(ranked.length, byScore(index.corpus.ids));
    for (let slot = 0; slot < index.corpus.size; slot++) {
      if (inHead.has(slot) || !index.lexical.isIn(question.scope, slot)) continue;
      const subject = tuning.subject * common.of(slot) + tuning.subjectVector * likeness(slot);
      const score = (known.get(slot)?.score ?? 0) + trust * subject;
      if (score > 0) best.offer(slot, score);
    }
    const tail = best.sorted();
    // Scores go down with the ranks: those of the tail are measured by its first one.
    const floor = head.at(-1)!.score;
    const scale = floor / Math.max(floor, tail[0]?.score ?? 0);
    const entered = ({ slot }: Scored): Ranked =>
      known.get(slot) ?? { ...candidate(slot, NO_EVIDENCE), step: undefined };
    return [...head, ...tail.map((one) => ({ ...entered(one), score: scale * one.score }))];
  } finally {
    common.release();
  }
}

/** For any passage, how like the best ones it is, 0 … 1. */
function likenessTo(
  head: readonly Scored[],
  { terms }: Question,
  { vectors }: Index,
  embedded: Float32Array | undefined,
  { feedback }: Tuning,
): (slot: number) => number {
  const plain = vectors.query(new Map(terms.map(({ term }) => [term, 1])), embedded);
  if (!plain) return () => 0;
  const probe = vectors.moved(plain, head.slice(0, feedback));
  return (slot) => Math.max(0, probe.among.cosine(probe.vector, slot));
}

/** Terms that the best passages have and the question has not, the weightiest. */
function subjectTerms(
  head: readonly Scored[],
  { scope, bitOf }: Question,
  { corpus, lexical }: Index,
  most: number,
): WeightedTerm[] {
  const total = head.reduce((sum, { score }) => sum + score, 0);
  const shares = new Map<number, number>();
  for (const { slot, score } of head) {
    for (const [term, count] of corpus.counts(slot)) {
      if (bitOf.has(term)) continue;
      shares.set(term, (shares.get(term) ?? 0) + ((score / total) * count) / (count + 1));
    }
  }
  return [...shares]
    .map(([term, share]) => {
      const idf = lexical.idf(term, scope);
      return { term, idf, weight: share * idf };
    })
    .sort((a, b) => b.weight - a.weight || a.term - b.term)
    .slice(0, most);
}
