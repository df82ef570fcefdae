/**
 * The lease of a piece of work in fog.db: given to a node under a growing number, reported on, ended once, taken back. Every function is
 * one transaction; what a node says counts only with the number of the last lease. Knows no network.
 */
import type { RunEnd } from '../node/limits.ts';
import type { FogStore } from '../store/open.ts';
import { createEndings, type Used } from './endings.ts';
import { fits } from './fits.ts';
import type { Rewards } from './metering.ts';
import { createWorkReads, type WorkRow } from './work-reads.ts';

export interface Lease {
  readonly work: WorkRow;
  readonly fence: number;
}

export interface Leases {
  /** Several of these as one transaction. */
  together<T>(steps: () => T): T;
  /**
   * Gives it to a node under a new number. @returns undefined when it does not wait any more
   * @param isAhead there is no room on that node yet: it waits there, and holds nothing until it starts
   */
  grant(workId: string, nodeId: string, now: number, isAhead?: boolean): Lease | undefined;
  /** Each of these four: false when the number is not that of the last lease, or it ended. */
  started(workId: string, fence: number, nodeId: string, now: number): boolean;
  progressed(workId: string, fence: number, nodeId: string, progress: number, now: number): boolean;
  finished(workId: string, fence: number, nodeId: string, result: RunEnd, now: number): boolean;
  /** The node gave it back before it started: it waits again as if it had never left. */
  returned(workId: string, fence: number, nodeId: string, now: number): boolean;
  /** What was given ahead holds its share of the node as soon as there is room for it: the node starts it now. */
  promote(nodeId: string, now: number): void;
  /** What a living shard has used since its start, for metering: what is new of it is told. */
  meter(workId: string, fence: number, used: Used, now: number): void;
  /** Ends the leases of a node that is gone; its work waits again. @returns how many */
  release(nodeId: string, now: number): number;
  /** Ends a lease that the node does not know of, or sits on. */
  takeBack(workId: string, fence: number, ending: 'lost' | 'overdue', why: string, now: number): void;
}

export function createLeases(store: FogStore, rewards: Rewards): Leases {
  const { db, first, run, transaction } = store;
  const { get: byId, running, heldBy } = createWorkReads(store);
  const { set, countDelivered, endRun, end, metered, loseLease, startAgain } = createEndings(store, rewards);

  return {
    together: transaction,
    grant: (workId, nodeId, now, isAhead = false) =>
      transaction(() => {
        const row = byId(workId);
        if (row?.status !== 'queued') return undefined;
        const fence = row.fence + 1;
        const placed = { status: 'placed' as const, node_id: nodeId, fence, is_ahead: isAhead ? 1 : 0 };
        set(workId, { ...placed, detail: '', progress: null, started_at: null }, now);
        const unmetered = { ended_at: null, ending: null, metered_cpu_ms: 0, metered_mb_ms: 0 };
        const granted = { work_id: workId, fence, node_id: nodeId, granted_at: now, ...unmetered };
        run(db.insertInto('runs').values(granted));
        return { work: { ...row, ...placed }, fence };
      }),
    started: (workId, fence, nodeId, now) =>
      transaction(() => {
        if (running(workId, fence, nodeId) === undefined) return false;
        set(workId, { status: 'running', is_ahead: 0, started_at: now }, now);
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
        if (result.outcome === 'succeeded') countDelivered(nodeId, row.agent);
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
    returned: (workId, fence, nodeId, now) =>
      transaction(() => {
        const row = running(workId, fence, nodeId);
        if (row?.status !== 'placed') return false;
        endRun(workId, fence, 'returned', now);
        if (row.is_cancelling === 1) end(row, 'cancelled', { detail: 'before it started', node_id: null }, now);
        else set(workId, { status: 'queued', node_id: null, is_ahead: 0 }, now);
        return true;
      }),
    promote: (nodeId, now) =>
      transaction(() => {
        const rows = heldBy(nodeId);
        const ahead = rows
          .filter(({ is_ahead }) => is_ahead === 1)
          .sort((a, b) => a.updated_at - b.updated_at || a.seq - b.seq);
        const node =
          ahead.length === 0 ? undefined : first(db.selectFrom('nodes').selectAll().where('node_id', '=', nodeId));
        if (node === undefined) return;
        const left = { cpuCores: node.cpu_cores, memoryGb: node.memory_gb };
        const take = (row: WorkRow): void => {
          left.cpuCores -= row.cpu_cores;
          left.memoryGb -= row.memory_gb;
        };
        for (const row of rows) if (row.is_ahead === 0) take(row);
        for (const row of ahead) {
          if (!fits({ cpuCores: row.cpu_cores, memoryGb: row.memory_gb }, left)) continue;
          take(row);
          set(row.work_id, { is_ahead: 0 }, now);
        }
      }),
    meter: (workId, fence, used, now) =>
      transaction(() => {
        const row = byId(workId);
        if (row?.fence === fence) metered(row, 'succeeded', used, `:${now}`, now);
      }),
    release: (nodeId, now) =>
      transaction(() => {
        const rows = heldBy(nodeId);
        for (const row of rows) loseLease(row, 'node_gone', 'its node is gone', now);
        return rows.length;
      }),
    takeBack: (workId, fence, ending, why, now) =>
      transaction(() => {
        const row = byId(workId);
        if (row === undefined || row.fence !== fence || (row.status !== 'placed' && row.status !== 'running')) return;
        loseLease(row, ending, why, now);
      }),
  };
}

function outputOf({ stdout, stderr, isTruncated }: RunEnd, fence: number) {
  return { fence, stdout, stderr, is_truncated: isTruncated ? 1 : 0 };
}
