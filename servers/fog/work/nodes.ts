/** The nodes that joined, as fog.db has them: what each offers, its last sign of life, and what is left of it. */
import type { Selectable } from 'kysely';
import type { FogTrust } from '../../../shared/fog-rules.ts';
import type { FogStore } from '../store/open.ts';
import type { NodeState, WorkTables } from '../store/work-tables.ts';
import { type Belief, believe } from './belief.ts';
import type { Offer } from './placement.ts';

export interface NodeOffer {
  /** Whom the node works for. */
  readonly agent: string;
  readonly cpuCores: number;
  readonly memoryGb: number;
  readonly gpu: boolean;
  /** Micro-FOG for a CPU-second. */
  readonly priceMicro: number;
  readonly hasSandbox: boolean;
  /** `command:<name>`, `agent:<type>`. */
  readonly programs: readonly string[];
}

export interface NodePulse {
  readonly load: number;
  readonly memoryFreeGb: number;
  readonly latencyMs: number | undefined;
}

export interface FogNode extends NodeOffer, NodePulse {
  readonly nodeId: string;
  /** `cpuCores` and `memoryGb` are what counts; this is why it is less than the node says. */
  readonly belief: string | undefined;
  readonly state: NodeState;
  /** What placed and running work holds. */
  readonly usedCpuCores: number;
  readonly usedMemoryGb: number;
  readonly shards: number;
  readonly jobs: number;
  readonly joinedAt: number;
  readonly lastSeenAt: number;
}

export interface Room extends Offer {
  /** What may be given to it ahead: what its jobs hold, less what waits there already. */
  readonly aheadCpuCores: number;
  readonly aheadMemoryGb: number;
}

export interface Nodes {
  join(nodeId: string, offer: NodeOffer, now: number): void;
  /** @returns false when the node is not up: it has to join again */
  pulse(nodeId: string, pulse: NodePulse, now: number): boolean;
  /** Makes it count as seen now, without news of its own. */
  touch(nodeIds: readonly string[], now: number): void;
  /** Makes it count as last seen then, if it was seen later. */
  backdate(nodeId: string, at: number): void;
  leave(nodeId: string, state: 'lost' | 'left'): void;
  /** Nodes that are up and were last seen before this. */
  silentSince(before: number): string[];
  list(states: readonly NodeState[]): FogNode[];
  get(nodeId: string): FogNode | undefined;
  /** What may be given to the nodes that are up and among these. */
  rooms(connected: ReadonlySet<string>): Room[];
  /** Another text when anything about the nodes changed that a reader sees. */
  stampOf(nodeId?: string): string;
}

type Row = Selectable<WorkTables['nodes']>;
const HELD = ['placed', 'running'] as const;

type HeldRows = readonly Pick<
  Selectable<WorkTables['work']>,
  'kind' | 'program' | 'cpu_cores' | 'memory_gb' | 'is_ahead'
>[];

