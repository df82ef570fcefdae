/**
 * The second stage: from the best passages of the first it follows the names in them to the passages about those names.
 * What a passage so reached is worth depends on its parent, on how sure the link is, on whether the sentence with the name
 * speaks of what the question still asks, and on how much of that the passage itself answers.
 */
import type { Corpus } from './corpus.ts';
import type { Entities } from './entities.ts';
import type { Lexical } from './lexical.ts';
import type { Profiles } from './profile.ts';
import { massOf, type Question } from './question.ts';
import type { Tuning } from './tuning.ts';

/** How an expanded passage was reached. */
export interface Step {
  readonly slot: number;
  readonly score: number;
  readonly from: number;
  readonly entity: number;
  readonly hops: number;
}

export interface Reached {
  readonly slot: number;
  readonly score: number;
}

interface Parts {
  readonly corpus: Corpus;
  readonly lexical: Lexical;
  readonly entities: Entities;
}

/** The best step to each passage that can be reached from `parents`. */
export function expand(parents: readonly Reached[], question: Question, profiles: Profiles, parts: Parts, tuning: Tuning): Map<number, Step> {
  const best = new Map<number, Step>();
  const hop = (from: readonly Reached[], hops: number, weight: number) => {
    for (const parent of from) follow(parent, question, profiles, parts, tuning, hops, weight, best);
  };
  hop(parents, 1, 1);
  if (tuning.grandparents > 0) {
    const known = new Map(parents.map(({ slot, score }) => [slot, score]));
    const next = [...best.values()].filter((step) => step.score > (known.get(step.slot) ?? 0));
    next.sort((a, b) => b.score - a.score || a.slot - b.slot);
    hop(next.slice(0, tuning.grandparents), 2, tuning.secondHop);
  }
  return best;
}

function follow(
  parent: Reached,
  question: Question,
  profiles: Profiles,
  { corpus, lexical, entities }: Parts,
  tuning: Tuning,
  hops: number,
  weight: number,
  best: Map<number, Step>,
): void {
  const { mass } = question;
  const profile = profiles.of(parent.slot);
  const open = ~profile.title;
  const take = (slot: number, entity: number, score: number) => {
    if (slot === parent.slot || !(score > (best.get(slot)?.score ?? 0)) || !lexical.isIn(question.scope, slot)) return;
    best.set(slot, { slot, score, from: parent.slot, entity, hops });
  };
  const seen = new Map<number, number>();
  for (const { entity, at, words } of entities.mentions(parent.slot)) {
    const { near, sentence } = profiles.around(parent.slot, at, words, tuning.reach);
    const overlap = (tuning.far * massOf(question, sentence & open) + (1 - tuning.far) * massOf(question, near & open)) / mass;
    if (overlap > (seen.get(entity) ?? -1)) seen.set(entity, overlap);
  }
  for (const [entity, overlap] of seen) {
    let targets = entities.about(entity);
    let kind = 1;
    if (targets.length === 0) {
      if (tuning.coNamed === 0) continue;
      targets = entities.namedIn(entity);
      kind = tuning.coNamed;
      if (targets.length > tuning.mostNamed) continue;
    }
    if (targets.length === 0) continue;
    const share = kind / targets.length ** tuning.shareExponent;
    for (const slot of targets) {
      const gain = profiles.score(slot, ~profile.all) / mass;
      const again = profiles.score(slot, profile.all & open) / mass;
      take(slot, entity, parent.score * weight * share * (tuning.base + tuning.overlap * overlap + tuning.gain * gain + tuning.second * again));
    }
  }
  if (tuning.inLink > 0) {
    for (const entity of entities.titlesOf(parent.slot)) {
      const slots = entities.namedIn(entity);
      if (slots.length > tuning.mostNamed) continue;
      const share = tuning.inLink / slots.length ** tuning.shareExponent;
      for (const slot of slots) {
        const gain = profiles.score(slot, ~profile.all) / mass;
        const again = profiles.score(slot, profile.all & open) / mass;
        take(slot, entity, parent.score * weight * share * (tuning.base + tuning.gain * gain + tuning.second * again));
      }
    }
  }
  void corpus;
}
