/** The tool `king_override_vote` (G3). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { GovernanceDeps } from '../deps.ts';
import { BOUNDS } from '../events.ts';
import { finalResult, finalResultSchema, idSchema, proposalStatus, proposalStatusSchema } from '../view.ts';

export function kingOverrideVote({ decisions }: GovernanceDeps): Tool {
  return defineTool({
    name: 'king_override_vote',
    title: 'Override a vote',
    description:
      'Decides an open proposal alone and at once, for callers of EMERGENCY level, when the vote cannot be awaited. The ' +
      'justification is kept and shown. It never decides a proposal of your own. An approved action then runs by itself.',
    input: z.strictObject({
      proposal_id: idSchema.describe('An open proposal, from governance_status'),
      decision: z.enum(['approve', 'reject']),
      justification: z.string().trim().min(1).max(BOUNDS.reasoning).describe('Why the vote is not awaited'),
    }),
    output: z.object({ proposal_status: proposalStatusSchema, final_result: finalResultSchema }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    async handler({ proposal_id, decision, justification }, { caller }) {
      const proposal = decisions.override(caller, proposal_id, decision, justification);
      return { proposal_status: proposalStatus(proposal), final_result: finalResult(proposal) };
    },
  });
}
