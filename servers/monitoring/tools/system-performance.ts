/** The tool `system_performance` (O1). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MonitoringDeps } from '../deps.ts';
import {
  currentSchema,
  METRICS,
  metricSchema,
  notesOn,
  notesSchema,
  pointSchema,
  seriesOf,
  toCurrent,
  toPoint,
} from '../figures.ts';
import { LONGEST_MINUTES, MAX_ROWS } from '../series.ts';

export function systemPerformance({ sampler, collector, series, nowMs }: MonitoringDeps): Tool {
  return defineTool({
    name: 'system_performance',
    title: 'System performance',
    description:
      'Measures CPU, memory, disk and network of the machine that this server runs on, and the processes of the village, now and over ' +
      'up to a year. Use it to see whether a machine has room for more work, or why it is slow; for what is wrong and what to do, use ' +
      'system_diagnostics. Returns `current`, `history` (oldest first: means over `interval`), and `notes` on figures that this ' +
      'machine does not give: those are null.',
    input: z.strictObject({
      metrics: z.array(metricSchema).min(1).max(METRICS.length).optional().describe('What to measure; all by default'),
      interval: z
        .int()
        .min(5)
        .max(86_400)
        .default(5)
        .describe(
          'Seconds between two points of the history; made longer where so many points are not kept or would be too many',
        ),
      history_minutes: z
        .int()
        .min(0)
        .max(LONGEST_MINUTES)
        .default(10)
        .describe(
          'How far the history goes back; 0 for none. Kept: an hour in full, a week in minutes, a year in hours',
        ),
    }),
    output: z.object({
      current: currentSchema,
      history: z.array(pointSchema).max(MAX_ROWS + 2),
      resolution: z.enum(['raw', 'minutes', 'hours']).describe('From what the history was made'),
      interval_seconds: z.number().min(0).max(1e8).describe('Of the points of the history'),
      notes: notesSchema,
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ metrics, interval, history_minutes }) {
      const asked = [...new Set(metrics ?? METRICS)];
      const sample = await sampler.current();
      const now = nowMs();
      const past = await series.read(
        history_minutes === 0 ? [] : seriesOf(asked, series.names()),
        now - history_minutes * 60_000,
        now,
        interval * 1_000,
      );
      const notes = notesOn(sample, asked, collector.processes);
      if (past.intervalMs > interval * 1_000)
        notes.push(
          `history: points are ${past.intervalMs / 1_000} seconds apart, the closest that is kept so far back`,
        );
      return {
        current: toCurrent(sample, asked, collector.processes),
        history: past.rows.map((row) => toPoint(row, asked)),
        resolution: past.resolution,
        interval_seconds: past.intervalMs / 1_000,
        notes,
      };
    },
  });
}
