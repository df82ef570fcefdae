/**
 * Owns what happens to an approved action: one start, one outcome, and an outcome that a voter settles when it was lost.
 * Pure; that two processes cannot both start is the store's doing (one writer, unique versions).
 */
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import type { VotingRules } from '../../shared/voting-rules.ts';
import { type CallBinding, whatChanged } from './binding.ts';
import type { StoredResult } from './events.ts';
import { isRunnable, type Proposal } from './proposal.ts';
import { conflict, type Decision } from './voting.ts';

/**
 * Starts the action, for the owner that will make the call. Voids it instead when the call that would be made now is not
 * the one that was approved.
 * @param current the binding as it is now, made anew from catalog, matrix and the stored arguments
 */
export function claim(proposal: Proposal, current: CallBinding, owner: string): Decision {
  if (!isRunnable(proposal)) {
    return { events: [], refusal: conflict(proposal, 'only an approved action that nobody has started can start') };
  }
  const changed = whatChanged(proposal.action.binding, current);
  if (changed.length === 0) return { events: [{ type: 'executing', owner }] };
  const reason = `Since it was proposed, there changed: ${changed.join(', ')}`;
  return {
    events: [{ type: 'voided', reason }],
    refusal: new AppError('CONFLICT', {
      text: `${reason}. The approval does not cover this call; propose it again`,
      data: { proposal_id: proposal.id, status: 'void' },
    }),
  };
}

/**
 * Records how the execution with this fencing number ended. The owner may still say so after its outcome was given up as
 * lost, as long as no voter has settled it: its word is first-hand.
 */
export function finish(
  proposal: Proposal,
  fence: number,
  outcome: 'executed' | 'failed',
  result: StoredResult,
): Decision {
  const running = proposal.status === 'executing' || proposal.status === 'outcome_unknown';
  if (running && proposal.execution?.fence === fence) return { events: [{ type: 'finished', outcome, result }] };
  return { events: [], refusal: conflict(proposal, 'this execution is not the one that is awaited') };
}

/** The owner is gone and left no outcome. */
export function lose(proposal: Proposal, fence: number, reason: string): Decision {
  if (proposal.status !== 'executing' || proposal.execution?.fence !== fence) return { events: [] };
  return { events: [{ type: 'outcome_lost', reason }] };
}

/** A voter of today, not the proposer, says what became of an execution whose outcome was lost. Nothing runs again. */
export function resolve(
  proposal: Proposal,
  caller: Caller,
  outcome: 'executed' | 'failed',
  justification: string,
  rules: VotingRules,
): Decision {
  const refuse = (refusal: AppError): Decision => ({ events: [], refusal });
  if (caller.agentId === proposal.proposer) {
    return refuse(new AppError('FORBIDDEN', { text: 'You raised this proposal; another voter settles its outcome' }));
  }
  if (!rules.voters.has(caller.agentId) || caller.level < proposal.electorate.minimumLevel) {
    return refuse(new AppError('FORBIDDEN', { text: 'Only a voter on this type of proposal settles a lost outcome' }));
  }
  if (proposal.status !== 'outcome_unknown') {
    return refuse(conflict(proposal, 'only a lost outcome can be settled'));
  }
  if (justification.trim() === '') {
    return refuse(
      new AppError('INVALID_PARAMS', { text: 'Say how you know what happened: the justification is empty' }),
    );
  }
  return { events: [{ type: 'resolved', by: caller.agentId, outcome, justification }] };
}
