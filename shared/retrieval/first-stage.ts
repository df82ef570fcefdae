/**
 * The first stage: what the question's own words find. Keywords, corrected by the names in the question, then pairs of terms,
 * neighbours in conversations, and vectors where names do not lead. Follows no links.
 */
import type { Corpus } from './corpus.ts';
import type { Entities } from './entities.ts';
import { Best, byScore, type Candidate, candidate, NO_EVIDENCE, type Scored, strengthen } from './evidence.ts';
import type { Lexical, Scores } from './lexical.ts';
import type { Profiles } from './profile.ts';
import { massOf, type Question } from './question.ts';
import type { Tuning } from './tuning.ts';
import type { Vectors } from './vectors.ts';

export interface Index {
  readonly corpus: Corpus;
  readonly lexical: Lexical;
  readonly entities: Entities;
  readonly vectors: Vectors;
}

export interface Wanted {
  /** How many candidates to return. */
  readonly depth: number;
  readonly keywords: boolean;
  readonly names: boolean;
  /** `auto` = where the names do not lead. */
  readonly vectors: 'auto' | 'always' | 'never';
  /** The question's vector, for an embedder's vectors. */
  readonly embedded: Float32Array | undefined;
}

/** A name in more passages than this is a common word: its terms count as any others. */
const MOST_HOLDERS = 500;
/** Passages about one name that get something for it. */
const MOST_ABOUT = 200;
/** How deep pairs of terms are looked for, and by how many of the best it is judged whether names lead on. */
const PAIRS_DEPTH = 100;
const JUDGED = 10;
/** Cosines below this are chance. */
const LEAST_COSINE = 0.1;
/** Where nearly all cosines are higher than this, the embedder tells nothing apart. */
const MOST_USUAL = 0.95;

/** The best candidates, the best first. */
export function firstStage(
  question: Question,
  profiles: Profiles,
  index: Index,
  wanted: Wanted,
  tuning: Tuning,
): Candidate[] {
  const order = byScore(index.corpus.ids);
  let found: Candidate[] = [];
  if (wanted.keywords && question.mass > 0) {
    found = byKeywords(question, profiles, index, wanted, tuning);
    found = found.map((one, rank) =>
      rank < PAIRS_DEPTH ? strengthen(one, { pairs: closeness(one.slot, profiles, tuning) }) : one,
    );
    found.sort(order);
  }
  const weight = vectorWeight(question, found, index, wanted, tuning);
  return weight > 0 ? byVectors(question, found, index, wanted, weight, tuning) : found;
}

/** What the question's terms are worth for standing by each other in the passage. */
function closeness(slot: number, profiles: Profiles, tuning: Tuning): number {
  return tuning.pairs * profiles.pairs(slot) + tuning.together * profiles.together(slot, tuning.window);
}

function byKeywords(question: Question, profiles: Profiles, index: Index, wanted: Wanted, tuning: Tuning): Candidate[] {
  const { corpus, lexical } = index;
  const names = wanted.names ? wholeNames(question, index) : [];
  const discounted = names.reduce((set, { own }) => set | own, 0);
  const terms = question.terms.map((term, bit) =>
    ((discounted >>> bit) & 1) === 1 ? { ...term, weight: term.weight * tuning.fragment } : term,
  );
  const scores = lexical.score(terms, question.scope, question.mass);
  try {
    for (const { own, about, holders } of names) {
      for (const slot of new Set([...about, ...holders])) {
        if (!lexical.isIn(question.scope, slot)) continue;
        const share = about.size === 0 || about.has(slot) ? 1 : tuning.mentioned;
        scores.add(slot, (share - tuning.fragment) * profiles.score(slot, own));
      }
    }
    const named = wanted.names ? nameBonus(question, index, scores, tuning) : new Map<number, number>();
    return gather(scores, named, index, wanted.depth, tuning, byScore(corpus.ids));
  } finally {
    scores.release();
  }
}

/**
 * The names of several words whose terms the question has nowhere else: a passage that has only some of the words, and not the
 * name, has them by chance.
 */
function wholeNames(question: Question, { entities }: Index): { own: number; about: Set<number>; holders: number[] }[] {
  return question.names.flatMap(({ entity, words, own }) => {
    if (words < 2 || own === 0) return [];
    const holders = entities.holders(entity, MOST_HOLDERS);
    return holders ? [{ own, about: new Set(entities.about(entity, MOST_HOLDERS)), holders }] : [];
  });
}

