/** What the measurements come to: named figures, each beside the bare relay's where there is one, and its goal (DESIGN section 4). */
import type { IdleSessions } from './idle-sessions.ts';
import type { LoadResult } from './load.ts';
import type { LongList } from './long-list.ts';
import type { Cell } from './measure.ts';
import { median } from './median.ts';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The bare relay's, of the same run. */
  readonly bare?: number;
  /** What the goal judges: the median of the repeats' own comparisons with the bare relay, or the value. */
  readonly judged: number;
  readonly goal?: string;
  readonly met?: boolean;
}

export interface Measurements {
  readonly cells: readonly Cell[];
  readonly startMs?: readonly number[];
  readonly sessions?: IdleSessions;
  readonly list?: LongList;
}

interface Goal {
  readonly text: string;
  readonly meets: (judged: number) => boolean;
}

const atMost = (most: number, what: string): Goal => ({ text: `<= ${most}${what}`, meets: (judged) => judged <= most });
const atLeast = (least: number, what: string): Goal => ({
  text: `>= ${least}${what}`,
  meets: (judged) => judged >= least,
});

/** By the name of the figure; a figure without a row is shown and not judged. */
const GOALS: ReadonlyMap<string, Goal> = new Map([
  ['stdio-64.calls_per_second', atLeast(0.5, ' x bare')],
  ['stdio-64.cpu_us_per_call', atMost(2.2, ' x bare')],
  ['http-64.cpu_us_per_call', atMost(2, ' x bare')],
  ['stdio-16.p50_ms', atMost(0.3, ' added')],
  ['stdio-16.p99_ms', atMost(3, ' added')],
  ['http-16.p50_ms', atMost(0.3, ' added')],
  ['http-16.p99_ms', atMost(3, ' added')],
  ['sessions.kb_each', atMost(40, '')],
  ['start.first_list_ms', atMost(1_000, '')],
  ['list.1000_tools_ms', atMost(5, '')],
]);

const divided = (own: number, bare: number) => (bare === 0 ? 0 : own / bare);
const added = (own: number, bare: number) => own - bare;

export function figuresOf({ cells, startMs, sessions, list }: Measurements): Figure[] {
  const figures = cells.flatMap((cell) => [
    compared(cell, 'calls_per_second', '/s', (result) => result.callsPerSecond, divided),
    compared(cell, 'cpu_us_per_call', 'us', (result) => result.cpuMicrosPerCall, divided),
    compared(cell, 'p50_ms', 'ms', (result) => result.p50Ms, added),
    compared(cell, 'p99_ms', 'ms', (result) => result.p99Ms, added),
  ]);
  if (startMs !== undefined) figures.push(alone('start.first_list_ms', median(startMs), 'ms'));
  if (sessions !== undefined) {
    figures.push(alone('sessions.kb_each', sessions.kbEach, 'KB'));
    const resident = sessions.residentKbAfter - sessions.residentKbBefore;
    figures.push(alone('sessions.resident_kb_each', resident / sessions.sessions, 'KB'));
    figures.push(alone('sessions.opened_per_second', sessions.openedPerSecond, '/s'));
  }
  if (list !== undefined) {
    figures.push(alone('list.1000_tools_ms', list.listMs, 'ms'));
    figures.push(alone('list.start_with_10_servers_ms', list.startMs, 'ms'));
  }
  return figures;
}

/** Replies that were wrong or did not come, on both sides. */
export function errorsIn(cells: readonly Cell[]): number {
  return cells
    .flatMap(({ router, bare }) => [...router, ...bare])
    .reduce((sum, { errors, lost }) => sum + errors + lost, 0);
}

function compared(
  cell: Cell,
  name: string,
  unit: string,
  read: (result: LoadResult) => number,
  compare: (own: number, bare: number) => number,
): Figure {
  const own = cell.router.map(read);
  const bare = cell.bare.map(read);
  // Pair by pair: both of a pair ran within seconds of each other, under the same neighbours.
  const judged = median(own.map((value, i) => compare(value, bare[i]!)));
  return withGoal({ name: `${cell.name}.${name}`, value: median(own), unit, bare: median(bare), judged });
}

function alone(name: string, value: number, unit: string): Figure {
  return withGoal({ name, value, unit, judged: value });
}

function withGoal(figure: Figure): Figure {
  const goal = GOALS.get(figure.name);
  return goal === undefined ? figure : { ...figure, goal: goal.text, met: goal.meets(figure.judged) };
}
