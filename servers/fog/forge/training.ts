/** What a training is, and how its row of fog.db is read. Changes nothing. */
import { PHASES, type Phase } from '../../../shared/forge-rules.ts';
import type { Queries } from '../../../shared/queries.ts';
import type { ForgeTables } from '../store/forge-tables.ts';
import type { StoredObject } from './object-store.ts';

export const STATUSES = ['queued', 'running', 'waiting', 'succeeded', 'failed', 'stopped', 'not_configured'] as const;
export type TrainingStatus = (typeof STATUSES)[number];

export const OPEN: readonly TrainingStatus[] = ['queued', 'running', 'waiting'];

export interface Artefact extends StoredObject {
  readonly name: string;
}

export interface Training {
  readonly taskId: string;
  readonly pipelineId: string;
  readonly phase: Phase;
  readonly owner: string;
  readonly status: TrainingStatus;
  /** Starts so far. */
  readonly attempt: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly until: Phase;
  readonly progress: number;
  readonly message: string;
  readonly report: unknown;
  /** SHA-256 of the manifest; empty before success. */
  readonly manifest: string;
  readonly nextTaskId: string | null;
  readonly artefacts: readonly Artefact[];
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly endedAt: number | null;
}

export interface NewTraining {
  readonly owner: string;
  readonly phase: Phase;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The last phase to run; at or behind `phase`. */
  readonly until: Phase;
}

/** Reads a row with the artefacts of its task. */
export function createTrainingReader({ db, all }: Queries<ForgeTables>) {
  return (row: ForgeTables['trainings']): Training => {
    const artefacts = all(
      db.selectFrom('artefacts').select(['name', 'sha256', 'bytes']).where('task_id', '=', row.task_id).orderBy('name'),
    );
    return {
      taskId: row.task_id,
      pipelineId: row.pipeline_id,
      phase: phaseOf(row.phase_name),
      owner: row.owner,
      status: STATUSES.find((status) => status === row.status) ?? 'failed',
      attempt: row.attempt,
      parameters: JSON.parse(row.parameters) as Record<string, unknown>,
      until: phaseOf(row.until_phase),
      progress: row.progress,
      message: row.message,
      report: JSON.parse(row.report) as unknown,
      manifest: row.manifest,
      nextTaskId: row.next_task_id,
      artefacts,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      endedAt: row.ended_at,
    };
  };
}

function phaseOf(name: string): Phase {
  const phase = PHASES.find((each) => each === name);
  if (phase === undefined) throw new Error('fog.db names a phase that this version does not know');
  return phase;
}
