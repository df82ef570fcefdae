/** How nodes and work look from outside: schemas of arguments and results with their bounds, snake_case, and the one way each is printed. */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { PROGRAM_NAME } from '../../../shared/fog-rules.ts';
import type { Caller } from '../../../shared/identity/caller.ts';
import { LEVELS } from '../../../shared/identity/levels.ts';
import type { WorkDeps } from '../deps.ts';
import type { WorkKind } from '../store/work-tables.ts';
import type { FogNode, Nodes } from './nodes.ts';
import { couldTake, whyNowhere } from './placement.ts';
import { needsOf, type WorkRow } from './work-reads.ts';

export const MOST = {
  cores: 4_096,
  memoryGb: 65_536,
  seconds: 86_400,
  args: 256,
  argument: 8_192,
  list: 1_000,
  count: 1e15,
  text: 2_000,
  output: 1_048_576,
} as const;

export const programName = z.string().regex(PROGRAM_NAME, 'expected small letters, digits, _ or -').max(48);
export const shardId = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,99}$/, 'expected letters, digits, ., _ or -, beginning with a letter or digit')
  .max(100);
export const jobId = z.uuid().max(36);
export const nodeId = z
  .string()
  .regex(/^[1-9A-HJ-NP-Za-km-z]+$/, 'expected a peer id')
  .max(60);
export const cpuCores = z.number().min(0.01).max(MOST.cores);
export const memoryGb = z.number().min(0.01).max(MOST.memoryGb);

const LEVEL_NAMES = { low: 2, normal: 5, high: 8, critical: 10 } as const;
/** 1 to 10, or a word for one of them. */
export const priority = z.union([z.int().min(1).max(10), z.enum(['low', 'normal', 'high', 'critical'])]);
export const toPriority = (given: z.output<typeof priority>): number =>
  typeof given === 'number' ? given : LEVEL_NAMES[given];

const time = z.iso.datetime().max(40);
const count = z.number().min(0).max(MOST.count);
const share = z.number().min(0).max(1);
const words = z.string().max(MOST.text);

export const statusSchema = z.enum([
  'queued',
  'placed',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'limit_exceeded',
  'lost',
  'stopped',
]);

export const nodeSchema = z.object({
  node_id: z.string().max(60),
  agent: z.string().max(256),
  state: z.enum(['up', 'lost', 'left']),
  cpu_cores: z.number().min(0).max(MOST.cores),
  memory_gb: z.number().min(0).max(MOST.memoryGb),
  /** Why less counts than the node says of itself; empty when all of it does. */
  belief: words,
  gpu: z.boolean(),
  used: z.object({
    cpu_cores: z.number().min(0).max(MOST.count),
    memory_gb: z.number().min(0).max(MOST.count),
    shards: count,
    jobs: count,
  }),
  measured: z.object({
    load: share,
    memory_free_gb: z.number().min(0).max(MOST.memoryGb),
    latency_ms: count.nullable(),
  }),
  sandbox: z.boolean(),
  /** FOG for a CPU-second. */
  price: z.number().min(0).max(MOST.count),
  commands: z.array(z.string().max(60)).max(MOST.list),
  agent_types: z.array(z.string().max(60)).max(MOST.list),
  joined_at: time,
  last_seen_at: time,
});

export const runsSchema = z
  .array(
    z.object({
      number: z.int().min(1).max(1e12),
      node_id: z.string().max(60),
      granted_at: time,
      ended_at: time.nullable(),
      ending: z.string().max(40).nullable(),
    }),
  )
  .max(MOST.list);

const common = {
  status: statusSchema,
  /** Why it waits or how it ended. */
  detail: words,
  node_id: z.string().max(60).nullable(),
  agent: z.string().max(256),
  cpu_cores: z.number().min(0).max(MOST.cores),
  memory_gb: z.number().min(0).max(MOST.memoryGb),
  priority: z.int().min(1).max(10),
  cpu_seconds: count,
  gb_hours: count,
  created_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
  runs: runsSchema,
};

export const jobSchema = z.object({
  job_id: z.string().max(36),
  command: z.string().max(60),
  args: z.array(z.string().max(MOST.argument)).max(MOST.args),
  wall_seconds: z.int().min(0).max(MOST.seconds),
  progress: share.nullable(),
  exit_code: z.int().min(-1).max(1_000).nullable(),
  ...common,
});

