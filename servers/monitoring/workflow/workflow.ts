/** One workflow as this server tells it: read from the audit for a caller, analysed, and brought into its outer shape. */
import { z } from 'zod';
import type { RouterClient } from '../../../shared/client/router-client.ts';
import { AppError } from '../../../shared/errors.ts';
import type { Caller } from '../../../shared/identity/caller.ts';
import { timeSchema } from '../figures.ts';
import { seesAllCalls } from '../rights.ts';
import { iso } from '../view.ts';
import { analyze, type ByTool, compare, type Step } from './analyze.ts';
import { readRecords } from './records.ts';
import { stepsOf } from './steps.ts';

/** Records of one workflow, and of the time before it. */
const MOST_RECORDS = 5_000;
const MOST_EARLIER = 5_000;
/** Longest list of steps that is told. */
const MAX_STEPS = 1_000;
/** The time before is as long as the workflow, and at least this. */
const EARLIER_MS = 3_600_000;
/** Workflow ids are the clients' words; trace ids have this form. */
const TRACE = /^[0-9a-f]{32}$/;

const name = z.string().max(300);
const ms = z.number().min(0).max(1e13);
const count = z.int().min(0).max(1e12);
const percent = z.number().min(0).max(100);

const stepSchema = z.object({
  call_id: name,
  name,
  server: name.nullable(),
  agent: name,
  started_at: timeSchema,
  duration_ms: ms,
  outcome: name,
  reason: name.nullable(),
});
const byToolSchema = z.object({
  name,
  calls: count,
  failed: count,
  retries: count,
  total_ms: ms,
  median_ms: ms,
  longest_ms: ms,
});

export const workflowSchema = z.object({
  workflow_id: z.string().max(128),
  started_at: timeSchema.nullable(),
  duration_ms: ms,
  busy_ms: ms.describe('In which at least one step ran'),
  idle_ms: ms.describe('In which none did: between the steps'),
  steps: z.array(stepSchema).max(MAX_STEPS),
  critical_path: z
    .array(z.object({ call_id: name, name, duration_ms: ms, wait_ms: ms.describe('Before it, with nothing running') }))
    .max(MAX_STEPS)
    .describe('The steps that decided when it ended; those beside them could have been any faster'),
  slowest: z.array(stepSchema).max(20),
  errors: z.array(byToolSchema).max(20).describe('The tools that failed most'),
  metrics: z.array(byToolSchema).max(MAX_STEPS).optional().describe('Every tool, by its total time'),
  compared: z
    .array(
      z.object({
        name,
        median_ms: ms,
        median_before_ms: ms.nullable(),
        failed_percent: percent,
        failed_before_percent: percent.nullable(),
      }),
    )
    .max(MAX_STEPS)
    .optional()
    .describe('The same tools in the time before; null where they were not called'),
  notes: z.array(z.string().max(300)).max(8),
});

export interface WorkflowQuestion {
  readonly workflowId: string;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
  readonly withMetrics: boolean;
}

/** @throws AppError INVALID_PARAMS when there are no calls of it that this caller may see; as the router gave it */
export async function workflowOf(
  router: RouterClient | undefined,
  caller: Caller,
  question: WorkflowQuestion,
): Promise<z.input<typeof workflowSchema>> {
  if (router === undefined)
    throw new AppError('CONNECTION_FAILED', {
      text: 'Workflows are read from the audit of the router, and this server runs without one; start it with `aivillage up`',
    });
  const { workflowId, sinceMs, untilMs } = question;
  const filter = {
    [TRACE.test(workflowId) ? 'trace' : 'workflow']: workflowId,
    ...(seesAllCalls(caller) ? {} : { agent: caller.agentId }),
    ...(sinceMs !== undefined && { since: iso(sinceMs) }),
    ...(untilMs !== undefined && { until: iso(untilMs) }),
  };
  const { records, isWhole } = await readRecords(router, filter, MOST_RECORDS);
  const steps = stepsOf(records);
  if (steps.length === 0)
    throw new AppError('INVALID_PARAMS', {
      text: 'No ended call names this workflow. Calls say it in _meta["io.aivillage/workflow"], or are joined by the trace id of `traceparent`',
    });
  const analysis = analyze(steps);
  const notes = isWhole ? [] : [`only the newest ${MOST_RECORDS} records of it were read`];
  if (!seesAllCalls(caller)) notes.push('only your own calls are shown');
  const earlier = question.withMetrics
    ? await earlierSteps(router, caller, steps, analysis.startMs, analysis.endMs, notes)
    : [];
  return {
    workflow_id: workflowId,
    started_at: iso(analysis.startMs),
    duration_ms: analysis.endMs - analysis.startMs,
    busy_ms: analysis.busyMs,
    idle_ms: Math.max(0, analysis.idleMs),
    steps: steps.slice(-MAX_STEPS).map(stepView),
    critical_path: analysis.criticalPath.slice(-MAX_STEPS).map(({ step, waitMs }) => ({
      call_id: step.callId,
      name: step.name,
      duration_ms: step.endMs - step.startMs,
      wait_ms: waitMs,
    })),
    slowest: analysis.slowest.map(stepView),
    errors: analysis.failing.map(byToolView),
    ...(question.withMetrics && {
      metrics: analysis.tools.slice(0, MAX_STEPS).map(byToolView),
      compared: compare(analysis.tools, earlier)
        .slice(0, MAX_STEPS)
        .map((one) => ({
          name: one.name,
          median_ms: one.medianMs,
          median_before_ms: one.medianBeforeMs,
          failed_percent: one.failedPercent,
          failed_before_percent: one.failedBeforePercent,
        })),
    }),
    notes,
  };
}

/** Calls of the same tools before the workflow began. */
async function earlierSteps(
  router: RouterClient,
  caller: Caller,
  steps: readonly Step[],
  startMs: number,
  endMs: number,
  notes: string[],
): Promise<Step[]> {
  const names = new Set(steps.map((step) => step.name));
  const since = startMs - Math.max(EARLIER_MS, endMs - startMs);
  const filter = {
    kind: 'call_finished',
    since: iso(since),
    until: iso(startMs),
    ...(seesAllCalls(caller) ? {} : { agent: caller.agentId }),
  };
  const { records, isWhole } = await readRecords(router, filter, MOST_EARLIER);
  if (!isWhole) notes.push(`of the time before, only the last ${MOST_EARLIER} calls were compared`);
  return stepsOf(records).filter((step) => names.has(step.name));
}

function stepView(step: Step): z.input<typeof stepSchema> {
  return {
    call_id: step.callId,
    name: step.name,
    server: step.server,
    agent: step.agent,
    started_at: iso(step.startMs),
    duration_ms: step.endMs - step.startMs,
    outcome: step.outcome,
    reason: step.reason,
  };
}

function byToolView(one: ByTool): z.input<typeof byToolSchema> {
  return {
    name: one.name,
    calls: one.calls,
    failed: one.failed,
    retries: one.retries,
    total_ms: one.totalMs,
    median_ms: one.medianMs,
    longest_ms: one.longestMs,
  };
}
