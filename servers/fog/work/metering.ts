/**
 * The seam between work and money: what a piece of work used, told once when its outcome counts, and what may be locked for it
 * before it is taken. Work knows no balance; money knows no process.
 */

/** How a run ended. Only the outcome that counts is metered; a late one with an old fencing number never is. */
export type Outcome = 'succeeded' | 'failed' | 'cancelled' | 'limit_exceeded' | 'lost';

/** What one run on one node used, as that node measured it. */
export interface Metering {
  /** Idempotency key, unique for each run: `run:<work id>:<fence>`. For a shard that lives on, `…:<part>` counts its parts and `…:end` is the last. */
  readonly key: string;
  readonly kind: 'job' | 'shard';
  /** Unique for ever; the `job_id` of a job. */
  readonly workId: string;
  /** What people call it: `job_id` or `shard_id`. */
  readonly label: string;
  /** Peer id of the node. */
  readonly nodeId: string;
  /** The agent that the node works for: who is rewarded. */
  readonly nodeAgent: string;
  /** The agent that ordered the work: who pays. */
  readonly agent: string;
  /** Processor time, all processes of the run together; whole milliseconds. */
  readonly cpuMs: number;
  /** Memory held times time: whole megabyte-milliseconds; one GB-hour is 3,600,000 × 1,024 of them. */
  readonly mbMs: number;
  readonly outcome: Outcome;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What is to be paid at most for a piece of work. */
export interface Order {
  readonly workId: string;
  readonly agent: string;
  /** In micro-FOG; undefined when the caller named none. */
  readonly maxPriceMicro: number | undefined;
  readonly cpuCores: number;
  readonly memoryGb: number;
  readonly wallSeconds: number;
}

/**
 * What work asks of money. All three are synchronous and run inside the transaction of fog.db that stores the order or the
 * outcome, so that work and money are stored together or not at all.
 */
export interface Rewards {
  /** Before an order is stored. @throws AppError when the agent cannot pay what it offers; then nothing is stored */
  reserve(order: Order): void;
  /** For each outcome that counts. Idempotent by `metering.key`; must not throw for what cannot be paid. */
  record(metering: Metering): void;
  /** No more of this work will run: what is still locked for it goes back. Idempotent. */
  release(workId: string): void;
}

/** Without a ledger work is free. */
export const FREE_OF_CHARGE: Rewards = { reserve() {}, record() {}, release() {} };
