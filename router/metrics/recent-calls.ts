/** Where the time of each of the last calls went, in a ring in memory: for whoever looks at one call while it is fresh. The rest is in the audit. */
import type { AuditOutcome } from '../audit/entry.ts';
import type { Step } from './figures.ts';

export interface RecentCall {
  readonly callId: string;
  readonly agent: string;
  readonly server: string;
  readonly tool: string;
  readonly outcome: AuditOutcome;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly totalMs: number;
  /** Those that it took, in their order. */
  readonly steps: readonly StepTaken[];
}

export interface StepTaken {
  readonly step: Step;
  readonly ms: number;
}

/** As many as there are events. */
const CAPACITY = 5_000;

export class RecentCalls {
  private readonly ring: RecentCall[] = [];
  private count = 0;

  add(call: RecentCall): void {
    this.ring[this.count++ % CAPACITY] = call;
  }

  /** The last ones that pass, newest first. */
  newest(limit: number, passes: (call: RecentCall) => boolean): RecentCall[] {
    const found: RecentCall[] = [];
    for (let n = this.count; n > Math.max(0, this.count - CAPACITY) && found.length < limit; n--) {
      const call = this.ring[(n - 1) % CAPACITY]!;
      if (passes(call)) found.push(call);
    }
    return found;
  }

  /** undefined when it is unknown, or too long ago. */
  find(callId: string): RecentCall | undefined {
    return this.ring.find((call) => call.callId === callId);
  }
}
