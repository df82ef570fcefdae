/** How the forge looks from outside: schemas of arguments and results, snake_case. */
import { z } from 'zod';
import { PHASES } from '../../../shared/forge-rules.ts';
import type { Caller } from '../../../shared/identity/caller.ts';
import { LEVELS } from '../../../shared/identity/levels.ts';
import type { ModelEntry } from './models.ts';
import { STATUSES, type Training } from './training.ts';

export const taskIdSchema = z
  .string()
  .regex(/^[\w-]+$/, 'expected letters, digits, - or _')
  .max(100);
export const phaseSchema = z.enum(PHASES);
const count = z.number().min(0).max(1e15);
const digest = z.string().max(64);
const time = z.iso.datetime().max(40);

export const trainingSchema = z.object({
  task_id: taskIdSchema,
  pipeline_id: taskIdSchema,
  phase_name: phaseSchema,
  owner: z.string().max(256),
  status: z.enum(STATUSES).describe('not_configured: it did not run, and message says what is lacking'),
  attempt: count,
  progress: z.number().min(0).max(1),
  message: z.string().max(500),
  until: phaseSchema,
  next_task_id: taskIdSchema.nullable(),
  artefacts: z
    .array(z.object({ name: z.string().max(1_000), model: z.string().max(80), sha256: digest, bytes: count }))
    .max(1_000),
  manifest_sha256: digest,
  report_json: z.string().max(4_000_000).describe('What the phase found, such as errors and scores; a JSON object'),
  created_at: time,
  updated_at: time,
  ended_at: time.nullable(),
});

export const modelSchema = z.object({
  model: z.string().max(300).describe('What to give to a phase, or to model_chat'),
  source: z.enum(['folder', 'forge', 'endpoint']),
  use: z.enum(['training', 'chat']),
  bytes: count.nullable(),
  phase_name: phaseSchema.nullable().describe('Of those that the forge made'),
  task_id: taskIdSchema.nullable(),
});

export function toTrainingView(training: Training): z.input<typeof trainingSchema> {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    task_id: training.taskId,
    pipeline_id: training.pipelineId,
    phase_name: training.phase,
    owner: training.owner,
    status: training.status,
    attempt: training.attempt,
    progress: training.progress,
    message: training.message,
    until: training.until,
    next_task_id: training.nextTaskId,
    artefacts: training.artefacts.map(({ name, sha256, bytes }) => ({
      name,
      sha256,
      bytes,
      model: `sha256:${sha256}`,
    })),
    manifest_sha256: training.manifest,
    report_json: JSON.stringify(training.report),
    created_at: iso(training.createdAt),
    updated_at: iso(training.updatedAt),
    ended_at: training.endedAt === null ? null : iso(training.endedAt),
  };
}

export function toModelView({ model, source, bytes, phase, taskId }: ModelEntry): z.input<typeof modelSchema> {
  return {
    model,
    source,
    use: 'training',
    bytes,
    phase_name: PHASES.find((each) => each === phase) ?? null,
    task_id: taskId ?? null,
  };
}

/** Whose trainings and artefacts this caller sees: its own; all of them from level GOVERNANCE on (undefined). */
export function ownerSeen(caller: Caller): string | undefined {
  return caller.level >= LEVELS.GOVERNANCE ? undefined : caller.agentId;
}
