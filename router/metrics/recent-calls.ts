/**
 * Where the time of each of the last calls went, for whoever looks at one while it is fresh; the rest is in the audit. Columns
 * instead of objects: nothing is left for the garbage collector to carry along, so that a call pays next to nothing.
 */
import type { AuditOutcome } from '../audit/entry.ts';

export interface RecentCall {
  readonly callId: string;
  readonly agent: string;
  readonly server: string;
  readonly tool: string;
  readonly outcome: AuditOutcome;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly totalMs: number;
  /** Milliseconds of each step of the line, in the order of STEPS; NaN for those that it did not take. */
  readonly stepsMs: readonly number[];
}

/** As many as there are events. */
const CAPACITY = 5_000;

export class RecentCalls {
  private readonly steps: number;
  private readonly callIds: string[] = [];
  private readonly agents: string[] = [];
  private readonly servers: string[] = [];
  private readonly tools: string[] = [];
  private readonly outcomes: AuditOutcome[] = [];
  private readonly startedAtMs = new Float64Array(CAPACITY);
  private readonly totalMs = new Float64Array(CAPACITY);
  private readonly stepsMs: Float64Array;
  private count = 0;

  /** @param steps how many there are */
  constructor(steps: number) {
    this.steps = steps;
    this.stepsMs = new Float64Array(CAPACITY * steps);
  }

  add({ callId, agent, server, tool, outcome, startedAtMs, totalMs, stepsMs }: RecentCall): void {
    const at = this.count++ % CAPACITY;
    this.callIds[at] = callId;
    this.agents[at] = agent;
    this.servers[at] = server;
    this.tools[at] = tool;
    this.outcomes[at] = outcome;
    this.startedAtMs[at] = startedAtMs;
    this.totalMs[at] = totalMs;
    for (let step = 0; step < this.steps; step++) this.stepsMs[at * this.steps + step] = stepsMs[step]!;
  }

  /** The last ones that pass, newest first. */
  newest(limit: number, passes: (call: RecentCall) => boolean): RecentCall[] {
    const found: RecentCall[] = [];
    for (let n = this.count; n > Math.max(0, this.count - CAPACITY) && found.length < limit; n--) {
      const call = this.at((n - 1) % CAPACITY);
      if (passes(call)) found.push(call);
    }
    return found;
  }

  /** undefined when it is unknown, or too long ago. */
  find(callId: string): RecentCall | undefined {
    const at = this.callIds.indexOf(callId);
    return at < 0 ? undefined : this.at(at);
  }

  private at(at: number): RecentCall {
    return {
      callId: this.callIds[at]!,
      agent: this.agents[at]!,
      server: this.servers[at]!,
      tool: this.tools[at]!,
      outcome: this.outcomes[at]!,
      startedAtMs: this.startedAtMs[at]!,
      totalMs: this.totalMs[at]!,
      stepsMs: [...this.stepsMs.subarray(at * this.steps, (at + 1) * this.steps)],
    };
  }
}
