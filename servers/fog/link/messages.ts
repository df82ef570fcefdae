/**
 * What server and node say to each other, once it is known who speaks: shapes and bounds of every message of version 1. Both
 * sides refuse what does not fit and end the link.
 */
import { z } from 'zod';

export const VERSION = 1;

const workId = z.string().min(1).max(100);
const fence = z
  .int()
  .min(1)
  .max(2 ** 31);
const run = { work_id: workId, fence };
const text = z.string().max(2_000);
const output = z.string().max(1_048_576);
const milliseconds = z.number().min(0).max(1e15);
const cores = z.number().min(0).max(4_096);
const gigabytes = z.number().min(0).max(65_536);
const program = z
  .string()
  .regex(/^(command|agent):[a-z][a-z0-9_-]{0,47}$/)
  .max(60);

const outcomeSchema = z.enum(['succeeded', 'failed', 'cancelled', 'limit_exceeded', 'lost']);
const used = { cpu_ms: milliseconds, mb_ms: milliseconds };

/** Of runs that a node holds. */
const held = z.strictObject(run);

const join = z.strictObject({
  type: z.literal('join'),
  agent: z.string().min(1).max(256),
  cpu_cores: cores,
  memory_gb: gigabytes,
  gpu: z.boolean(),
  price_micro: z.int().min(0).max(1e12),
  has_sandbox: z.boolean(),
  programs: z.array(program).max(2_000),
  /** Also those that ended, as long as the server did not take their result. */
  runs: z.array(held).max(10_000),
});

const beat = z.strictObject({
  type: z.literal('beat'),
  number: z.int().min(1).max(1e12),
  load: z.number().min(0).max(1),
  memory_free_gb: gigabytes,
  /** Of the last beat, there and back. */
  round_trip_ms: milliseconds.optional(),
  runs: z
    .array(
      z.strictObject({
        ...run,
        ...used,
        progress: z.number().min(0).max(1).optional(),
        /** Of a shard: what it printed last, when it is news. */
        log_tail: z.string().max(20_000).optional(),
      }),
    )
    .max(10_000),
});

const started = z.strictObject({ type: z.literal('started'), ...run });
const finished = z.strictObject({
  type: z.literal('finished'),
  ...run,
  ...used,
  outcome: outcomeSchema,
  exit_code: z.int().min(-1).max(1_000).optional(),
  detail: text,
  stdout: output,
  stderr: output,
  is_truncated: z.boolean(),
});
/** The answer to a recall, when the run had not started: it never will. */
const returned = z.strictObject({ type: z.literal('returned'), ...run });
const leave = z.strictObject({ type: z.literal('leave') });

export const fromNode = z.discriminatedUnion('type', [join, beat, started, finished, returned, leave]);
export type FromNode = z.output<typeof fromNode>;

const joined = z.strictObject({
  type: z.literal('joined'),
  beat_every_ms: milliseconds,
  /** A node that heard nothing for so long ends its work: others have it by then. */
  orphan_after_ms: milliseconds,
  /** What the node holds and must end: others have it, or it is not wanted any more. */
  drop: z.array(held).max(10_000),
  /** Where the village's peers are, for those who look for nodes. */
  peers: z.array(z.string().max(500)).max(20),
});
const beaten = z.strictObject({
  type: z.literal('beaten'),
  number: z.int().min(1).max(1e12),
  drop: z.array(held).max(10_000),
});
const runOrder = z.strictObject({
  type: z.literal('run'),
  ...run,
  kind: z.enum(['job', 'shard']),
  program,
  args: z.array(z.string().max(8_192)).max(256),
  label: z.string().max(200),
  cpu_cores: cores,
  memory_gb: gigabytes,
  gpu: z.boolean(),
  wall_seconds: z.int().min(0).max(31_536_000),
});
const stop = z.strictObject({ type: z.literal('stop'), ...run, detail: text });
/** Wants a run back that waits for room; a node that has started it says nothing. */
const recall = z.strictObject({ type: z.literal('recall'), ...run });
/** The result was taken, or will never be: it need not be told again. */
const taken = z.strictObject({ type: z.literal('taken'), ...run, counted: z.boolean() });
const refused = z.strictObject({ type: z.literal('refused'), why: text });

export const fromServer = z.discriminatedUnion('type', [joined, beaten, runOrder, stop, recall, taken, refused]);
export type FromServer = z.output<typeof fromServer>;
export type RunOrder = z.output<typeof runOrder>;
