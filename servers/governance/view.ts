/**
 * How a proposal and a policy look to a caller, and the schemas of that. What an action carries is shown to those who are
 * concerned: its proposer, its voters, and EMERGENCY level.
 */
import { z } from 'zod';
import type { Caller } from '../../shared/identity/caller.ts';
import { LEVELS } from '../../shared/identity/levels.ts';
import { BOUNDS, PROPOSAL_TYPES, RISK_LEVELS } from './events.ts';
import type { Policy, PolicyChange } from './policies.ts';
import { type Proposal, type Status, tally } from './proposal.ts';

const STATUSES = [
  'open',
  'approved',
  'rejected',
  'expired',
  'overridden',
  'void',
  'executing',
  'executed',
  'failed',
  'outcome_unknown',
] as const satisfies readonly Status[];

/** `open` under the name that callers have known it by. */
const PROPOSAL_STATUSES = ['voting_ongoing', ...STATUSES.slice(1)] as const;

const FINAL = ['approved', 'rejected', 'expired', 'void', 'executed', 'failed', 'outcome_unknown'] as const;

export const idSchema = z.string().min(1).max(100);
const agent = z.string().max(BOUNDS.agentId);
const time = z.iso.datetime().max(40);
const reason = z.string().max(BOUNDS.reasoning);
const count = z.int().min(0).max(1_000);

export const proposalStatusSchema = z.enum(PROPOSAL_STATUSES);
export const finalResultSchema = z.enum(FINAL).nullable();

export const impactAssessmentSchema = z.strictObject({
  affected_systems: z
    .array(z.string().min(1).max(BOUNDS.systemName))
    .max(BOUNDS.affectedSystems)
    .describe('Servers, stores or agents that will behave differently'),
  risk_level: z.enum(RISK_LEVELS).describe('What can go wrong at worst'),
  reversible: z.boolean().describe('Whether it can be undone'),
});

export const summarySchema = z.strictObject({
  proposal_id: idSchema,
  title: z.string().max(BOUNDS.title),
  type: z.enum(PROPOSAL_TYPES),
  proposal_status: proposalStatusSchema,
  final_result: finalResultSchema,
  proposer: agent,
  approvals: count,
  rejections: count,
  required_votes: count,
  votes_needed: count,
  created_at: time,
  voting_deadline: time,
  action_tool: z.string().max(BOUNDS.toolName).nullable(),
  you_may_vote: z.boolean(),
});

export const detailSchema = summarySchema.extend({
  description: z.string().max(BOUNDS.description),
  impact_assessment: impactAssessmentSchema,
  voters: z.array(agent).max(1_000),
  votes: z
    .array(z.strictObject({ voter: agent, vote: z.enum(['approve', 'reject']), reasoning: reason, voted_at: time }))
    .max(1_000),
  /** JSON text, exactly as it would be sent; null without an action, and for those it does not concern. */
  action_arguments: z.string().max(BOUNDS.argumentsText).nullable(),
  decided_at: time.nullable(),
  override: z.strictObject({ by: agent, justification: reason }).nullable(),
  void_reason: z.string().max(500).nullable(),
  execution_started_at: time.nullable(),
  /** JSON text of the call's result; null where there is none, where it was too long to keep, and for those it does not concern. */
  result: z.string().max(BOUNDS.resultText).nullable(),
  outcome_lost: z.string().max(500).nullable(),
  resolution: z.strictObject({ by: agent, justification: reason }).nullable(),
});

export type Summary = z.infer<typeof summarySchema>;
export type Detail = z.infer<typeof detailSchema>;

const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

export function proposalStatus({ status }: Proposal): (typeof PROPOSAL_STATUSES)[number] {
  return status === 'open' ? 'voting_ongoing' : status;
}

/** What came of it, as far as it is known: the decision, or how the action ended; null while the vote goes on. */
export function finalResult({ status, verdict }: Proposal): (typeof FINAL)[number] | null {
  switch (status) {
    case 'open':
      return null;
    case 'overridden':
    case 'executing':
      return verdict;
    default:
      return status;
  }
}

export function toSummary(proposal: Proposal, caller: Caller): Summary {
  const { approvals, rejections, missing } = tally(proposal);
  return {
    proposal_id: proposal.id,
    title: proposal.title,
    type: proposal.type,
    proposal_status: proposalStatus(proposal),
    final_result: finalResult(proposal),
    proposer: proposal.proposer,
    approvals,
    rejections,
    required_votes: proposal.electorate.threshold,
    votes_needed: votesNeeded(proposal, missing),
    created_at: iso(proposal.createdAt),
    voting_deadline: iso(proposal.deadlineAt),
    action_tool: proposal.action?.tool ?? null,
    you_may_vote: mayVote(proposal, caller),
  };
}

export function toDetail(proposal: Proposal, caller: Caller): Detail {
  const { impact, action, execution, result } = proposal;
  const isShown = isConcerned(proposal, caller);
  return {
    ...toSummary(proposal, caller),
    description: proposal.description,
    impact_assessment: {
      affected_systems: [...impact.affectedSystems],
      risk_level: impact.riskLevel,
      reversible: impact.reversible,
    },
    voters: [...proposal.electorate.voters],
    votes: [...proposal.votes].map(([voter, { vote, reasoning, at }]) => ({
      voter,
      vote,
      reasoning,
      voted_at: iso(at),
    })),
    action_arguments: isShown ? (action?.argumentsText ?? null) : null,
    decided_at: isoOrNull(proposal.decidedAt),
    override: proposal.override,
    void_reason: proposal.voidReason,
    execution_started_at: isoOrNull(execution?.startedAt ?? null),
    result: isShown ? (result?.text ?? null) : null,
    outcome_lost: proposal.lost,
    resolution: proposal.resolution,
  };
}

/** Approvals still missing; none once it is decided. */
export function votesNeeded({ status }: Proposal, missing: number): number {
  return status === 'open' ? missing : 0;
}

function mayVote({ status, electorate }: Proposal, { agentId, level }: Caller): boolean {
  return status === 'open' && electorate.voters.includes(agentId) && level >= electorate.minimumLevel;
}

function isConcerned({ proposer, electorate }: Proposal, { agentId, level }: Caller): boolean {
  return agentId === proposer || electorate.voters.includes(agentId) || level >= LEVELS.EMERGENCY;
}

const LARGEST = 1e15;
export const policyValueSchema = z.union([z.string().max(1_000), z.number().min(-LARGEST).max(LARGEST), z.boolean()]);

export const policySchema = z.strictObject({
  policy: z.string().max(BOUNDS.toolName),
  title: z.string().max(BOUNDS.title),
  description: z.string().max(BOUNDS.description),
  value: policyValueSchema,
  default: policyValueSchema,
  /** Times it was set. */
  version: z.int().min(0).max(1e9),
  set_at: time.nullable(),
});

export function toPolicyView({ name, setAt, ...rest }: Policy): z.infer<typeof policySchema> {
  return { policy: name, ...rest, set_at: isoOrNull(setAt) };
}

/** Such as `{value: 90, previous: 30, set_at, set_by: 'sage', proposal_id}`. */
export function toPolicyChangeView({ value, previous, at, by, authority }: PolicyChange): Record<string, unknown> {
  const right =
    authority.kind === 'proposal' ? { proposal_id: authority.proposalId } : { justification: authority.justification };
  return { value, previous, set_at: iso(at), set_by: by, ...right };
}
