/**
 * Finds copies that answer quickly and wrongly: their calls end in errors far more often than those of their siblings, and by
 * their speed they would draw ever more of them. Judged by comparison only: what all copies do is nobody's fault here.
 */

/** What came of a copy's latest calls; older ones count less. */
export interface Tally {
  calls: number;
  errors: number;
  /** `now` until which it gets no calls while others can take them. */
  ejectedUntil: number;
  /** How often it was, lately. */
  ejections: number;
}

export function newTally(): Tally {
  return { calls: 0, errors: 0, ejectedUntil: 0, ejections: 0 };
}

/** Between two looks. */
export const LOOK_MS = 1_000;
/** What a look leaves of the counts: half in three seconds. */
const KEPT = 0.8;
const MIN_CALLS = 8;
const MIN_SHARE = 0.5;
/** So many times the share of the others. */
const TIMES = 3;
const EJECTED_MS = 10_000;
const LONGEST_MS = 300_000;

/** Looks once; at most half of the copies are out at a time. Returns those put out now. */
export function ejectOutliers<T extends Tally>(tallies: readonly T[], now: number): T[] {
  const isOut = ({ ejectedUntil }: Tally) => ejectedUntil > now;
  const ejected: T[] = [];
  let room = Math.floor(tallies.length / 2) - tallies.filter(isOut).length;
  for (const tally of tallies) {
    if (room <= 0) break;
    if (isOut(tally) || tally.calls < MIN_CALLS) continue;
    const share = tally.errors / tally.calls;
    const others = tallies.filter((other) => other !== tally && !isOut(other));
    const calls = others.reduce((sum, other) => sum + other.calls, 0);
    if (calls < MIN_CALLS || share < MIN_SHARE) continue;
    if (share < TIMES * (others.reduce((sum, other) => sum + other.errors, 0) / calls)) continue;
    tally.ejectedUntil = now + Math.min(EJECTED_MS * 2 ** tally.ejections, LONGEST_MS);
    tally.ejections = Math.min(tally.ejections + 1, 10);
    ejected.push(tally);
    room--;
  }
  for (const tally of tallies) {
    if (!isOut(tally) && tally.calls >= MIN_CALLS && tally.errors === 0) tally.ejections = 0;
    tally.calls = ejected.includes(tally) ? 0 : tally.calls * KEPT;
    tally.errors = ejected.includes(tally) ? 0 : tally.errors * KEPT;
    if (tally.errors < 0.01) tally.errors = 0;
  }
  return ejected;
}
