/** Reads work from fog.db: single rows, queues, runs, what was printed. Changes nothing. */
import type { Selectable } from 'kysely';
import type { FogStore } from '../store/open.ts';
import type { WorkKind, WorkStatus, WorkTables } from '../store/work-tables.ts';
import type { Needs } from './placement.ts';

export type WorkRow = Selectable<WorkTables['work']>;

export interface WorkReads {
  get(workId: string): WorkRow | undefined;
  /** The living shard of this name, or the one that ended last. */
  shard(label: string): WorkRow | undefined;
  list(
    kind: WorkKind,
    filter: { readonly agent?: string; readonly statuses?: readonly WorkStatus[] },
    limit: number,
  ): WorkRow[];
  /** What waits for a node now: the more important first, then in the order of arrival. */
  waiting(now: number, limit: number): WorkRow[];
  /** The row of a run that still counts: its number is that of the last lease, and it has not ended. */
  running(workId: string, fence: number, nodeId: string): WorkRow | undefined;
  /** Whether this run still counts. */
  holds(workId: string, fence: number, nodeId: string): boolean;
  /** The runs that this node holds by our book. */
  heldBy(nodeId: string): WorkRow[];
  /** Asked to end, and still on a node. */
  cancelling(): WorkRow[];
  /** Jobs that their nodes hold longer than they may run, by `graceMs`. */
  overdue(now: number, graceMs: number): WorkRow[];
  /** How many wait. */
  countWaiting(): number;
  output(workId: string): Selectable<WorkTables['outputs']> | undefined;
  runs(workId: string): Selectable<WorkTables['runs']>[];
  /** How many are in each state. */
  counts(kind: WorkKind): ReadonlyMap<WorkStatus, number>;
}

export function createWorkReads({ db, all, first }: FogStore): WorkReads {
  const get = (workId: string) => first(db.selectFrom('work').selectAll().where('work_id', '=', workId));

  function running(workId: string, fence: number, nodeId: string): WorkRow | undefined {
    const row = get(workId);
    const counts =
      row?.fence === fence && row.node_id === nodeId && (row.status === 'placed' || row.status === 'running');
    return counts ? row : undefined;
  }

  function countWaiting(): number {
    const counted = first(
      db
        .selectFrom('work')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('status', '=', 'queued'),
    );
    return Number(counted?.count ?? 0);
  }

  return {
    running,
    countWaiting,
    get,
    shard: (label) =>
      first(
        db
          .selectFrom('work')
          .selectAll()
          .where('kind', '=', 'shard')
          .where('label', '=', label)
          .orderBy('seq', 'desc')
          .limit(1),
      ),
    list(kind, { agent, statuses }, limit) {
      let query = db.selectFrom('work').selectAll().where('kind', '=', kind);
      if (agent !== undefined) query = query.where('agent', '=', agent);
      if (statuses !== undefined) query = query.where('status', 'in', statuses);
      return all(query.orderBy('seq', 'desc').limit(limit));
    },
    waiting: (now, limit) =>
      all(
        db
          .selectFrom('work')
          .selectAll()
          .where('status', '=', 'queued')
          .where('not_before', '<=', now)
          .orderBy('priority', 'desc')
          .orderBy('seq')
          .limit(limit),
      ),
    holds: (workId, fence, nodeId) => running(workId, fence, nodeId) !== undefined,
    heldBy: (nodeId) =>
      all(db.selectFrom('work').selectAll().where('node_id', '=', nodeId).where('status', 'in', ['placed', 'running'])),
    cancelling: () =>
      all(
        db.selectFrom('work').selectAll().where('is_cancelling', '=', 1).where('status', 'in', ['placed', 'running']),
      ),
    overdue: (now, graceMs) =>
      all(
        db
          .selectFrom('work')
          .selectAll()
          .where('status', 'in', ['placed', 'running'])
          .where('kind', '=', 'job')
          .where('is_ahead', '=', 0)
          .where('wall_seconds', '>', 0),
      ).filter((row) => (row.started_at ?? row.updated_at) + row.wall_seconds * 1_000 + graceMs < now),
    output: (workId) => first(db.selectFrom('outputs').selectAll().where('work_id', '=', workId)),
    runs: (workId) => all(db.selectFrom('runs').selectAll().where('work_id', '=', workId).orderBy('fence')),
    counts(kind) {
      const rows = all(
        db
          .selectFrom('work')
          .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
          .where('kind', '=', kind)
          .groupBy('status'),
      );
      return new Map(rows.map(({ status, count }) => [status, Number(count)]));
    },
  };
}

/** What it asks of a node. */
export function needsOf(row: WorkRow): Needs {
  const seconds = Math.max(1, row.cpu_cores * row.wall_seconds);
  return {
    id: row.work_id,
    program: row.program,
    cpuCores: row.cpu_cores,
    memoryGb: row.memory_gb,
    gpu: row.gpu === 1,
    targetNode: row.target_node ?? undefined,
    priority: row.priority,
    maxPriceMicro: row.max_price_micro === null ? undefined : Math.floor(row.max_price_micro / seconds),
    group: row.program,
    avoid: JSON.parse(row.avoid) as string[],
  };
}
