/** What one run may use, and how it ended. Knows no process. */
import type { Program } from '../../../shared/fog-rules.ts';
import type { Outcome } from '../work/metering.ts';

export interface RunLimits {
  /** With `wallSeconds` the processor time that all of its processes may use together. */
  readonly cpuCores: number;
  /** Resident memory of all of its processes together. */
  readonly memoryGb: number;
  /** 0 = without end; then processor time has none either. */
  readonly wallSeconds: number;
  /** What it may print, both streams together; a shard's is not limited, its last lines are kept. */
  readonly outputBytes: number;
  /** Processes and threads at once. */
  readonly processes: number;
  /** Its working folder and /tmp, each; and the longest file. */
  readonly diskBytes: number;
}

export interface RunSpec {
  /** Unique on this node: work id and fence. */
  readonly runId: string;
  readonly kind: 'job' | 'shard';
  readonly program: Program;
  /** After the program's own. */
  readonly args: readonly string[];
  /** Shows it the machine's GPUs, which a sandbox else hides. */
  readonly gpu: boolean;
  readonly limits: RunLimits;
}

export interface RunEnd {
  readonly outcome: Outcome;
  readonly exitCode: number | undefined;
  /** In words. */
  readonly detail: string;
  readonly cpuMs: number;
  /** Megabytes that were set aside for it, times milliseconds. */
  readonly mbMs: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly isTruncated: boolean;
}

export const DEFAULT_LIMITS = {
  outputBytes: 256 * 1024,
  processes: 64,
  diskBytes: 64 * 1024 * 1024,
} as const;

/** Of what never ran, or of which nothing more is known. */
export function endWithout(outcome: Outcome, detail: string): RunEnd {
  const nothing = { cpuMs: 0, mbMs: 0, stdout: '', stderr: '', isTruncated: false };
  return { outcome, exitCode: undefined, detail, ...nothing };
}
