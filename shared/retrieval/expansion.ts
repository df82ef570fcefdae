/**
 * The second stage: from the best passages of the first it follows the names in them, to the passages about a name or, where
 * there is none, to the few others that hold it. What a passage so reached is worth depends on its parent, on how sure the link
 * is, on whether the words around the name speak of what the question asks, and on how much the passage adds to its parent.
 */
import type { Mention } from './entities.ts';
import { byScore, type Scored } from './evidence.ts';
import type { Index } from './first-stage.ts';
import type { Profiles } from './profile.ts';
import { massOf, type Question } from './question.ts';
import type { Tuning } from './tuning.ts';

/** The best way to a passage that was reached by names. */
export interface Step extends Scored {
  /** The passage that it was reached from, by which name, and after how many such steps. */
  readonly from: number;
  readonly entity: number;
  readonly hops: number;
}

/** Passages about one name that are looked at. */
const MOST_ABOUT = 100;

/** By slot, the best step to each passage that can be reached from `parents`, which are in order. */
export function expand(
  parents: readonly Scored[],
  question: Question,
  profiles: Profiles,
  index: Index,
  tuning: Tuning,
): Map<number, Step> {
  const order = byScore(index.corpus.ids);
  const reached = new Map<number, Step>();
  const take = (step: Step) => {
    if (step.slot === step.from || !(step.score > (reached.get(step.slot)?.score ?? 0))) return;
    if (index.lexical.isIn(question.scope, step.slot)) reached.set(step.slot, step);
  };
  for (const parent of parents) follow(parent, parent.score, 1, question, profiles, index, tuning, take);
  const known = new Map(parents.map(({ slot, score }) => [slot, score]));
  const further = [...reached.values()].filter(({ slot, score }) => score > (known.get(slot) ?? 0)).sort(order);
  for (const parent of further.slice(0, tuning.grandparents)) {
    follow(parent, parent.score * tuning.secondHop, 2, question, profiles, index, tuning, take);
  }
  return reached;
}

function follow(
  parent: Scored,
  worth: number,
  hops: number,
  question: Question,
  profiles: Profiles,
  index: Index,
  tuning: Tuning,
  take: (step: Step) => void,
): void {
  const from = parent.slot;
  const { title, all } = profiles.of(from);
  for (const [entity, link] of links(from, question, profiles, index, tuning)) {
    const { targets, share } = targetsOf(entity, from, index, tuning);
    for (const slot of targets) {
      const gain = tuning.gain * profiles.score(slot, ~all) + tuning.repeat * profiles.score(slot, all & ~title);
      take({ slot, score: worth * share * (link + gain), from, entity, hops });
    }
  }
}

/** The names in a passage with what each link is worth by the words around it; of several mentions the best. */
function links(
  from: number,
  question: Question,
  profiles: Profiles,
  { entities }: Index,
  tuning: Tuning,
): Map<number, number> {
  const open = ~profiles.of(from).title;
  const value = ({ at, words, partial }: Mention) => {
    const around = profiles.around(from, at, words, tuning.reach);
    const near = around.near & open;
    const mass =
      massOf(question, near) +
      tuning.far * massOf(question, around.sentence & open & ~near) +
      tuning.related * massOf(question, around.related & open & ~near);
    return (tuning.base + (tuning.overlap * mass) / question.mass) * (partial ? tuning.partial : 1);
  };
  const worth = new Map<number, number>();
  for (const mention of entities.mentions(from)) {
    worth.set(mention.entity, Math.max(worth.get(mention.entity) ?? 0, value(mention)));
  }
  return worth;
}

/** The passages that a name leads to, and what each of them has of the link. */
function targetsOf(
  entity: number,
  from: number,
  { entities }: Index,
  tuning: Tuning,
): { targets: number[]; share: number } {
  const about = entities.about(entity, MOST_ABOUT);
  if (about.length > 0) return { targets: about, share: 1 / about.length ** tuning.shareExponent };
  const others = entities.holders(entity, tuning.mostShared)?.filter((slot) => slot !== from) ?? [];
  return { targets: others, share: tuning.shared / Math.max(1, others.length) ** tuning.shareExponent };
}
