/**
 * The life of a piece of work in fog.db (work-reads.ts reads it): ordered, given to a node under a lease with a growing number, run, ended once. Every
 * function is one transaction; a result counts only with the number of the last lease. Knows no network.
 */
import { AppError } from '../../../shared/errors.ts';
import type { FogStore } from '../store/open.ts';
import type { WorkKind, WorkStatus, WorkTables } from '../store/work-tables.ts';
import type { Outcome, Rewards } from './metering.ts';
import { createWorkReads, type WorkReads, type WorkRow } from './work-reads.ts';

export interface WorkOrder {
  readonly workId: string;
  readonly kind: WorkKind;
  readonly label: string;
  readonly agent: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly cpuCores: number;
  readonly memoryGb: number;
  readonly gpu: boolean;
  /** 0 = without end; jobs have one. */
  readonly wallSeconds: number;
  readonly priority: number;
  readonly targetNode: string | undefined;
  /** For the whole of it, in micro-FOG. */
  readonly maxPriceMicro: number | undefined;
}

/** What a node reports of a run that ended. */
export interface RunResult {
  readonly outcome: Outcome;
  readonly exitCode: number | undefined;
  /** In words, for the orderer. */
  readonly detail: string;
  readonly cpuMs: number;
  readonly mbMs: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly isTruncated: boolean;
}

/** Since the start of a run. */
export interface Used {
  readonly cpuMs: number;
  /** Megabytes set aside, times milliseconds. */
  readonly mbMs: number;
}

export interface Lease {
  readonly work: WorkRow;
  readonly fence: number;
}

export interface Work extends WorkReads {
  /** @throws AppError CONFLICT when a shard of this name lives, or the queue is full; whatever `rewards.reserve` throws */
  order(order: WorkOrder, now: number): WorkRow;
  /** Gives it to a node under a new number. @returns undefined when it does not wait any more */
  grant(workId: string, nodeId: string, now: number): Lease | undefined;
  /** Lets others pass: these are not placed before `until`. */
  putOff(workIds: readonly string[], until: number): void;
  /** Each of these three: false when the number is not that of the last lease, or it ended. */
  started(workId: string, fence: number, nodeId: string, now: number): boolean;
  progressed(workId: string, fence: number, nodeId: string, progress: number, now: number): boolean;
  finished(workId: string, fence: number, nodeId: string, result: RunResult, now: number): boolean;
  /** What a living shard has used since its start, for metering: what is new of it is told. */
  meter(workId: string, fence: number, used: Used, now: number): void;
  /** Ends the leases of a node that is gone; its work waits again. @returns how many */
  release(nodeId: string, now: number): number;
  /** Ends a lease that the node does not know of. */
  takeBack(workId: string, fence: number, why: string, now: number): void;
  /** Asks for its end. @returns the row after it; still placed or running when a node has to stop it first */
  cancel(workId: string, now: number): WorkRow;
}

export const LIVE: readonly WorkStatus[] = ['queued', 'placed', 'running'];
/** A job that was lost this often is given up. */
export const MAX_JOB_LEASES = 5;
/** A shard that ended by itself this often without living long is given up. */
export const MAX_SHARD_FAILURES = 5;
const LIVED_LONG_MS = 60_000;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 30_000;
const MAX_AVOIDED = 5;
const MAX_WAITING = 1_000_000;

