/** The tables of nodes, work, runs and what they printed. */
import type { Migration } from '../../../shared/store.ts';
import type { Outcome } from '../work/metering.ts';

export type WorkKind = 'job' | 'shard';

/**
 * `queued` waits for a node, `placed` was given to one, `running` was started there; the rest are ends. A shard that ran and was
 * lost is `queued` again.
 */
export type WorkStatus =
  | 'queued'
  | 'placed'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'limit_exceeded'
  | 'lost'
  | 'stopped';

export type NodeState = 'up' | 'lost' | 'left';

export interface WorkTables {
  /** Which process on this file speaks to the nodes; one row. */
  dispatcher: { id: number; instance: string; until: number; peer_id: string; addresses: string };
  nodes: {
    node_id: string;
    /** Whom it works for. */
    agent: string;
    state: NodeState;
    /** As it says; belief.ts decides what counts. */
    cpu_cores: number;
    memory_gb: number;
    gpu: number;
    price_micro: number;
    /** Whether it has bubblewrap. */
    sandbox: number;
    /** JSON list of `command:<name>` and `agent:<type>`. */
    programs: string;
    /** Busy share of its processors, 0 to 1. */
    load: number;
    memory_free_gb: number;
    latency_ms: number | null;
    joined_at: number;
    last_seen_at: number;
    /** Results of its runs that counted, and leases that it lost or sat on. */
    delivered: number;
    lost: number;
  };
  work: {
    /** Grows; the order of arrival. */
    seq: number;
    work_id: string;
    kind: WorkKind;
    /** `shard_id` of a shard; the same as `work_id` of a job. */
    label: string;
    /** Who ordered it. */
    agent: string;
    /** `command:<name>` or `agent:<type>`. */
    program: string;
    /** JSON list of texts. */
    args: string;
    cpu_cores: number;
    memory_gb: number;
    gpu: number;
    /** 0 = without end. */
    wall_seconds: number;
    priority: number;
    target_node: string | null;
    max_price_micro: number | null;
    status: WorkStatus;
    /** Why it waits, or how it ended, in words. */
    detail: string;
    /** Of the last lease; 0 before the first. A result counts only with this one. */
    fence: number;
    node_id: string | null;
    /** Leases that ended without a result that counted. */
    failures: number;
    /** JSON list of nodes that it was lost on. */
    avoid: string;
    /** Not placed before this. */
    not_before: number;
    is_cancelling: number;
    /** 1 = given to a node before there is room: it waits there and holds nothing. */
    is_ahead: number;
    /** 0 to 1, as the job says. */
    progress: number | null;
    exit_code: number | null;
    cpu_ms: number;
    mb_ms: number;
    created_at: number;
    started_at: number | null;
    finished_at: number | null;
    /** Of the last change of this row. */
    updated_at: number;
  };
  /** One lease each. */
  runs: {
    work_id: string;
    fence: number;
    node_id: string;
    granted_at: number;
    ended_at: number | null;
    /** `accepted`, or why nothing of it counted. */
    ending: Outcome | 'accepted' | 'node_gone' | 'overdue' | 'returned' | null;
    /** What of its use was handed to the ledger so far. */
    metered_cpu_ms: number;
    metered_mb_ms: number;
  };
  outputs: { work_id: string; fence: number; stdout: string; stderr: string; is_truncated: number };
}

