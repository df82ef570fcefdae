/**
 * The second stage: from the best passages of the first it follows the names in them, to the passages about a name or, where
 * there is none, to the few others that hold it. What a passage so reached is worth depends on its parent, on how sure the link
 * is, on whether the words around the name speak of what the question asks, and on how much the passage adds to its parent.
 */
import type { Mention } from './entities.ts';
import { byScore, type Scored } from './evidence.ts';
import { type Index, shareLeadingOn } from './first-stage.ts';
import type { Profiles } from './profile.ts';
import { massOf, type Question } from './question.ts';
import type { Tuning } from './tuning.ts';

/** The best way to a passage that was reached by names. */
export interface Step extends Scored {
  /** The passage that it was reached from, by which name, and after how many such steps. */
  readonly from: number;
  readonly entity: number;
  readonly hops: number;
  /** Set when it goes back to the passage that `from` was reached from: that gains by it, but was not found by it. */
  readonly isReturn: boolean;
}

/** Passages about one name that are looked at. */
const MOST_ABOUT = 100;

interface Walk {
  readonly question: Question;
  readonly profiles: Profiles;
  readonly index: Index;
  readonly tuning: Tuning;
  /** How far names that are only shared are believed, 0 … 1. */
  readonly trust: number;
  readonly take: (step: Step) => void;
}

/** By slot, the best step to each passage that can be reached from `parents`, which are in order. */
export function expand(
  parents: readonly Scored[],
  question: Question,
  profiles: Profiles,
  index: Index,
  tuning: Tuning,
): Map<number, Step> {
  const reached = new Map<number, Step>();
  const take = (step: Step) => {
    if (step.slot === step.from || !(step.score > (reached.get(step.slot)?.score ?? 0))) return;
    if (index.lexical.isIn(question.scope, step.slot)) reached.set(step.slot, step);
  };
  const trust = Math.min(1, shareLeadingOn(parents, index.entities) / tuning.woven);
  const walk: Walk = { question, profiles, index, tuning, trust, take };
  for (const parent of parents) follow(parent.slot, parent.score, 1, walk);
  const known = new Map(parents.map(({ slot, score }) => [slot, score]));
  const further = [...reached.values()].filter(({ slot, score }) => score > (known.get(slot) ?? 0));
  further.sort(byScore(index.corpus.ids));
  for (const parent of further.slice(0, tuning.grandparents)) {
    // Back to where the parent was reached from is no way to anywhere, but a sign that the passage leads to something.
    const onward = (step: Step) => take(step.slot === parent.from ? { ...step, isReturn: true } : step);
    follow(parent.slot, parent.score * tuning.secondHop, 2, { ...walk, take: onward });
  }
  return reached;
}

function follow(from: number, worth: number, hops: number, walk: Walk): void {
  const { profiles, tuning, take } = walk;
  const { title, all } = profiles.of(from);
  for (const [entity, link] of links(from, walk)) {
    for (const { slot, share } of targetsOf(entity, from, walk)) {
      const gain = tuning.gain * profiles.score(slot, ~all) + tuning.repeat * profiles.score(slot, all & ~title);
      take({ slot, score: worth * share * (link + gain), from, entity, hops, isReturn: false });
    }
  }
}

/** The names in a passage with what each link is worth by the words around it; of several mentions the best. */
function links(from: number, { question, profiles, index: { entities }, tuning }: Walk): Map<number, number> {
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

/** The passages that a name leads to, and what each of them has of the link: those about it, and the few others that hold it. */
function targetsOf(
  entity: number,
  from: number,
  { index: { entities }, tuning, trust }: Walk,
): { slot: number; share: number }[] {
  const about = entities.about(entity, MOST_ABOUT);
  const shared =
    entities.holders(entity, tuning.mostShared)?.filter((slot) => slot !== from && !about.includes(slot)) ?? [];
  const weight = trust * tuning.shared * (about.length === 0 ? 1 : tuning.sharedBeside);
  return [
    ...about.map((slot) => ({ slot, share: 1 / about.length ** tuning.aboutExponent })),
    ...shared.map((slot) => ({ slot, share: weight / shared.length ** tuning.shareExponent })),
  ];
}
