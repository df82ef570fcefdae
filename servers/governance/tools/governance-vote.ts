/** The tool `governance_vote` (G2). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { GovernanceDeps } from '../deps.ts';
import { BOUNDS } from '../events.ts';
import { tally } from '../proposal.ts';
import {
  finalResult,
  finalResultSchema,
  idSchema,
  proposalStatus,
  proposalStatusSchema,
  votesNeeded,
} from '../view.ts';

export function governanceVote({ decisions }: GovernanceDeps): Tool {
  return defineTool({
    name: 'governance_vote',
    title: 'Vote on a proposal',
    description:
      'Approves or rejects a proposal in your own name. Read it first with governance_status or the prompt review_proposal. ' +
      'You may change your vote until the decision, which falls as soon as no vote can change it; then an approved action ' +
      'runs by itself. Only voters of the proposal vote, never its proposer.',
    input: z.strictObject({
      proposal_id: idSchema.describe('From governance_proposal or governance_status'),
      vote: z.enum(['approve', 'reject']),
      reasoning: z.string().max(BOUNDS.reasoning).describe('Why; the other voters and the proposer read it'),
    }),
    output: z.object({
      vote_recorded: z.boolean(),
      proposal_status: proposalStatusSchema,
      /** Approvals still missing. */
      votes_needed: z.int().min(0).max(1_000),
      final_result: finalResultSchema,
    }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async handler({ proposal_id, vote, reasoning }, { caller }) {
      const proposal = decisions.vote(caller, proposal_id, vote, reasoning);
      return {
        vote_recorded: true,
        proposal_status: proposalStatus(proposal),
        votes_needed: votesNeeded(proposal, tally(proposal).missing),
        final_result: finalResult(proposal),
      };
    },
  });
}
