/**
 * Owns what callers may do before the decision: propose, vote, override; and what time and configuration do to it. Pure:
 * takes state, rules and time, returns events, never writes them.
 */
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { LEVELS, levelName } from '../../shared/identity/levels.ts';
import type { VotingRules } from '../../shared/voting-rules.ts';
import type { Action, Impact, ProposalEvent, ProposalType } from './events.ts';
import { dueAt, isRunnable, type Proposal, tally } from './proposal.ts';
import { electorateFor } from './voters.ts';

/** Events to write, and the refusal to give after they are written: a late vote expires the proposal and is refused. */
export interface Decision {
  readonly events: readonly ProposalEvent[];
  readonly refusal?: AppError;
}

export interface NewProposal {
  readonly title: string;
  readonly description: string;
  readonly type: ProposalType;
  readonly impact: Impact;
  readonly action: Action | null;
}

/** @throws AppError INVALID_PARAMS when too few voters remain without the proposer */
export function propose(proposer: string, proposal: NewProposal, rules: VotingRules, now: number): ProposalEvent {
  const { type: proposalType, ...rest } = proposal;
  return {
    type: 'created',
    ...rest,
    proposalType,
    proposer,
    electorate: electorateFor(proposalType, proposer, rules),
    deadlineAt: now + rules.deadlineMs,
    executionWindowMs: rules.executionWindowMs,
  };
}

/**
 * What is due before anybody may act: expiry at the deadline; a lapsed approval; and the one way in which configuration
 * touches an open vote: it is void once a member of its electorate has lost the right to vote.
 */
export function closeIfDue(proposal: Proposal, rules: VotingRules, now: number): ProposalEvent | undefined {
  const due = dueAt(proposal);
  if (due !== null && now >= due) {
    return proposal.status === 'open'
      ? { type: 'expired' }
      : { type: 'voided', reason: 'It was approved, but not started in time' };
  }
  if (proposal.status !== 'open') return undefined;
  const gone = proposal.electorate.voters.find((voter) => !rules.voters.has(voter));
  return gone === undefined ? undefined : { type: 'voided', reason: `${gone} is no longer a voter` };
}

/** Records a vote, and the decision with it when this vote makes it certain. */
export function castVote(proposal: Proposal, caller: Caller, vote: 'approve' | 'reject', reasoning: string): Decision {
  const refusal = mayVote(proposal, caller) ?? stillOpen(proposal);
  if (refusal !== undefined) return { events: [], refusal };
  const earlier = proposal.votes.get(caller.agentId);
  if (earlier?.vote === vote && earlier.reasoning === reasoning) return { events: [] };
  const votes = new Map(proposal.votes).set(caller.agentId, { vote, reasoning, at: 0 });
  const { approvals, silent, missing } = tally({ votes, electorate: proposal.electorate });
  const voted: ProposalEvent = { type: 'voted', voter: caller.agentId, vote, level: caller.level, reasoning };
  if (missing === 0) return { events: [voted, { type: 'approved' }] };
  if (approvals + silent < proposal.electorate.threshold) return { events: [voted, { type: 'rejected' }] };
  return { events: [voted] };
}

/** EMERGENCY level decides alone, with a justification; but not about a proposal of its own (G5). */
export function override(
  proposal: Proposal,
  caller: Caller,
  decision: 'approve' | 'reject',
  justification: string,
): Decision {
  const refusal = mayOverride(proposal, caller, justification) ?? stillOpen(proposal);
  if (refusal !== undefined) return { events: [], refusal };
  return { events: [{ type: 'overridden', by: caller.agentId, decision, justification }] };
}

/** Void for a reason from outside: the action's tool is gone, its definition or the matrix changed. */
export function voidProposal(proposal: Proposal, reason: string): Decision {
  if (proposal.status === 'open' || isRunnable(proposal)) return { events: [{ type: 'voided', reason }] };
  return { events: [], refusal: conflict(proposal, 'only an open or a not yet started proposal can become void') };
}

function mayVote(proposal: Proposal, caller: Caller): AppError | undefined {
  const { voters, minimumLevel } = proposal.electorate;
  if (caller.agentId === proposal.proposer) return ownProposal();
  if (!voters.includes(caller.agentId)) {
    return new AppError('FORBIDDEN', {
      text: 'Only the voters of this proposal vote on it, and you are not one of them',
    });
  }
  if (caller.level < minimumLevel) {
    const needed = levelName(minimumLevel);
    return new AppError('FORBIDDEN', {
      text: `A vote on this type needs level ${needed}; yours is ${levelName(caller.level)}`,
    });
  }
  return undefined;
}

function mayOverride(proposal: Proposal, caller: Caller, justification: string): AppError | undefined {
  if (caller.level < LEVELS.EMERGENCY) {
    return new AppError('FORBIDDEN', {
      text: `An override needs level EMERGENCY; yours is ${levelName(caller.level)}`,
    });
  }
  if (caller.agentId === proposal.proposer) return ownProposal();
  if (justification.trim() === '') {
    return new AppError('INVALID_PARAMS', {
      text: 'An override needs a justification; say why the vote is not awaited',
    });
  }
  return undefined;
}

function ownProposal(): AppError {
  return new AppError('FORBIDDEN', { text: 'You raised this proposal; a proposer never decides on its own' });
}

function stillOpen(proposal: Proposal): AppError | undefined {
  if (proposal.status === 'open') return undefined;
  return conflict(proposal, 'no vote counts after the decision or the deadline');
}

/** Right in form, but not in this state; `data.status` says which it is. */
export function conflict(proposal: Proposal, why: string): AppError {
  return new AppError('CONFLICT', {
    text: `The proposal is ${proposal.status}: ${why}`,
    data: { proposal_id: proposal.id, status: proposal.status },
  });
}