export const workMigration: Migration = async ({ schema }) => {
  await schema
    .createTable('dispatcher')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('instance', 'text', (c) => c.notNull())
    .addColumn('until', 'bigint', (c) => c.notNull())
    .addColumn('peer_id', 'text', (c) => c.notNull())
    .addColumn('addresses', 'text', (c) => c.notNull())
    .execute();
  await schema
    .createTable('nodes')
    .addColumn('node_id', 'text', (c) => c.primaryKey())
    .addColumn('agent', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('cpu_cores', 'real', (c) => c.notNull())
    .addColumn('memory_gb', 'real', (c) => c.notNull())
    .addColumn('gpu', 'integer', (c) => c.notNull())
    .addColumn('price_micro', 'bigint', (c) => c.notNull())
    .addColumn('sandbox', 'integer', (c) => c.notNull())
    .addColumn('programs', 'text', (c) => c.notNull())
    .addColumn('load', 'real', (c) => c.notNull())
    .addColumn('memory_free_gb', 'real', (c) => c.notNull())
    .addColumn('latency_ms', 'real')
    .addColumn('joined_at', 'bigint', (c) => c.notNull())
    .addColumn('last_seen_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('work')
    .addColumn('seq', 'bigint', (c) => c.primaryKey())
    .addColumn('work_id', 'text', (c) => c.notNull().unique())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('label', 'text', (c) => c.notNull())
    .addColumn('agent', 'text', (c) => c.notNull())
    .addColumn('program', 'text', (c) => c.notNull())
    .addColumn('args', 'text', (c) => c.notNull())
    .addColumn('cpu_cores', 'real', (c) => c.notNull())
    .addColumn('memory_gb', 'real', (c) => c.notNull())
    .addColumn('gpu', 'integer', (c) => c.notNull())
    .addColumn('wall_seconds', 'integer', (c) => c.notNull())
    .addColumn('priority', 'integer', (c) => c.notNull())
    .addColumn('target_node', 'text')
    .addColumn('max_price_micro', 'bigint')
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('detail', 'text', (c) => c.notNull())
    .addColumn('fence', 'integer', (c) => c.notNull())
    .addColumn('node_id', 'text')
    .addColumn('failures', 'integer', (c) => c.notNull())
    .addColumn('avoid', 'text', (c) => c.notNull())
    .addColumn('not_before', 'bigint', (c) => c.notNull())
    .addColumn('is_cancelling', 'integer', (c) => c.notNull())
    .addColumn('progress', 'real')
    .addColumn('exit_code', 'integer')
    .addColumn('cpu_ms', 'bigint', (c) => c.notNull())
    .addColumn('mb_ms', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('started_at', 'bigint')
    .addColumn('finished_at', 'bigint')
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema.createIndex('work_queue').on('work').columns(['status', 'priority desc', 'seq']).execute();
  await schema.createIndex('work_node').on('work').columns(['node_id', 'status']).execute();
  await schema.createIndex('work_cancelling').on('work').columns(['is_cancelling', 'status']).execute();
  await schema.createIndex('work_label').on('work').columns(['kind', 'label']).execute();
  await schema.createIndex('work_agent').on('work').columns(['agent', 'seq']).execute();
  await schema
    .createTable('runs')
    .addColumn('work_id', 'text', (c) => c.notNull())
    .addColumn('fence', 'integer', (c) => c.notNull())
    .addColumn('node_id', 'text', (c) => c.notNull())
    .addColumn('granted_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('ending', 'text')
    .addColumn('metered_cpu_ms', 'bigint', (c) => c.notNull())
    .addColumn('metered_mb_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('runs_key', ['work_id', 'fence'])
    .execute();
  await schema
    .createTable('outputs')
    .addColumn('work_id', 'text', (c) => c.primaryKey())
    .addColumn('fence', 'integer', (c) => c.notNull())
    .addColumn('stdout', 'text', (c) => c.notNull())
    .addColumn('stderr', 'text', (c) => c.notNull())
    .addColumn('is_truncated', 'integer', (c) => c.notNull())
    .execute();
};

/** Work may wait on a node, and not only for one; nodes have a record. */
export const aheadAndRecordMigration: Migration = async ({ schema }) => {
  await schema
    .alterTable('work')
    .addColumn('is_ahead', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  for (const count of ['delivered', 'lost']) {
    await schema
      .alterTable('nodes')
      .addColumn(count, 'bigint', (c) => c.notNull().defaultTo(0))
      .execute();
  }
};
