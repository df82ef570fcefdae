/** The tool `governance_gate` (G5): how the router asks about a call that needs a vote. Nobody else can use it or sees it. */
import { type GATE_STATUSES, gateInput, gateOutput } from '../../../shared/approvals.ts';
import { AppError } from '../../../shared/errors.ts';
import { GATE_PERMISSION } from '../../../shared/identity/roles.ts';
import { parseExact } from '../../../shared/json/exact.ts';
import { unknownTarget } from '../../../shared/request.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { ApprovalRequest } from '../decisions.ts';
import type { GovernanceDeps } from '../deps.ts';
import { dueAt, type Proposal, tally } from '../proposal.ts';
import { bindingOf } from '../router-actions.ts';
import { settled } from '../waiting.ts';

const NAME = 'governance_gate';

export function governanceGate({ decisions, changes, rules }: GovernanceDeps): Tool {
  return defineTool({
    name: NAME,
    title: 'Ask about a gated call',
    description:
      'Between the router and this server: puts a call that needs a vote to it, in the name of its caller, or answers with the state or the stored outcome of the same call asked before.',
    input: gateInput,
    output: gateOutput,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    async handler(input, { caller, signal, progress }) {
      // By name, not by what covers it: no right of any caller is as wide as this one.
      if (!caller.permissions.includes(GATE_PERMISSION)) throw unknownTarget({ kind: 'tool', name: NAME });
      const { proposal } = decisions.requestApproval(caller, requestOf(input, caller.agentId));
      const options = { waitMs: input.wait_ms, signal, progress };
      return view(await settled(proposal, { decisions, changes }, options), rules().answerWindowMs);
    },
  });
}

function requestOf(input: (typeof gateInput)['_output'], caller: string): ApprovalRequest {
  const { call, approval, read_only, justification } = input;
  const { tool, server_id, arguments_text: argumentsText, ticket } = call;
  return {
    title: `${caller} calls ${tool}`.slice(0, 200),
    description: justification === '' ? 'A call that needs a vote. Its caller gave no reason.' : justification,
    type: approval,
    impact: { affectedSystems: [server_id], riskLevel: read_only ? 'low' : 'high', reversible: read_only },
    action: { tool, argumentsText, ticket, binding: bindingOf({ ...call, caller }, read(argumentsText)) },
  };
}

function read(argumentsText: string): unknown {
  try {
    return parseExact(argumentsText);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it is no JSON';
    throw new AppError('INVALID_PARAMS', { text: `These arguments cannot be put to the vote: ${why}` });
  }
}

function view(proposal: Proposal, answerWindowMs: number) {
  const { id, status, verdict, type, electorate, result, endedAt } = proposal;
  const expiresAt = endedAt === null ? dueAt(proposal) : endedAt + answerWindowMs;
  return {
    proposal_id: id,
    status: statusOf(status, verdict),
    expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    type,
    approvals: tally(proposal).approvals,
    required: electorate.threshold,
    voters: [...electorate.voters],
    outcome_text: result?.text ?? null,
    outcome_bytes: result?.bytes ?? null,
  };
}

/** An override is a decision like any other to whoever waits for one. */
function statusOf(status: Proposal['status'], verdict: Proposal['verdict']): (typeof GATE_STATUSES)[number] {
  if (status === 'open') return 'voting_ongoing';
  if (status !== 'overridden') return status;
  return verdict === 'rejected' ? 'rejected' : 'approved';
}
