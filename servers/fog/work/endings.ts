/**
 * What becomes of a lease in fog.db: it ends, its work waits again or is over, its use is told to the ledger. Parts of transactions that
 * others begin (leases.ts, work.ts). Knows no network.
 */
import type { RunEnd } from '../node/limits.ts';
import type { FogStore } from '../store/open.ts';
import type { WorkStatus, WorkTables } from '../store/work-tables.ts';
import type { Outcome, Rewards } from './metering.ts';
import type { WorkRow } from './work-reads.ts';

/** Since the start of a run. */
export interface Used {
  readonly cpuMs: number;
  /** Megabytes set aside, times milliseconds. */
  readonly mbMs: number;
}

export interface Endings {
  /** Changes the row. @returns how many rows it changed */
  set(workId: string, values: Partial<WorkRow>, now: number): number;
  /** Adds a result to a node's record; what its own agent ordered proves nothing. */
  countDelivered(nodeId: string, orderedBy: string): void;
  endRun(workId: string, fence: number, ending: WorkTables['runs']['ending'], now: number): void;
  /** For good: nothing of it will run any more. */
  end(row: WorkRow, status: WorkStatus, values: Partial<WorkRow>, now: number): void;
  /** Adds what is new of a run's use to the work, and tells the ledger. */
  metered(row: WorkRow, outcome: Outcome, used: Used, part: string, now: number): void;
  /** Nothing of this lease counts: the work waits again, or is given up. */
  loseLease(row: WorkRow, ending: 'node_gone' | 'lost' | 'overdue', why: string, now: number): void;
  /** A shard that ended by itself starts again, later each time it did not live long. */
  startAgain(row: WorkRow, result: RunEnd, now: number): void;
}

/** A job that was lost this often is given up. */
export const MAX_JOB_LEASES = 5;
/** A shard that ended by itself this often without living long is given up. */
export const MAX_SHARD_FAILURES = 5;
const LIVED_LONG_MS = 60_000;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 30_000;
const MAX_AVOIDED = 5;

export function createEndings({ db, first, run }: FogStore, rewards: Rewards): Endings {
  const set = (workId: string, values: Partial<WorkRow>, now: number) =>
    run(
      db
        .updateTable('work')
        .set({ ...values, updated_at: now })
        .where('work_id', '=', workId),
    );

  const ofNode = (nodeId: string | null) => db.updateTable('nodes').where('node_id', '=', nodeId ?? '');
  const countLost = (nodeId: string | null) => run(ofNode(nodeId).set((row) => ({ lost: row('lost', '+', 1) })));
  const countDelivered: Endings['countDelivered'] = (nodeId, orderedBy) => {
    run(
      ofNode(nodeId)
        .where('agent', '!=', orderedBy)
        .set((row) => ({ delivered: row('delivered', '+', 1) })),
    );
  };

  function endRun(workId: string, fence: number, ending: WorkTables['runs']['ending'], now: number): void {
    run(
      db
        .updateTable('runs')
        .set({ ended_at: now, ending })
        .where('work_id', '=', workId)
        .where('fence', '=', fence)
        .where('ended_at', 'is', null),
    );
  }

  function end(row: WorkRow, status: WorkStatus, values: Partial<WorkRow>, now: number): void {
    set(row.work_id, { ...values, status, is_ahead: 0, finished_at: now }, now);
    rewards.release(row.work_id);
  }

  function metered(row: WorkRow, outcome: Outcome, used: Used, part: string, now: number): void {
    const lease = first(
      db.selectFrom('runs').selectAll().where('work_id', '=', row.work_id).where('fence', '=', row.fence),
    );
    const node = first(
      db
        .selectFrom('nodes')
        .select('agent')
        .where('node_id', '=', row.node_id ?? ''),
    );
    if (lease === undefined || node === undefined || row.node_id === null) return;
    const cpuMs = Math.max(0, Math.round(used.cpuMs) - lease.metered_cpu_ms);
    const mbMs = Math.max(0, Math.round(used.mbMs) - lease.metered_mb_ms);
    run(
      db
        .updateTable('runs')
        .set({ metered_cpu_ms: lease.metered_cpu_ms + cpuMs, metered_mb_ms: lease.metered_mb_ms + mbMs })
        .where('work_id', '=', row.work_id)
        .where('fence', '=', row.fence),
    );
    set(row.work_id, { cpu_ms: row.cpu_ms + cpuMs, mb_ms: row.mb_ms + mbMs }, now);
    rewards.record({
      key: `run:${row.work_id}:${row.fence}${part}`,
      kind: row.kind,
      workId: row.work_id,
      label: row.label,
      nodeId: row.node_id,
      nodeAgent: node.agent,
      agent: row.agent,
      cpuMs,
      mbMs,
      outcome,
      at: now,
    });
  }

  function loseLease(row: WorkRow, ending: 'node_gone' | 'lost' | 'overdue', why: string, now: number): void {
    endRun(row.work_id, row.fence, ending, now);
    countLost(row.node_id);
    if (row.is_cancelling === 1) {
      end(row, row.kind === 'job' ? 'cancelled' : 'stopped', { detail: why, node_id: null }, now);
      return;
    }
    // A shard that moves did nothing wrong.
    const failures = row.kind === 'job' ? row.failures + 1 : row.failures;
    if (row.kind === 'job' && failures >= MAX_JOB_LEASES) {
      end(row, 'lost', { failures, detail: `given up after ${failures} nodes were lost with it`, node_id: null }, now);
      return;
    }
    const avoid = [...new Set([row.node_id ?? '', ...(JSON.parse(row.avoid) as string[])])].slice(0, MAX_AVOIDED);
    // A target that is gone would keep it waiting for ever.
    const again = { status: 'queued' as const, node_id: null, target_node: null, failures, detail: why, is_ahead: 0 };
    set(row.work_id, { ...again, avoid: JSON.stringify(avoid) }, now);
  }

  function startAgain(row: WorkRow, result: RunEnd, now: number): void {
    const livedLong = row.started_at !== null && now - row.started_at >= LIVED_LONG_MS;
    const failures = livedLong ? 1 : row.failures + 1;
    const detail = `ended by itself (${result.detail}); start ${failures + 1}`;
    if (failures >= MAX_SHARD_FAILURES) {
      end(row, 'failed', { failures, exit_code: result.exitCode ?? null, detail: `given up: ${result.detail}` }, now);
      return;
    }
    const not_before = now + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
    set(row.work_id, { status: 'queued', is_ahead: 0, node_id: null, failures, detail, not_before }, now);
  }

  return { set, countDelivered, endRun, end, metered, loseLease, startAgain };
}
