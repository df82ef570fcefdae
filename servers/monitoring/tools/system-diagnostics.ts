/** The tool `system_diagnostics` (O2). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { MonitoringDeps } from '../deps.ts';
import { COMPONENTS, dated, STATUSES, worst } from '../diagnostics/check.ts';
import { runChecks } from '../diagnostics/checks.ts';
import { timeSchema } from '../figures.ts';
import { iso } from '../view.ts';

const MAX_CHECKS = 1_000;

export function systemDiagnostics(deps: MonitoringDeps): Tool {
  return defineTool({
    name: 'system_diagnostics',
    title: 'System diagnostics',
    description:
      'Checks the machine, the network, every server, stores, queues, certificates, the audit, security and alerts. Use it first when ' +
      'something does not work. Returns the worst status, and for each check what was found, since when, and what to do about it.',
    input: z.strictObject({
      components: z
        .array(z.enum(['all', ...COMPONENTS]))
        .min(1)
        .max(COMPONENTS.length + 1)
        .default(['all'])
        .describe('What to check'),
      level: z
        .enum(['basic', 'full'])
        .default('basic')
        .describe('full also checks what takes longer, such as whole files'),
    }),
    output: z.object({
      status: z.enum(STATUSES),
      checks: z
        .array(
          z.object({
            component: z.enum(COMPONENTS),
            part: z.string().max(400),
            status: z.enum(STATUSES),
            since: timeSchema,
            finding: z.string().max(1_000),
            remedy: z.string().max(500).nullable(),
          }),
        )
        .max(MAX_CHECKS),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ components, level }) {
      const asked = components.includes('all') ? COMPONENTS : COMPONENTS.filter((each) => components.includes(each));
      const checks = await dated(deps.store, await runChecks(deps, asked, level), deps.nowMs());
      return {
        status: worst(checks),
        checks: checks.slice(0, MAX_CHECKS).map(({ component, part, status, sinceMs, finding, remedy }) => ({
          component,
          part: part.slice(0, 400),
          status,
          since: iso(sinceMs),
          finding: finding.slice(0, 1_000),
          remedy,
        })),
      };
    },
  });
}
