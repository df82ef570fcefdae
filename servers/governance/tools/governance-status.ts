/** The tool `governance_status` (G6). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { GovernanceDeps } from '../deps.ts';
import {
  detailSchema,
  idSchema,
  policySchema,
  proposalStatusSchema,
  summarySchema,
  toDetail,
  toPolicyView,
  toSummary,
} from '../view.ts';

const MOST = 100;

export function governanceStatus({ decisions, policies }: GovernanceDeps): Tool {
  return defineTool({
    name: 'governance_status',
    title: 'Status of proposals and policies',
    description:
      'Shows what is being decided, what was decided, and the policies in force. Without arguments the newest proposals; ' +
      'with `proposal_id` one of them with votes, action and outcome; with `status` those of one kind, such as ' +
      'voting_ongoing. `next` continues the list. Use it before voting, and to follow a proposal or a call that waits.',
    input: z.strictObject({
      proposal_id: idSchema.optional().describe('One proposal, in full'),
      status: proposalStatusSchema.optional().describe('Only proposals in this state'),
      limit: z.int().min(1).max(MOST).default(20),
      after: idSchema.optional().describe('`next` of the list before'),
    }),
    output: z.object({
      proposal: detailSchema.nullable(),
      proposals: z.array(summarySchema).max(MOST),
      next: idSchema.nullable(),
      policies: z.array(policySchema).max(1_000),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler({ proposal_id, status, limit, after }, { caller }) {
      const inForce = policies.list().map(toPolicyView);
      if (proposal_id !== undefined) {
        const proposal = toDetail(decisions.get(proposal_id), caller);
        return { proposal, proposals: [], next: null, policies: inForce };
      }
      const wanted = status === 'voting_ongoing' ? 'open' : status;
      const found = decisions.list({
        limit,
        ...(wanted !== undefined && { status: wanted }),
        ...(after !== undefined && { before: after }),
      });
      return {
        proposal: null,
        proposals: found.map((proposal) => toSummary(proposal, caller)),
        next: found.length < limit ? null : (found.at(-1)?.id ?? null),
        policies: inForce,
      };
    },
  });
}
