/** The tool `governance_proposal` (G1). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { GovernanceDeps } from '../deps.ts';
import { BOUNDS, PROPOSAL_TYPES } from '../events.ts';
import { idSchema, impactAssessmentSchema, proposalStatus, proposalStatusSchema } from '../view.ts';

export function governanceProposal({ decisions, actions }: GovernanceDeps): Tool {
  return defineTool({
    name: 'governance_proposal',
    title: 'Propose a change',
    description:
      'Puts a change to the vote. Use it for a decision that others must share, or with `action` for a call that shall run ' +
      'by itself, once, as soon as it is approved. minor_change needs 1 approval, major_change 2, critical_change all ' +
      'voters, emergency_action 1 of EMERGENCY level; you never vote on your own proposal. Returns `proposal_id` to follow ' +
      'with governance_status.',
    input: z.strictObject({
      title: z.string().trim().min(1).max(BOUNDS.title).describe('What shall change, in one line'),
      description: z
        .string()
        .max(BOUNDS.description)
        .describe('Why, and what follows: all that a voter needs to decide'),
      type: z.enum(PROPOSAL_TYPES).describe('How much it changes; decides how many approvals it needs'),
      impact_assessment: impactAssessmentSchema,
      action: z
        .strictObject({
          tool: z.string().min(1).max(BOUNDS.toolName).describe('A tool that you may use yourself, as it is listed'),
          arguments: z.record(z.string().max(200), z.json()).describe('Its arguments: exactly what will be sent'),
        })
        .optional()
        .describe('The call to make when it is approved; leave it out when the decision is all'),
    }),
    output: z.object({
      proposal_id: idSchema,
      status: proposalStatusSchema,
      required_votes: z.int().min(1).max(1_000),
      voting_deadline: z.iso.datetime().max(40),
      voters: z.array(z.string().max(BOUNDS.agentId)).max(1_000),
    }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    async handler({ title, description, type, impact_assessment: impact, action }, { caller, correlationId }) {
      const why = { type, justification: `${title}: ${description}`.slice(0, BOUNDS.reasoning) };
      const about = { caller, correlationId, ...why };
      const proposal = decisions.propose(caller, {
        title,
        description,
        type,
        impact: {
          affectedSystems: impact.affected_systems,
          riskLevel: impact.risk_level,
          reversible: impact.reversible,
        },
        action:
          action === undefined ? null : await actions.bind({ ...about, tool: action.tool, args: action.arguments }),
      });
      return {
        proposal_id: proposal.id,
        status: proposalStatus(proposal),
        required_votes: proposal.electorate.threshold,
        voting_deadline: new Date(proposal.deadlineAt).toISOString(),
        voters: [...proposal.electorate.voters],
      };
    },
  });
}
