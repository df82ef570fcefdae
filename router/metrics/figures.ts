/**
 * What the line counts of each call, as plain numbers in arrays: nothing here prints, waits or grows without bound.
 * metrics/families.ts turns it into Prometheus families when somebody asks.
 */
import { Durations } from '../../shared/metrics/durations.ts';
import type { AuditOutcome } from '../audit/entry.ts';
import { AUDIT_OUTCOMES } from '../audit/entry.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';

/** The stretches of one call, in their order. */
export const STEPS = ['admit', 'governance', 'record_start', 'upstream', 'record_end'] as const;
export type Step = (typeof STEPS)[number];

/** Pairs of server and tool that are counted by name; what comes beyond is counted as `other`. */
const MAX_TOOLS = 1_000;
const OTHER = 'other';
/** Calls that named nothing that there is. */
const NOTHING = '';
const OUTCOME_AT = new Map<AuditOutcome, number>(AUDIT_OUTCOMES.map((outcome, index) => [outcome, index]));

export interface CallCount {
  readonly server: string;
  readonly tool: string;
  readonly outcome: AuditOutcome;
  readonly count: number;
}

export class Figures {
  readonly steps: Readonly<Record<Step, Durations>> = {
    admit: new Durations(),
    governance: new Durations(),
    record_start: new Durations(),
    upstream: new Durations(),
    record_end: new Durations(),
  };
  /** Whole calls by server. */
  readonly calls = new Map<string, Durations>();
  /** Messages from clients by kind. */
  readonly messages = { request: 0, notification: 0, answer: 0 };
  /** Refusals and failures by `data.reason`; the reasons are those of shared/errors.ts. */
  readonly errors = new Map<string, number>();
  /** When the certificate of our own door ends, in seconds since the epoch; undefined without one. */
  certificateEndsAt: number | undefined;
  private readonly counts = new Map<string, Map<string, Float64Array>>();
  private tools = 0;

  /** A call has this step behind it. */
  passed(call: Call, step: Step): void {
    const now = performance.now();
    this.steps[step].observe(now - call.steppedAt);
    call.span?.step(step, call.steppedAt, now);
    call.steppedAt = now;
  }

  /**
   * A call is over, whatever became of it.
   * @returns how long it took, in milliseconds
   */
  ended(call: Call, entry: Entry | undefined): number {
    const durationMs = performance.now() - call.startedAt;
    const server = entry?.server.id ?? NOTHING;
    const durations = this.calls.get(server) ?? new Durations();
    if (durations.count === 0) this.calls.set(server, durations);
    durations.observe(durationMs);
    this.countsOf(server, nameOf(call, entry))[OUTCOME_AT.get(call.outcome ?? 'ok')!]!++;
    return durationMs;
  }

  failed(reason: string): void {
    this.errors.set(reason, (this.errors.get(reason) ?? 0) + 1);
  }

  *callCounts(): Iterable<CallCount> {
    for (const [server, tools] of this.counts) {
      for (const [tool, counts] of tools) {
        for (const [index, outcome] of AUDIT_OUTCOMES.entries()) {
          const count = counts[index]!;
          if (count > 0) yield { server, tool, outcome, count };
        }
      }
    }
  }

  private countsOf(server: string, tool: string): Float64Array {
    const tools = this.counts.get(server);
    const known = tools?.get(tool);
    if (known !== undefined) return known;
    if (this.tools >= MAX_TOOLS && (server !== OTHER || tool !== OTHER)) return this.countsOf(OTHER, OTHER);
    this.tools++;
    const counts = new Float64Array(AUDIT_OUTCOMES.length);
    if (tools === undefined) this.counts.set(server, new Map([[tool, counts]]));
    else tools.set(tool, counts);
    return counts;
  }
}

/** Names come from what servers list, never from what a client wrote; resources and prompts count by their method. */
function nameOf(call: Call, entry: Entry | undefined): string {
  if (entry === undefined) return NOTHING;
  return entry.target.kind === 'tool' ? entry.target.listedName : call.message.method;
}
