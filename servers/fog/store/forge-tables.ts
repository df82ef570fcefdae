/** The tables of the Agent Forge. */
import type { Migration } from '../../../shared/store.ts';

export interface ForgeTables {
  trainings: {
    task_id: string;
    /** Of the first phase of its pipeline. */
    pipeline_id: string;
    phase_name: string;
    owner: string;
    /** trainings.ts. */
    status: string;
    /** Starts so far; also what fences off a worker that was given up. */
    attempt: number;
    /** JSON object. */
    parameters: string;
    /** The last phase to run. */
    until_phase: string;
    /** 0 to 1. */
    progress: number;
    message: string;
    /** JSON: what the phase found. */
    report: string;
    /** SHA-256 of the manifest among the artefacts; empty before success. */
    manifest: string;
    next_task_id: string | null;
    /** The process that runs it, and when it last said so. */
    worker: string;
    heartbeat_at: number;
    /** When a task that waits is to start. */
    due_at: number;
    created_at: number;
    updated_at: number;
    ended_at: number | null;
  };
  artefacts: {
    task_id: string;
    name: string;
    sha256: string;
    bytes: number;
    owner: string;
    created_at: number;
  };
}

export const forgeMigration: Migration = async ({ schema }) => {
  await schema
    .createTable('trainings')
    .addColumn('task_id', 'text', (c) => c.primaryKey())
    .addColumn('pipeline_id', 'text', (c) => c.notNull())
    .addColumn('phase_name', 'text', (c) => c.notNull())
    .addColumn('owner', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('attempt', 'integer', (c) => c.notNull())
    .addColumn('parameters', 'text', (c) => c.notNull())
    .addColumn('until_phase', 'text', (c) => c.notNull())
    .addColumn('progress', 'real', (c) => c.notNull())
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('report', 'text', (c) => c.notNull())
    .addColumn('manifest', 'text', (c) => c.notNull())
    .addColumn('next_task_id', 'text')
    .addColumn('worker', 'text', (c) => c.notNull())
    .addColumn('heartbeat_at', 'bigint', (c) => c.notNull())
    .addColumn('due_at', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .execute();
  await schema.createIndex('trainings_status').on('trainings').columns(['status', 'due_at']).execute();
  await schema.createIndex('trainings_owner').on('trainings').columns(['owner', 'created_at']).execute();
  await schema
    .createTable('artefacts')
    .addColumn('task_id', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('sha256', 'text', (c) => c.notNull())
    .addColumn('bytes', 'bigint', (c) => c.notNull())
    .addColumn('owner', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('artefacts_key', ['task_id', 'name'])
    .execute();
  await schema.createIndex('artefacts_sha256').on('artefacts').column('sha256').execute();
};
