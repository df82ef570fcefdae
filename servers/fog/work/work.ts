/**
 * A piece of work in fog.db as its orderer sees it: ordered, put off, cancelled (work-reads.ts reads it, leases.ts gives it to nodes).
 * Every function is one transaction. Knows no network.
 */
import { AppError } from '../../../shared/errors.ts';
import type { FogStore } from '../store/open.ts';
import type { WorkKind, WorkStatus } from '../store/work-tables.ts';
import { createEndings } from './endings.ts';
import { createLeases, type Leases } from './leases.ts';
import type { Rewards } from './metering.ts';
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

export interface Work extends WorkReads, Leases {
  /** @throws AppError CONFLICT when a shard of this name lives, or the queue is full; whatever `rewards.reserve` throws */
  order(order: WorkOrder, now: number): WorkRow;
  /** Lets others pass: these are not placed before `until`. */
  putOff(workIds: readonly string[], until: number): void;
  /** Asks for its end. @returns the row after it; still placed or running when a node has to stop it first */
  cancel(workId: string, now: number): WorkRow;
}

export const LIVE: readonly WorkStatus[] = ['queued', 'placed', 'running'];
const MAX_WAITING = 1_000_000;

export function createWork(store: FogStore, rewards: Rewards): Work {
  const { db, first, run, transaction } = store;
  const reads = createWorkReads(store);
  const { get: byId, countWaiting } = reads;
  const { set, end } = createEndings(store, rewards);

  return {
    ...reads,
    ...createLeases(store, rewards),
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
          is_ahead: 0,
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