/** By slot, what the passages about the question's names get on top of their keywords. */
function nameBonus(
  question: Question,
  { entities, lexical }: Index,
  scores: Scores,
  tuning: Tuning,
): Map<number, number> {
  const bonus = new Map<number, number>();
  for (const { entity, bits, sure } of question.names) {
    const slots = entities.about(entity, MOST_ABOUT).filter((slot) => lexical.isIn(question.scope, slot));
    const trust = sure ? 1 : tuning.smallName;
    const share = trust / slots.length ** tuning.shareExponent;
    const floor = (trust * tuning.titleFloor) / slots.length;
    const amount = share * (tuning.titleFixed + (tuning.titleMass * massOf(question, bits)) / question.mass);
    for (const slot of slots) {
      const sofar = bonus.get(slot) ?? 0;
      bonus.set(slot, Math.max(sofar + amount, floor - scores.of(slot)));
    }
  }
  return bonus;
}

/** The best of what the keywords touched, with what their neighbours lend them. */
function gather(
  scores: Scores,
  named: ReadonlyMap<number, number>,
  { corpus }: Index,
  depth: number,
  tuning: Tuning,
  order: (a: Scored, b: Scored) => number,
): Candidate[] {
  const worth = (slot: number) => scores.of(slot) + (named.get(slot) ?? 0);
  const best = new Best(depth, order);
  const mostNamed = Math.max(0, ...named.values());
  for (const slot of scores.touched) {
    // Most have no chance even with a name's worth, and are passed over at once.
    if (scores.of(slot) + mostNamed >= best.floor) best.offer(slot, worth(slot));
  }
  for (const slot of named.keys()) if (scores.of(slot) === 0) best.offer(slot, worth(slot));
  const slots = new Set<number>();
  for (const { slot } of best.sorted()) {
    slots.add(slot);
    for (const offset of [-1, 1]) {
      const other = corpus.neighbour(slot, offset);
      if (other >= 0 && worth(other) > 0) slots.add(other);
    }
  }
  const candidates = [...slots].map((slot) => {
    let lent = 0;
    for (const offset of [-1, 1]) {
      const other = corpus.neighbour(slot, offset);
      if (other >= 0) lent += worth(other);
    }
    return candidate(slot, {
      ...NO_EVIDENCE,
      lexical: scores.of(slot),
      named: named.get(slot) ?? 0,
      neighbours: tuning.neighbour * lent,
    });
  });
  return candidates.sort(order).slice(0, depth);
}

function vectorWeight(
  question: Question,
  found: readonly Candidate[],
  index: Index,
  wanted: Wanted,
  tuning: Tuning,
): number {
  if (wanted.vectors === 'never') return 0;
  return wanted.vectors === 'always' ? 1 : tuning.vector * subjectTrust(question, found, index);
}

/**
 * How far likeness of subject counts, 0 … 1. It blurs names: so as far as names do not lead on, not at all when the question names
 * something known, and in full when it names nothing.
 */
export function subjectTrust(question: Question, found: readonly Scored[], { entities }: Index): number {
  if (question.names.some(({ entity, sure }) => sure && entities.about(entity, 1).length > 0)) return 0;
  return question.asksByName ? 1 - shareLeadingOn(found, entities) : 1;
}

/** How many of the best passages hold a name that leads to another passage: whether names hold this part of the corpus together. */
export function shareLeadingOn(found: readonly Scored[], entities: Entities): number {
  const judged = found.slice(0, JUDGED);
  return judged.filter(({ slot }) => entities.leadsOn(slot)).length / Math.max(1, judged.length);
}

function byVectors(
  question: Question,
  found: readonly Candidate[],
  { corpus, lexical, vectors }: Index,
  wanted: Wanted,
  weight: number,
  tuning: Tuning,
): Candidate[] {
  const order = byScore(corpus.ids);
  const plain = vectors.query(new Map(question.terms.map(({ term }) => [term, 1])), wanted.embedded);
  if (!plain) return [...found];
  const probe = found.length > 0 ? vectors.moved(plain, found.slice(0, tuning.feedback)) : plain;
  let [sum, seen] = [0, 0];
  const alike = new Best(wanted.depth, order);
  for (let slot = 0; slot < corpus.size; slot++) {
    if (!lexical.isIn(question.scope, slot) || !probe.among.has(slot)) continue;
    const score = probe.among.cosine(probe.vector, slot);
    sum += score;
    seen++;
    if (score > LEAST_COSINE) alike.offer(slot, score);
  }
  const known = new Map(found.map((one) => [one.slot, one]));
  for (const { slot } of alike.sorted()) {
    if (!known.has(slot)) known.set(slot, candidate(slot, NO_EVIDENCE));
  }
  const usual = probe.isBiased ? Math.min(MOST_USUAL, Math.max(0, sum / Math.max(1, seen))) : 0;
  const worth = (cosine: number) => Math.max(0, cosine - usual) / (1 - usual);
  const all = [...known.values()].map((one) => {
    const score = probe.among.cosine(probe.vector, one.slot);
    return score > LEAST_COSINE ? strengthen(one, { vector: weight * worth(score) }) : one;
  });
  return all.sort(order).slice(0, wanted.depth);
}
