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
  toCurrent,
  toPoint,
} from '../figures.ts';
import { thin } from '../history.ts';
import { HISTORY_MINUTES, SAMPLE_INTERVAL_MS } from '../sampler.ts';

const MAX_POINTS = (HISTORY_MINUTES * 60_000) / SAMPLE_INTERVAL_MS + 1;

export function systemPerformance({ sampler, nowMs }: MonitoringDeps): Tool {
  return defineTool({
    name: 'system_performance',
    title: 'System performance',
    description:
      'Measures CPU, memory, disk and network of the machine that this server runs on, now and over the last minutes. Use it ' +
      'to see whether a machine has room for more work, or why it is slow; for what is wrong and what to do, use ' +
      'system_diagnostics. Returns `current`, `history` (oldest first, begins with the first call), and `notes` on figures ' +
      'that this machine does not give: those are null.',
    input: z.strictObject({
      metrics: z
        .array(metricSchema)
        .min(1)
        .max(METRICS.length)
        .optional()
        .describe('What to measure; all four by default'),
      interval: z.int().min(5).max(3_600).default(5).describe('Seconds between two points of the history'),
      history_minutes: z
        .int()
        .min(0)
        .max(HISTORY_MINUTES)
        .default(10)
        .describe('How far the history goes back; 0 for none'),
    }),
    output: z.object({
      current: currentSchema,
      history: z.array(pointSchema).max(MAX_POINTS),
      notes: notesSchema,
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ metrics, interval, history_minutes }) {
      const asked = [...new Set(metrics ?? METRICS)];
      const sample = await sampler.current();
      const past = sampler.history.since(nowMs() - history_minutes * 60_000);
      return {
        current: toCurrent(sample, asked),
        history:
          history_minutes === 0
            ? []
            : thin(past, interval * 1_000)
                .map((one) => toPoint(one, asked))
                .slice(-MAX_POINTS),
        notes: notesOn(sample, asked),
      };
    },
  });
}
