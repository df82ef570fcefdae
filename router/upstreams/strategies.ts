/** How a call's copy is chosen among those that are as good as each other (R2): one table, by the names in the configuration. */

/** What a strategy looks at. */
export interface Weighed {
  readonly priority: number;
  /** Calls in flight there. */
  readonly inFlight: number;
  /** Milliseconds that a call costs there now. */
  cost(now: number): number;
  /** Of priority-weighted: what the copy is owed. */
  credit: number;
}

/**
 * @param among candidates; only the first `count` are
 * @param turn counts up from call to call
 * @returns the index of the chosen one
 */
type Strategy = (among: readonly Weighed[], count: number, turn: number, now: () => number) => number;

/** The least of them; the turn decides who is first among equals. */
function least(count: number, turn: number, weigh: (index: number) => number): number {
  let best = turn % count;
  let weight = weigh(best);
  for (let step = 1; step < count; step++) {
    const index = (turn + step) % count;
    const other = weigh(index);
    if (other >= weight) continue;
    best = index;
    weight = other;
  }
  return best;
}

/** Each in its share, and evenly mixed: what nginx calls smooth weighted round-robin. */
const priorityWeighted: Strategy = (among, count) => {
  let best = 0;
  let total = 0;
  for (let index = 0; index < count; index++) {
    const copy = among[index]!;
    copy.credit += copy.priority;
    total += copy.priority;
    if (copy.credit > among[best]!.credit) best = index;
  }
  among[best]!.credit -= total;
  return best;
};

export const STRATEGIES = {
  'round-robin': (_, count, turn) => turn % count,
  'priority-weighted': priorityWeighted,
  'least-connections': (among, count, turn) => least(count, turn, (index) => among[index]!.inFlight),
  /** Latency times queue. */
  adaptive: (among, count, turn, now) => {
    const at = now();
    return least(count, turn, (index) => among[index]!.cost(at) * (among[index]!.inFlight + 1));
  },
} as const satisfies Record<string, Strategy>;

export type StrategyName = keyof typeof STRATEGIES;
