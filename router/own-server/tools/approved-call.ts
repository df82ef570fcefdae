import { approvedInput, approvedOutput } from '../../../shared/approvals.ts';
import { defineTool } from '../../../shared/tool.ts';
import { makeApprovedCall } from '../../approval/make-approved-call.ts';
import type { OwnServerDeps } from '../deps.ts';

export const approvedCall = ({ router }: OwnServerDeps) =>
  defineTool({
    name: 'approved_call',
    title: 'Make an approved call',
    description:
      'Between the governance server and the router: makes the call of an approved proposal, once, in the name of its requester, and says how it ended.',
    input: approvedInput,
    output: approvedOutput,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    handler: ({ proposal_id, fence, ticket, arguments_text }, { caller }) =>
      makeApprovedCall(router, {
        proposalId: proposal_id,
        fence,
        ticket: router.tickets.open(ticket),
        argumentsText: arguments_text,
        executor: caller.agentId,
      }),
  });
