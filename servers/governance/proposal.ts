/**
 * Owns what a proposal is: its state, folded from its events, and which event may follow which state. Pure; what callers
 * may do about it is in voting.ts and execution.ts.
 */
import type {
  Action,
  CreatedEvent,
  Electorate,
  Impact,
  ProposalEvent,
  ProposalType,
  Recorded,
  StoredResult,
} from './events.ts';

export type Status =
  | 'open'
  | 'approved'
  | 'rejected'
  | 'expired'
  | 'overridden'
  | 'void'
  | 'executing'
  | 'executed'
  | 'failed'
  | 'outcome_unknown';

export interface Vote {
  readonly vote: 'approve' | 'reject';
  readonly reasoning: string;
  readonly at: number;
}

/** Times are milliseconds since the epoch, village time. */
export interface Proposal {
  readonly id: string;
  /** Number of events so far. */
  readonly version: number;
  readonly title: string;
  readonly description: string;
  readonly type: ProposalType;
  readonly impact: Impact;
  readonly proposer: string;
  readonly action: Action | null;
  readonly electorate: Electorate;
  readonly createdAt: number;
  readonly deadlineAt: number;
  readonly executionWindowMs: number;
  readonly status: Status;
  /** The last vote of each voter: the one that counts. */
  readonly votes: ReadonlyMap<string, Vote>;
  /** What was decided, by votes or by override; null while open and when nothing was decided in time. */
  readonly verdict: 'approved' | 'rejected' | null;
  readonly decidedAt: number | null;
  readonly override: { readonly by: string; readonly justification: string } | null;
  readonly voidReason: string | null;
  readonly execution: { readonly fence: number; readonly owner: string; readonly startedAt: number } | null;
  readonly result: StoredResult | null;
  /** Why the outcome was not known, and who settled it. */
  readonly lost: string | null;
  readonly resolution: { readonly by: string; readonly justification: string } | null;
  /** Since when nothing can change any more. */
  readonly endedAt: number | null;
}

/** A file whose events contradict each other: somebody wrote to it by other means. */
class BrokenHistoryError extends Error {
  override readonly name = 'BrokenHistoryError';
}

/** The states in which each event may happen; the state machine of the design in one table. */
const FOLLOWS: Readonly<Record<Exclude<ProposalEvent['type'], 'created'>, readonly Status[]>> = {
  voted: ['open'],
  approved: ['open'],
  rejected: ['open'],
  expired: ['open'],
  overridden: ['open'],
  voided: ['open', 'approved', 'overridden'],
  executing: ['approved', 'overridden'],
  outcome_lost: ['executing'],
  finished: ['executing', 'outcome_unknown'],
  resolved: ['outcome_unknown'],
};

/** @throws BrokenHistoryError */
export function fold(id: string, events: readonly Recorded[]): Proposal | undefined {
  let proposal: Proposal | undefined;
  for (const recorded of events) proposal = apply(id, proposal, recorded);
  return proposal;
}

/** @throws BrokenHistoryError when the event cannot follow the state */
export function apply(id: string, before: Proposal | undefined, recorded: Recorded): Proposal {
  const { event } = recorded;
  if (event.type === 'policy_set') throw broken(recorded, before);
  if (event.type === 'created') {
    if (before !== undefined || recorded.version !== 1) throw broken(recorded, before);
    return begin(id, recorded.at, event);
  }
  if (before === undefined || recorded.version !== before.version + 1) throw broken(recorded, before);
  if (!FOLLOWS[event.type].includes(before.status)) throw broken(recorded, before);
  if (event.type === 'executing' && !isRunnable(before)) throw broken(recorded, before);
  return { ...before, ...changes(before, recorded, event), version: recorded.version };
}

function begin(id: string, at: number, event: CreatedEvent): Proposal {
  return {
    id,
    version: 1,
    title: event.title,
    description: event.description,
    type: event.proposalType,
    impact: event.impact,
    proposer: event.proposer,
    action: event.action,
    electorate: event.electorate,
    createdAt: at,
    deadlineAt: event.deadlineAt,
    executionWindowMs: event.executionWindowMs,
    status: 'open',
    votes: new Map(),
    verdict: null,
    decidedAt: null,
    override: null,
    voidReason: null,
    execution: null,
    result: null,
    lost: null,
    resolution: null,
    endedAt: null,
  };
}

function changes(
  before: Proposal,
  { position, at }: Recorded,
  event: Exclude<ProposalEvent, CreatedEvent>,
): Partial<Proposal> {
  // A decision ends a proposal that has nothing to run.
  const ended = before.action === null ? at : null;
  switch (event.type) {
    case 'voted': {
      const { vote, reasoning } = event;
      return { votes: new Map(before.votes).set(event.voter, { vote, reasoning, at }) };
    }
    case 'approved':
      return { status: 'approved', verdict: 'approved', decidedAt: at, endedAt: ended };
    case 'rejected':
      return { status: 'rejected', verdict: 'rejected', decidedAt: at, endedAt: at };
    case 'expired':
      return { status: 'expired', endedAt: at };
    case 'overridden': {
      const { by, justification } = event;
      const verdict = event.decision === 'approve' ? 'approved' : 'rejected';
      const endedAt = verdict === 'rejected' ? at : ended;
      return { status: 'overridden', verdict, decidedAt: at, override: { by, justification }, endedAt };
    }
    case 'voided':
      return { status: 'void', voidReason: event.reason, endedAt: at };
    case 'executing':
      return { status: 'executing', execution: { fence: position, owner: event.owner, startedAt: at } };
    case 'finished':
      return { status: event.outcome, result: event.result, endedAt: at };
    case 'outcome_lost':
      return { status: 'outcome_unknown', lost: event.reason };
    case 'resolved':
      return {
        status: event.outcome,
        resolution: { by: event.by, justification: event.justification },
        endedAt: at,
      };
  }
}

/** Decided for, with an action that nobody has started. */
export function isRunnable(proposal: Proposal): proposal is Proposal & { readonly action: Action } {
  const { status, verdict, action } = proposal;
  return action !== null && verdict === 'approved' && (status === 'approved' || status === 'overridden');
}

/** When time alone changes the proposal next: its deadline, or the end of the wait for its start. */
export function dueAt(proposal: Proposal): number | null {
  if (proposal.status === 'open') return proposal.deadlineAt;
  if (isRunnable(proposal) && proposal.decidedAt !== null) return proposal.decidedAt + proposal.executionWindowMs;
  return null;
}

export interface Tally {
  readonly approvals: number;
  readonly rejections: number;
  /** Voters who have not voted. */
  readonly silent: number;
  /** Approvals that are still missing. */
  readonly missing: number;
}

export function tally(proposal: Pick<Proposal, 'votes' | 'electorate'>): Tally {
  const { voters, threshold } = proposal.electorate;
  let approvals = 0;
  let rejections = 0;
  for (const voter of voters) {
    const vote = proposal.votes.get(voter)?.vote;
    if (vote === 'approve') approvals++;
    else if (vote === 'reject') rejections++;
  }
  const silent = voters.length - approvals - rejections;
  return { approvals, rejections, silent, missing: Math.max(0, threshold - approvals) };
}

function broken(recorded: Recorded, before: Proposal | undefined): BrokenHistoryError {
  const { event, version, position } = recorded;
  const state = before === undefined ? 'no proposal' : `version ${before.version}, ${before.status}`;
  return new BrokenHistoryError(`event ${position} (${event.type}, version ${version}) cannot follow ${state}`);
}
