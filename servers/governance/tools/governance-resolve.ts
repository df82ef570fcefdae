/** The tool `governance_resolve` (G4): what became of an execution whose outcome was lost. */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { GovernanceDeps } from '../deps.ts';
import { BOUNDS } from '../events.ts';
import { finalResult, finalResultSchema, idSchema, proposalStatus, proposalStatusSchema } from '../view.ts';

export function governanceResolve({ decisions }: GovernanceDeps): Tool {
  return defineTool({
    name: 'governance_resolve',
    title: 'Settle a lost outcome',
    description:
      'Says what became of an approved action whose process was lost between call and record (status outcome_unknown). Look ' +
      'at the affected system first; nothing is run again, whatever you say. Only a voter may, never the proposer. ' +
      'governance_status with status outcome_unknown lists what waits for this.',
    input: z.strictObject({
      proposal_id: idSchema.describe('A proposal in the state outcome_unknown'),
      outcome: z.enum(['executed', 'failed']).describe('executed: it took effect; failed: it did not'),
      justification: z.string().trim().min(1).max(BOUNDS.reasoning).describe('How you know'),
    }),
    output: z.object({ proposal_status: proposalStatusSchema, final_result: finalResultSchema }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    async handler({ proposal_id, outcome, justification }, { caller }) {
      const proposal = decisions.resolveUnknown(caller, proposal_id, outcome, justification);
      return { proposal_status: proposalStatus(proposal), final_result: finalResult(proposal) };
    },
  });
}
