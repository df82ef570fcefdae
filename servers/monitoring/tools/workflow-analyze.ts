/** The tool `workflow_analyze` (O3). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MonitoringDeps } from '../deps.ts';
import { workflowOf, workflowSchema } from '../workflow/workflow.ts';

const time = z.iso.datetime({ offset: true }).max(40);

export function workflowAnalyze({ router }: MonitoringDeps): Tool {
  return defineTool({
    name: 'workflow_analyze',
    title: 'Analyse a workflow',
    description:
      'Shows where the time of a workflow went: its calls with their durations, the critical path through them, waits between them, ' +
      'retries, the slowest and the most failing steps, beside the same tools in the time before. Use it when a task of many calls was ' +
      'slow or failed. A workflow is all calls with the same _meta["io.aivillage/workflow"], or of one W3C trace. Without the right to ' +
      'search the audit you see your own calls only.',
    input: z.strictObject({
      workflow_id: z
        .string()
        .regex(/^[\w.:@/-]{1,128}$/)
        .max(128)
        .describe('As the calls named it, or a trace id of 32 hexadecimal digits'),
      time_range: z
        .strictObject({ since: time.optional(), until: time.optional() })
        .optional()
        .describe('ISO 8601; all of it by default'),
      include_metrics: z
        .boolean()
        .default(true)
        .describe('Figures of each tool, and the comparison with the time before'),
    }),
    output: workflowSchema,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ workflow_id, time_range, include_metrics }, { caller }) {
      const sinceMs = time_range?.since === undefined ? undefined : Date.parse(time_range.since);
      const untilMs = time_range?.until === undefined ? undefined : Date.parse(time_range.until);
      if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs)
        throw new AppError('INVALID_PARAMS', { text: 'time_range.since must lie before time_range.until' });
      return workflowOf(router, caller, { workflowId: workflow_id, sinceMs, untilMs, withMetrics: include_metrics });
    },
  });
}