export function createNodes({ db, all, first, run }: FogStore, trust: () => FogTrust): Nodes {
  const held = (nodeId?: string) => {
    const query = db
      .selectFrom('work')
      .select(['node_id', 'kind', 'program', 'cpu_cores', 'memory_gb', 'is_ahead'])
      .where('status', 'in', HELD);
    const rows = all(nodeId === undefined ? query : query.where('node_id', '=', nodeId));
    const byNode = new Map<string, typeof rows>();
    for (const row of rows) {
      const key = row.node_id ?? '';
      byNode.set(key, [...(byNode.get(key) ?? []), row]);
    }
    return byNode;
  };

  const counted = (row: Row): Belief =>
    believe(
      {
        nodeId: row.node_id,
        cpuCores: row.cpu_cores,
        memoryGb: row.memory_gb,
        delivered: row.delivered,
        lost: row.lost,
      },
      trust(),
    );
  const toNode = (row: Row, given: HeldRows): FogNode =>
    nodeOf(
      row,
      given.filter(({ is_ahead }) => is_ahead === 0),
    );
  const nodeOf = (row: Row, work: HeldRows): FogNode => ({
    nodeId: row.node_id,
    agent: row.agent,
    state: row.state,
    cpuCores: counted(row).cpuCores,
    memoryGb: counted(row).memoryGb,
    belief: counted(row).why,
    gpu: row.gpu === 1,
    priceMicro: row.price_micro,
    hasSandbox: row.sandbox === 1,
    programs: JSON.parse(row.programs) as string[],
    load: row.load,
    memoryFreeGb: row.memory_free_gb,
    latencyMs: row.latency_ms ?? undefined,
    usedCpuCores: coresOf(work),
    usedMemoryGb: memoryOf(work),
    shards: work.filter(({ kind }) => kind === 'shard').length,
    jobs: work.filter(({ kind }) => kind === 'job').length,
    joinedAt: row.joined_at,
    lastSeenAt: row.last_seen_at,
  });

  return {
    join(nodeId, offer, now) {
      const values = {
        agent: offer.agent,
        state: 'up' as const,
        cpu_cores: offer.cpuCores,
        memory_gb: offer.memoryGb,
        gpu: offer.gpu ? 1 : 0,
        price_micro: offer.priceMicro,
        sandbox: offer.hasSandbox ? 1 : 0,
        programs: JSON.stringify(offer.programs),
        joined_at: now,
        last_seen_at: now,
      };
      run(
        db
          .insertInto('nodes')
          .values({
            node_id: nodeId,
            ...values,
            load: 0,
            memory_free_gb: offer.memoryGb,
            latency_ms: null,
            delivered: 0,
            lost: 0,
          })
          .onConflict((c) => c.column('node_id').doUpdateSet(values)),
      );
    },
    pulse: (nodeId, pulse, now) =>
      run(
        db
          .updateTable('nodes')
          .set({
            load: pulse.load,
            memory_free_gb: pulse.memoryFreeGb,
            latency_ms: pulse.latencyMs ?? null,
            last_seen_at: now,
          })
          .where('node_id', '=', nodeId)
          .where('state', '=', 'up'),
      ) === 1,
    touch(nodeIds, now) {
      for (const nodeId of nodeIds) {
        run(db.updateTable('nodes').set({ last_seen_at: now }).where('node_id', '=', nodeId).where('state', '=', 'up'));
      }
    },
    backdate(nodeId, at) {
      run(
        db.updateTable('nodes').set({ last_seen_at: at }).where('node_id', '=', nodeId).where('last_seen_at', '>', at),
      );
    },
    leave(nodeId, state) {
      run(db.updateTable('nodes').set({ state }).where('node_id', '=', nodeId));
    },
    silentSince: (before) =>
      all(db.selectFrom('nodes').select('node_id').where('state', '=', 'up').where('last_seen_at', '<', before)).map(
        ({ node_id }) => node_id,
      ),
    list(states) {
      const work = held();
      const rows = all(db.selectFrom('nodes').selectAll().where('state', 'in', states).orderBy('node_id'));
      return rows.map((row) => toNode(row, work.get(row.node_id) ?? []));
    },
    get(nodeId) {
      const row = first(db.selectFrom('nodes').selectAll().where('node_id', '=', nodeId));
      return row && toNode(row, held(nodeId).get(nodeId) ?? []);
    },
    rooms(connected) {
      const work = held();
      const rows = all(db.selectFrom('nodes').selectAll().where('state', '=', 'up').orderBy('node_id'));
      return rows
        .filter(({ node_id }) => connected.has(node_id))
        .map((row) => roomOf(row, counted(row), work.get(row.node_id) ?? []));
    },
    stampOf(nodeId) {
      const rows = all(db.selectFrom('nodes').select(['node_id', 'state', 'joined_at', 'load']).orderBy('node_id'));
      const work = held(nodeId);
      return rows
        .filter((row) => nodeId === undefined || row.node_id === nodeId)
        .map(
          (row) =>
            `${row.node_id}:${row.state}:${row.joined_at}:${row.load.toFixed(1)}:${work.get(row.node_id)?.length ?? 0}`,
        )
        .join();
    },
  };
}

function roomOf(row: Row, { cpuCores, memoryGb }: Belief, work: HeldRows): Room {
  const holds = work.filter(({ is_ahead }) => is_ahead === 0);
  const jobs = holds.filter(({ kind }) => kind === 'job');
  const ahead = work.filter(({ is_ahead }) => is_ahead === 1);
  const groups = new Map<string, number>();
  for (const { program } of work) groups.set(program, (groups.get(program) ?? 0) + 1);
  return {
    nodeId: row.node_id,
    programs: new Set(JSON.parse(row.programs) as string[]),
    cpuCores,
    memoryGb,
    freeCpuCores: cpuCores - coresOf(holds),
    freeMemoryGb: memoryGb - memoryOf(holds),
    aheadCpuCores: coresOf(jobs) - coresOf(ahead),
    aheadMemoryGb: memoryOf(jobs) - memoryOf(ahead),
    gpu: row.gpu === 1,
    load: row.load,
    latencyMs: row.latency_ms ?? undefined,
    priceMicro: row.price_micro,
    groups,
  };
}

function coresOf(work: HeldRows): number {
  return work.reduce((total, { cpu_cores }) => total + cpu_cores, 0);
}

function memoryOf(work: HeldRows): number {
  return work.reduce((total, { memory_gb }) => total + memory_gb, 0);
}
