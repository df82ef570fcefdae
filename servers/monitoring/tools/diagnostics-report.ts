/** The tool `diagnostics_report` (O7). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MonitoringDeps } from '../deps.ts';
import { summarize } from '../diagnostics/report.ts';
import { timeSchema } from '../figures.ts';
import { seesAllCalls } from '../rights.ts';
import { iso } from '../view.ts';
import { readRecords } from '../workflow/records.ts';

const MOST_RECORDS = 20_000;
const name = z.string().max(300);
const count = z.int().min(0).max(1e15);
const ms = z.number().min(0).max(1e13);
const counts = z.array(z.object({ kind: name, count })).max(200);

export function diagnosticsReport({ router, collector, nowMs }: MonitoringDeps): Tool {
  return defineTool({
    name: 'diagnostics_report',
    title: 'Diagnostics report',
    description:
      'Sums up what passed through the router: messages by kind, protocol violations and errors by reason, open connections, and for the ' +
      'last minutes the calls, failures and refusals of each client and each tool. Use it to see who has trouble with what. Without the ' +
      'right to search the audit you see your own calls only.',
    input: z.strictObject({
      minutes: z
        .int()
        .min(1)
        .max(1_440)
        .default(60)
        .describe('Of the calls; the other counts are since the router started'),
      top: z
        .int()
        .min(1)
        .max(100)
        .default(20)
        .describe('How many clients, tools and errors, those with the most trouble first'),
    }),
    output: z.object({
      since: timeSchema,
      messages: counts,
      violations: counts.describe('Messages that broke the protocol, by reason'),
      errors: counts.describe('Every error that was answered, by reason'),
      connections: counts.describe('Open sessions by door'),
      calls: z.object({ total: count, failed: count, denied: count }),
      clients: z
        .array(z.object({ agent: name, calls: count, failed: count, denied: count, last_at: timeSchema }))
        .max(100),
      tools: z
        .array(
          z.object({
            tool: name,
            server: name.nullable(),
            calls: count,
            failed: count,
            denied: count,
            median_ms: ms,
            p95_ms: ms,
          }),
        )
        .max(100),
      failures: z
        .array(z.object({ tool: name, outcome: name, reason: name.nullable(), count, last_at: timeSchema }))
        .max(100),
      notes: z.array(z.string().max(300)).max(8),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ minutes, top }, { caller }) {
      const sinceMs = nowMs() - minutes * 60_000;
      const notes: string[] = [];
      const all = seesAllCalls(caller);
      if (!all) notes.push('calls: only your own are counted');
      if (router === undefined) {
        notes.push('this server runs without a router: there is nothing to report');
        return { since: iso(sinceMs), ...summarize([], undefined, top), notes };
      }
      const filter = { since: iso(sinceMs), ...(all ? {} : { agent: caller.agentId }) };
      const { records, isWhole } = await readRecords(router, filter, MOST_RECORDS);
      if (!isWhole) notes.push(`calls: only those in the newest ${MOST_RECORDS} records are counted`);
      if (collector.router === undefined)
        notes.push(collector.routerProblem ?? 'the metrics of the router were not read yet');
      return { since: iso(sinceMs), ...summarize(records, collector.router, top), notes };
    },
  });
}
