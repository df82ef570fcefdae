/** The tool `governance_policy` (G7). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { GovernanceDeps } from '../deps.ts';
import { BOUNDS } from '../events.ts';
import { policySchema, policyValueSchema, toPolicyView } from '../view.ts';

/** Its definition does not depend on `policies`, so that actions can be bound to it before there are any. */
export function governancePolicy({ policies }: Pick<GovernanceDeps, 'policies'>): Tool {
  return defineTool({
    name: 'governance_policy',
    title: 'Set a policy',
    description:
      'Sets a policy of the village, such as knowledge.retention_days (1 to 3650), which the servers then follow. It takes ' +
      'effect as the action of an approved proposal: name it in governance_proposal. Callers of EMERGENCY level may set one ' +
      'at once with a justification. Policies and their values are in governance_status and governance://policies.',
    input: z.strictObject({
      policy: z.string().min(1).max(BOUNDS.toolName).describe('Its name, such as knowledge.retention_days'),
      value: policyValueSchema.describe('The new value'),
      justification: z
        .string()
        .trim()
        .min(1)
        .max(BOUNDS.reasoning)
        .optional()
        .describe('EMERGENCY level only: why no vote is awaited'),
    }),
    output: policySchema,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async handler({ policy, value, justification }, { caller }) {
      return toPolicyView(
        justification === undefined
          ? policies.setByApproval(caller.agentId, policy, value)
          : policies.setByEmergency(caller, policy, value, justification),
      );
    },
  });
}