export function createWork(store: FogStore, rewards: Rewards): Work {
  const { db, all, first, run, transaction } = store;

  const reads = createWorkReads(store);
  const { get: byId, running, countWaiting } = reads;
  const set = (workId: string, values: Partial<WorkRow>, now: number) =>
    run(
      db
        .updateTable('work')
        .set({ ...values, updated_at: now })
        .where('work_id', '=', workId),
    );

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

  /** For good: nothing of it will run any more. */
  function end(row: WorkRow, status: WorkStatus, values: Partial<WorkRow>, now: number): void {
    set(row.work_id, { ...values, status, finished_at: now }, now);
    rewards.release(row.work_id);
  }

  /** Adds what is new of a run's use to the work, and tells the ledger. */
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

  /** Nothing of this lease counts: the work waits again, or is given up. */
  function loseLease(row: WorkRow, ending: 'node_gone' | 'lost', why: string, now: number): void {
    endRun(row.work_id, row.fence, ending, now);
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
    const again = { status: 'queued' as const, node_id: null, target_node: null, failures, detail: why };
    set(row.work_id, { ...again, avoid: JSON.stringify(avoid) }, now);
  }

  /** A shard that ended by itself starts again, later each time it did not live long. */
  function startAgain(row: WorkRow, result: RunResult, now: number): void {
    const livedLong = row.started_at !== null && now - row.started_at >= LIVED_LONG_MS;
    const failures = livedLong ? 1 : row.failures + 1;
    const detail = `ended by itself (${result.detail}); start ${failures + 1}`;
    if (failures >= MAX_SHARD_FAILURES) {
      end(row, 'failed', { failures, exit_code: result.exitCode ?? null, detail: `given up: ${result.detail}` }, now);
      return;
    }
    const not_before = now + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
    set(row.work_id, { status: 'queued', node_id: null, failures, detail, not_before }, now);
  }

  return {
    ...reads,
    order: (order, now) =>
      transaction(() => {
        if (order.kind === 'shard') {
          const living = first(
            db
              .selectFrom('work')
              .select('status')
              .where('kind', '=', 'shard')
              .where('label', '=', order.label)
              .where('status', 'in', LIVE),
          );
          if (living !== undefined) {
            throw new AppError('CONFLICT', {
              text: `A shard ${order.label} is there already (${living.status}); stop it with fog_stop_shard, or choose another shard_id`,
              data: { status: living.status },
            });
          }
        }
        const last = first(db.selectFrom('work').select('seq').orderBy('seq', 'desc').limit(1))?.seq ?? 0;
        if (last % 1_000 === 999 && countWaiting() >= MAX_WAITING) {
          throw new AppError('CONFLICT', { text: `${MAX_WAITING} pieces of work wait already; try again later` });
        }
        rewards.reserve({
          workId: order.workId,
          agent: order.agent,
          maxPriceMicro: order.maxPriceMicro,
          cpuCores: order.cpuCores,
          memoryGb: order.memoryGb,
          wallSeconds: order.wallSeconds,
        });
        const row: WorkRow = {
          seq: last + 1,
          work_id: order.workId,
          kind: order.kind,
          label: order.label,
          agent: order.agent,
          program: order.program,
          args: JSON.stringify(order.args),
          cpu_cores: order.cpuCores,
          memory_gb: order.memoryGb,
          gpu: order.gpu ? 1 : 0,
          wall_seconds: order.wallSeconds,
          priority: order.priority,
          target_node: order.targetNode ?? null,
          max_price_micro: order.maxPriceMicro ?? null,
          status: 'queued',
          detail: '',
          fence: 0,
          node_id: null,
          failures: 0,
          avoid: '[]',
          not_before: 0,
          is_cancelling: 0,
          progress: null,
          exit_code: null,
          cpu_ms: 0,
          mb_ms: 0,
          created_at: now,
          started_at: null,
          finished_at: null,
          updated_at: now,
        };
        run(db.insertInto('work').values(row));
        return row;
      }),
    grant: (workId, nodeId, now) =>
      transaction(() => {
        const row = byId(workId);
        if (row?.status !== 'queued') return undefined;
        const fence = row.fence + 1;
        set(workId, { status: 'placed', node_id: nodeId, fence, detail: '', progress: null, started_at: null }, now);
        const unmetered = { ended_at: null, ending: null, metered_cpu_ms: 0, metered_mb_ms: 0 };
        const granted = { work_id: workId, fence, node_id: nodeId, granted_at: now, ...unmetered };
        run(db.insertInto('runs').values(granted));
        return { work: { ...row, status: 'placed', node_id: nodeId, fence }, fence };
      }),
    putOff(workIds, until) {
      if (workIds.length === 0) return;
      run(
        db
          .updateTable('work')
          .set({ not_before: until })
          .where('work_id', 'in', workIds)
          .where('status', '=', 'queued'),
      );
    },
    started: (workId, fence, nodeId, now) =>
      transaction(() => {
        if (running(workId, fence, nodeId) === undefined) return false;
        set(workId, { status: 'running', started_at: now }, now);
        return true;
      }),
    progressed: (workId, fence, nodeId, progress, now) =>
      transaction(() => running(workId, fence, nodeId) !== undefined && set(workId, { progress }, now) === 1),
    finished: (workId, fence, nodeId, result, now) =>
      transaction(() => {
        const row = running(workId, fence, nodeId);
        if (row === undefined) return false;
        // The run was stopped because its node thought that it had lost us; it may be placed again.
        if (result.outcome === 'lost') {
          loseLease(row, 'lost', result.detail, now);
          return true;
        }
        endRun(workId, fence, 'accepted', now);
        metered(row, result.outcome, result, row.kind === 'shard' ? ':end' : '', now);
        run(
          db
            .insertInto('outputs')
            .values({ work_id: workId, ...outputOf(result, fence) })
            .onConflict((c) => c.column('work_id').doUpdateSet(outputOf(result, fence))),
        );
        const wasAsked = row.is_cancelling === 1 || result.outcome === 'cancelled';
        if (row.kind === 'shard' && !wasAsked) startAgain(row, result, now);
        else {
          const status = row.kind === 'shard' ? 'stopped' : result.outcome;
          end(row, status, { exit_code: result.exitCode ?? null, detail: result.detail }, now);
        }
        return true;
      }),
    meter: (workId, fence, used, now) =>
      transaction(() => {
        const row = byId(workId);
        if (row?.fence === fence) metered(row, 'succeeded', used, `:${now}`, now);
      }),
    release: (nodeId, now) =>
      transaction(() => {
        const rows = all(
          db.selectFrom('work').selectAll().where('node_id', '=', nodeId).where('status', 'in', ['placed', 'running']),
        );
        for (const row of rows) loseLease(row, 'node_gone', 'its node is gone', now);
        return rows.length;
      }),
    takeBack: (workId, fence, why, now) =>
      transaction(() => {
        const row = byId(workId);
        if (row === undefined || row.fence !== fence || (row.status !== 'placed' && row.status !== 'running')) return;
        loseLease(row, 'lost', why, now);
      }),
    cancel: (workId, now) =>
      transaction(() => {
        const row = byId(workId);
        if (row === undefined) throw new AppError('INVALID_PARAMS', { text: 'There is no such work' });
        if (row.status === 'queued') {
          const ended = row.kind === 'job' ? 'cancelled' : 'stopped';
          end(row, ended, { detail: 'before it started', is_cancelling: 1 }, now);
        } else if (LIVE.includes(row.status)) set(workId, { is_cancelling: 1 }, now);
        return byId(workId)!;
      }),
  };
}

function outputOf({ stdout, stderr, isTruncated }: RunResult, fence: number) {
  return { fence, stdout, stderr, is_truncated: isTruncated ? 1 : 0 };
}