export const shardSchema = z.object({
  shard_id: z.string().max(100),
  agent_type: z.string().max(60),
  /** What it printed last. */
  log_tail: z.string().max(20_000),
  ...common,
});

export function toNodeView(node: FogNode): z.input<typeof nodeSchema> {
  const named = (kind: string) =>
    node.programs
      .filter((program) => program.startsWith(`${kind}:`))
      .map((program) => program.slice(kind.length + 1))
      .slice(0, MOST.list);
  return {
    node_id: node.nodeId,
    agent: node.agent,
    state: node.state,
    cpu_cores: node.cpuCores,
    memory_gb: node.memoryGb,
    belief: node.belief ?? '',
    gpu: node.gpu,
    used: {
      cpu_cores: rounded(node.usedCpuCores),
      memory_gb: rounded(node.usedMemoryGb),
      shards: node.shards,
      jobs: node.jobs,
    },
    measured: {
      load: rounded(node.load),
      memory_free_gb: node.memoryFreeGb,
      latency_ms: node.latencyMs === undefined ? null : rounded(node.latencyMs),
    },
    sandbox: node.hasSandbox,
    price: node.priceMicro / 1e6,
    commands: named('command'),
    agent_types: named('agent'),
    joined_at: isoTime(node.joinedAt),
    last_seen_at: isoTime(node.lastSeenAt),
  };
}

function toCommonView(row: WorkRow, { work, nodes }: Pick<WorkDeps, 'work' | 'nodes'>) {
  return {
    status: row.status,
    detail: detailOf(row, nodes).slice(0, MOST.text),
    node_id: row.node_id,
    agent: row.agent,
    cpu_cores: row.cpu_cores,
    memory_gb: row.memory_gb,
    priority: row.priority,
    cpu_seconds: row.cpu_ms / 1_000,
    gb_hours: row.mb_ms / (3_600_000 * 1_024),
    created_at: isoTime(row.created_at),
    started_at: isoTimeOrNull(row.started_at),
    finished_at: isoTimeOrNull(row.finished_at),
    runs: work
      .runs(row.work_id)
      .slice(-MOST.list)
      .map(({ fence, node_id, granted_at, ended_at, ending }) => ({
        number: fence,
        node_id,
        granted_at: isoTime(granted_at),
        ended_at: isoTimeOrNull(ended_at),
        ending,
      })),
  };
}

export function toJobView(row: WorkRow, deps: Pick<WorkDeps, 'work' | 'nodes'>): z.input<typeof jobSchema> {
  return {
    job_id: row.work_id,
    command: row.program.split(':')[1] ?? '',
    args: JSON.parse(row.args) as string[],
    wall_seconds: row.wall_seconds,
    progress: row.progress,
    exit_code: row.exit_code,
    ...toCommonView(row, deps),
  };
}

export function toShardView(
  row: WorkRow,
  deps: Pick<WorkDeps, 'work' | 'nodes'>,
  tail: string,
): z.input<typeof shardSchema> {
  return {
    shard_id: row.label,
    agent_type: row.program.split(':')[1] ?? '',
    log_tail: tail,
    ...toCommonView(row, deps),
  };
}

/** How it ended, or what keeps it from every node now. */
export function detailOf(row: WorkRow, nodes: Pick<Nodes, 'list' | 'rooms'>): string {
  if (row.status !== 'queued') return row.detail;
  const up = new Set(nodes.list(['up']).map(({ nodeId: id }) => id));
  const why = whyNowhere(needsOf(row), nodes.rooms(up));
  return row.detail === '' ? why : `${row.detail}; ${why}`;
}

/** Whether no node that is up could take it even if it were empty. */
export function isHopeless(row: WorkRow, nodes: Pick<Nodes, 'list' | 'rooms'>): boolean {
  const up = new Set(nodes.list(['up']).map(({ nodeId: id }) => id));
  return !nodes.rooms(up).some((offer) => couldTake(needsOf(row), offer));
}

/** Whoever ordered it, and level GOVERNANCE. */
export function mayManage(caller: Caller, row: WorkRow): boolean {
  return row.agent === caller.agentId || caller.level >= LEVELS.GOVERNANCE;
}

/** What is another's and what is not there are one answer. */
export function noSuch(kind: WorkKind): AppError {
  const [name, tool] = kind === 'job' ? ['job_id', 'fog_job_status'] : ['shard_id', 'fog_shards'];
  return new AppError('INVALID_PARAMS', {
    text: `No ${kind} of yours has this ${name}; ${tool} lists those that you have`,
  });
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

export function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
