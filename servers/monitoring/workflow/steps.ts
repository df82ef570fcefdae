/** From records of the audit to the steps of a workflow. */
import type { Step } from './analyze.ts';
import type { AuditRecord } from './records.ts';

const ENDS = new Set(['call_finished', 'call_denied']);

export function stepsOf(records: readonly AuditRecord[]): Step[] {
  return records.flatMap((record): Step[] => {
    const { kind, callId, time, durationMs = 0 } = record;
    if (!ENDS.has(kind) || callId === undefined) return [];
    return [
      {
        callId,
        name: (record.tool ?? record.resource ?? record.prompt ?? record.method ?? 'unknown').slice(0, 300),
        server: record.server ?? null,
        agent: record.agent ?? '',
        startMs: time - durationMs,
        endMs: time,
        outcome: record.outcome ?? 'unknown',
        reason: record.reason ?? null,
        argsDigest: record.argsDigest ?? null,
      },
    ];
  });
}
