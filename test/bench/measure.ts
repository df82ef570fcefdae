/**
 * Measures calls: the router and the bare relay in turn (A B A B), at several numbers in flight, in one run, because only what
 * ran beside each other on a shared machine can be compared.
 */

import path from 'node:path';
import type { LoadOrder, LoadResult } from './load.ts';
import { firstMessage, type Processes } from './processes.ts';
import { startTarget, type Target, type TargetName, type UpstreamKind } from './targets.ts';

export interface CallsPlan {
  readonly upstream: UpstreamKind;
  readonly inFlight: readonly number[];
  readonly repeats: number;
  /** Most rounds of a second each that a target is warmed up for. */
  readonly settleRounds: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
}

/** One cell's results, a row for each repeat. */
export interface Cell {
  readonly name: string;
  readonly upstream: UpstreamKind;
  readonly inFlight: number;
  readonly router: readonly LoadResult[];
  readonly bare: readonly LoadResult[];
}

/** Sessions that share the calls in flight. */
const SESSIONS = 16;
/** Made before the first cell, so that the compiler is through with the target; fewer where that takes too long. */
const SETTLE_CALLS = 20_000;
const SETTLE_SECONDS = 1;

export async function measureCalls(
  processes: Processes,
  plan: CallsPlan,
  say: (line: string) => void,
): Promise<Cell[]> {
  const targets: Target[] = [];
  try {
    for (const name of ['bare', 'router'] as const) {
      const target = await startTarget(processes, name, { upstream: plan.upstream });
      targets.push(target);
      await settle(processes, target, plan.settleRounds);
    }
    const cells: Cell[] = [];
    for (const inFlight of plan.inFlight) cells.push(await measureCell(processes, targets, plan, inFlight, say));
    return cells;
  } finally {
    for (const target of targets) await target.stop();
  }
}

async function measureCell(
  processes: Processes,
  targets: readonly Target[],
  plan: CallsPlan,
  inFlight: number,
  say: (line: string) => void,
): Promise<Cell> {
  const results: Record<TargetName, LoadResult[]> = { router: [], bare: [] };
  const name = `${plan.upstream}-${inFlight}`;
  for (let repeat = 1; repeat <= plan.repeats; repeat++) {
    for (const target of targets) {
      const result = await load(processes, target, { ...plan, inFlight });
      results[target.name].push(result);
      const { callsPerSecond, cpuMicrosPerCall, errors, lost, samples } = result;
      const wrong = errors + lost === 0 ? '' : ` ${errors} wrong, ${lost} lost: ${samples.join(' | ')}`;
      say(
        `${name} ${repeat}/${plan.repeats} ${target.name}: ${callsPerSecond.toFixed(0)}/s, ${cpuMicrosPerCall.toFixed(1)} us${wrong}`,
      );
    }
  }
  return { name, upstream: plan.upstream, inFlight, ...results };
}

/** Calls until the target runs as it will go on to run. */
export async function settle(processes: Processes, target: Target, rounds = 4): Promise<void> {
  let calls = 0;
  for (let round = 0; round < rounds && calls < SETTLE_CALLS; round++) {
    calls += (await load(processes, target, { inFlight: 64, warmupSeconds: 0, seconds: SETTLE_SECONDS })).calls;
  }
}

/** Runs the load generator against a target. */
export async function load(
  processes: Processes,
  target: Target,
  plan: Pick<LoadOrder, 'inFlight' | 'warmupSeconds' | 'seconds'>,
): Promise<LoadResult> {
  const order: LoadOrder = {
    url: target.url,
    tool: target.tool,
    tokens: target.tokens,
    sessions: Math.min(SESSIONS, plan.inFlight),
    inFlight: plan.inFlight,
    warmupSeconds: plan.warmupSeconds,
    seconds: plan.seconds,
    targetPid: target.pid,
    helperPids: target.helperPids,
  };
  const child = processes.start('rest', path.join(import.meta.dirname, 'load.ts'), [], { channel: true });
  const answer = firstMessage(child);
  child.send(order);
  const { result, failure } = (await answer) as { result?: LoadResult; failure?: string };
  if (result === undefined) throw new Error(`the load on ${target.name} failed: ${failure}`);
  return result;
}
