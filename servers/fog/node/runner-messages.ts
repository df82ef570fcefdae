/** What a node's agent and the process that runs its runs say to each other. Shapes only; both are of this program. */
import type { Outcome } from '../work/metering.ts';
import type { Containment } from './containment.ts';
import type { RunEnd, RunSpec } from './limits.ts';

export type ToRunner =
  | { readonly type: 'prepare'; readonly spec: RunSpec }
  /** Of one that was prepared. */
  | { readonly type: 'start'; readonly runId: string }
  | { readonly type: 'stop'; readonly runId: string; readonly outcome: Outcome; readonly detail: string }
  /** Ends all of them and then itself. */
  | { readonly type: 'close' };

export type FromRunner =
  | { readonly type: 'ready'; readonly containment: Containment }
  /** It is made, and waits for its start. */
  | { readonly type: 'prepared'; readonly runId: string }
  /** Nothing was made; `detail` is fit for the orderer. */
  | { readonly type: 'refused'; readonly runId: string; readonly detail: string }
  /** Of those that live, a few times a second. */
  | { readonly type: 'looked'; readonly runs: readonly RunLook[] }
  | { readonly type: 'ended'; readonly runId: string; readonly end: RunEnd };

export interface RunLook {
  readonly runId: string;
  readonly cpuMs: number;
  readonly mbMs: number;
  readonly progress: number | undefined;
  /** Of a shard: what it printed last. */
  readonly tail: string | undefined;
}
