/**
 * Where the time of a workflow's calls went: its steps, the critical path through them, waits and retries, and how that
 * compares with the same tools before. Pure; knows no audit and no clock.
 */

/** One call that ended. */
export interface Step {
  readonly callId: string;
  /** Tool, resource or prompt. */
  readonly name: string;
  readonly server: string | null;
  readonly agent: string;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: string;
  readonly reason: string | null;
  /** Equal for equal arguments. */
  readonly argsDigest: string | null;
}

export interface PathPart {
  readonly step: Step;
  /** Time in which nothing of the workflow ran, before this step began. */
  readonly waitMs: number;
}

export interface ByTool {
  readonly name: string;
  readonly calls: number;
  readonly failed: number;
  readonly retries: number;
  readonly totalMs: number;
  readonly medianMs: number;
  readonly longestMs: number;
}

export interface Analysis {
  readonly startMs: number;
  readonly endMs: number;
  /** In which at least one step ran. */
  readonly busyMs: number;
  /** In which none did: the client thought, or a person did. */
  readonly idleMs: number;
  readonly criticalPath: readonly PathPart[];
  /** By total time, the most first. */
  readonly tools: readonly ByTool[];
  readonly slowest: readonly Step[];
  readonly failing: readonly ByTool[];
}

const GOOD = new Set(['ok', 'cached']);
const TOP = 10;
/** The audit keeps whole milliseconds: steps that follow each other may seem to overlap by one. */
const SLACK_MS = 1;

function hasFailed({ outcome }: Step): boolean {
  return !GOOD.has(outcome);
}

/** @param steps at least one */
export function analyze(steps: readonly Step[]): Analysis {
  const byStart = steps.toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
  const startMs = byStart[0]!.startMs;
  const endMs = Math.max(...byStart.map((step) => step.endMs));
  const busyMs = union(byStart);
  const tools = byTool(byStart).sort((a, b) => b.totalMs - a.totalMs);
  return {
    startMs,
    endMs,
    busyMs,
    idleMs: endMs - startMs - busyMs,
    criticalPath: criticalPath(byStart),
    tools,
    slowest: byStart.toSorted((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs)).slice(0, TOP),
    failing: tools
      .filter(({ failed }) => failed > 0)
      .toSorted((a, b) => b.failed - a.failed)
      .slice(0, TOP),
  };
}

/**
 * Backwards from the step that ended last: before each step, the one that ended last before it began. Steps that ran beside
 * these could have been any faster without the workflow ending sooner.
 */
function criticalPath(byStart: readonly Step[]): PathPart[] {
  const byEnd = byStart.toSorted((a, b) => a.endMs - b.endMs || a.startMs - b.startMs);
  const path: PathPart[] = [];
  let at = byEnd.length - 1;
  while (at >= 0) {
    const step = byEnd[at]!;
    let before = at - 1;
    while (before >= 0 && byEnd[before]!.endMs > step.startMs + SLACK_MS) before--;
    path.push({ step, waitMs: before < 0 ? 0 : Math.max(0, step.startMs - byEnd[before]!.endMs) });
    at = before;
  }
  return path.reverse();
}

function union(byStart: readonly Step[]): number {
  let sum = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const { startMs, endMs } of byStart) {
    sum += Math.max(0, endMs - Math.max(startMs, until));
    until = Math.max(until, endMs);
  }
  return sum;
}

/** A retry is the same call with the same arguments after one that failed. */
function byTool(byStart: readonly Step[]): ByTool[] {
  const groups = new Map<string, Step[]>();
  for (const step of byStart) groups.set(step.name, [...(groups.get(step.name) ?? []), step]);
  return [...groups].map(([name, group]) => {
    const durations = group.map((step) => step.endMs - step.startMs).sort((a, b) => a - b);
    const failedBefore = new Set<string>();
    let retries = 0;
    for (const step of group) {
      const key = `${step.agent}\0${step.argsDigest ?? ''}`;
      if (failedBefore.delete(key)) retries++;
      if (hasFailed(step)) failedBefore.add(key);
    }
    return {
      name,
      calls: group.length,
      failed: group.filter(hasFailed).length,
      retries,
      totalMs: durations.reduce((sum, each) => sum + each, 0),
      medianMs: medianOf(durations),
      longestMs: durations.at(-1)!,
    };
  });
}

export interface Compared {
  readonly name: string;
  readonly medianMs: number;
  /** Null when the tool was not called before. */
  readonly medianBeforeMs: number | null;
  readonly failedPercent: number;
  readonly failedBeforePercent: number | null;
}

/** The tools of the workflow beside the same tools in the time before. */
export function compare(now: readonly ByTool[], earlier: readonly Step[]): Compared[] {
  const before = new Map(byTool(earlier).map((each) => [each.name, each]));
  return now.map(({ name, medianMs, failed, calls }) => {
    const old = before.get(name);
    return {
      name,
      medianMs,
      medianBeforeMs: old?.medianMs ?? null,
      failedPercent: (100 * failed) / calls,
      failedBeforePercent: old === undefined ? null : (100 * old.failed) / old.calls,
    };
  });
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
