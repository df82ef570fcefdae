/**
 * The service over proposals: reads one back from its events, asks the domain what follows, writes that, tells of it. Each
 * function is one transaction over all processes on the file. Makes no call itself.
 */
import { createHash } from 'node:crypto';
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import type { VotingRules } from '../../shared/voting-rules.ts';
import { type CallBinding, callKey, whatChanged } from './binding.ts';
import type { Changes } from './changes.ts';
import { type Action, BOUNDS, type ProposalEvent, proposalStream, type StoredResult } from './events.ts';
import { claim, finish, lose, resolve } from './execution.ts';
import { apply, fold, isRunnable, type Proposal, type Status } from './proposal.ts';
import type { GovernanceStore } from './store/open.ts';
import { isOwnerAlive, type Owner, tidyOwners } from './store/owner.ts';
import {
  castVote,
  closeIfDue,
  conflict,
  type Decision,
  type NewProposal,
  override,
  propose,
  voidProposal,
} from './voting.ts';

export interface DecisionsDeps {
  readonly store: GovernanceStore;
  readonly changes: Changes;
  readonly owner: Owner;
  /** The rules of now; a changed configuration gives another object. */
  readonly rules: () => VotingRules;
  readonly newId: () => string;
}

/** A new proposal whose action, if it has one, is bound to the proposer. */
export type ApprovalRequest = NewProposal & { readonly action: Action };

export interface Started {
  /** Grows with every execution; the outcome must name it. */
  readonly fence: number;
  readonly action: Action;
  readonly proposal: Proposal;
}

export interface ListOptions {
  readonly status?: Status;
  /** Continue behind the proposal with this id. */
  readonly before?: string;
  /** Default 50. */
  readonly limit?: number;
}

/** Every function throws AppError: INVALID_PARAMS for an unknown proposal, CONFLICT for one in another state, FORBIDDEN. */
export interface Decisions {
  /** A proposal with or without an action. A call that already waits is a CONFLICT that names its proposal. */
  propose(caller: Caller, proposal: NewProposal): Proposal;
  /** A gated call: the proposal that already answers for the same call, or a new one. What changed since voids the old one. */
  requestApproval(caller: Caller, request: ApprovalRequest): { readonly proposal: Proposal; readonly isNew: boolean };
  vote(caller: Caller, id: string, vote: 'approve' | 'reject', reasoning: string): Proposal;
  override(caller: Caller, id: string, decision: 'approve' | 'reject', justification: string): Proposal;
  get(id: string): Proposal;
  /** As `get`, undefined when there is none. */
  find(id: string): Proposal | undefined;
  /** Newest first. */
  list(options?: ListOptions): Proposal[];
  /** Approved actions that nobody has started, oldest first. */
  runnable(): Proposal[];
  /** Records that this process starts the action; only one claim ever succeeds. Make the call after it returned. */
  claimExecution(id: string, current: CallBinding): Started;
  /** @param resultText the call's result as JSON text; one above the bound is kept as digest and size */
  recordOutcome(id: string, fence: number, outcome: 'executed' | 'failed', resultText: string): Proposal;
  /** This process made the call and cannot know how it ended: a voter settles it. */
  recordLost(id: string, fence: number, reason: string): Proposal;
  resolveUnknown(caller: Caller, id: string, outcome: 'executed' | 'failed', justification: string): Proposal;
  /** @param reason said to the proposer and the voters */
  void(id: string, reason: string): Proposal;
  /** Closes what its time has come for. @returns ids of what changed */
  expireDue(): string[];
  /** expireDue, votes that the configuration voids, and executions whose process is gone. Once a second is enough. */
  sweep(): string[];
}

export function createDecisions(deps: DecisionsDeps): Decisions {
  const { store, changes, owner, rules } = deps;
  const { log, index } = store;
  let sweptRules: VotingRules | undefined;

  const read = (id: string) => fold(id, log.load(proposalStream(id)));

  function load(id: string): Proposal {
    const proposal = read(id);
    if (proposal !== undefined) return proposal;
    throw new AppError('INVALID_PARAMS', { text: 'Unknown proposal; governance_status lists the proposals there are' });
  }

  /** Inside a transaction. */
  function record(id: string, before: Proposal | undefined, events: readonly ProposalEvent[], now: number): Proposal {
    let proposal = before;
    const recorded = log.append(proposalStream(id), before?.version ?? 0, events, now);
    for (const one of recorded) proposal = apply(id, proposal, one);
    if (proposal === undefined) throw new Error('a proposal begins with an event');
    if (recorded[0] !== undefined) index.put(proposal, recorded[0].position);
    return proposal;
  }

  /** Inside a transaction: the proposal as it is at `now`. */
  function current(id: string, now: number): Proposal {
    const proposal = load(id);
    const event = closeIfDue(proposal, rules(), now);
    return event === undefined ? proposal : record(id, proposal, [event], now);
  }

  function write<T>(work: (now: number) => T): T {
    const result = store.write(work);
    changes.deliver();
    return result;
  }

  /** What is written stays written even when the caller is refused: an expiry that was noticed never un-happens. */
  function act(id: string, decide: (proposal: Proposal) => Decision): Proposal {
    const { proposal, refusal } = write((now) => {
      const before = current(id, now);
      const decision = decide(before);
      return { proposal: record(id, before, decision.events, now), refusal: decision.refusal };
    });
    if (refusal !== undefined) throw refusal;
    return proposal;
  }

  function refresh(id: string): Proposal {
    const proposal = load(id);
    if (closeIfDue(proposal, rules(), store.now()) === undefined) return proposal;
    return act(id, () => ({ events: [] }));
  }

  /** Inside a transaction. */
  function create(caller: Caller, proposal: NewProposal, now: number): Proposal {
    const most = rules().maxOpenPerProposer;
    if (index.openOf(caller.agentId) >= most) {
      throw new AppError('RATE_LIMITED', {
        text: `You have ${most} open proposals, the most one proposer may have; wait for decisions on some of them`,
      });
    }
    return record(deps.newId(), undefined, [propose(caller.agentId, proposal, rules(), now)], now);
  }

  /** Inside a transaction: what there is about this call; voided when it waits for a call that has changed since. */
  function about(action: Action, now: number): Proposal | undefined {
    const id = index.aboutCall(callKey(action.binding));
    const earlier = id === undefined ? undefined : current(id, now);
    if (earlier?.action == null) return undefined;
    const changed = whatChanged(earlier.action.binding, action.binding);
    if (changed.length === 0) return earlier;
    if (isUnsettled(earlier)) return earlier;
    const { events } = voidProposal(earlier, `Since it was proposed, there changed: ${changed.join(', ')}`);
    record(earlier.id, earlier, events, now);
    return undefined;
  }

  function expireDue(): string[] {
    const due = index.due(store.now());
    for (const id of due) refresh(id);
    return due;
  }

  function voidByConfiguration(): string[] {
    const now = rules();
    if (sweptRules === now) return [];
    const changed = index.withStatus('open').filter((id) => refresh(id).status !== 'open');
    sweptRules = now;
    return changed;
  }

  function loseAbandoned(): string[] {
    const lost: string[] = [];
    for (const id of index.withStatus('executing')) {
      const { execution } = load(id);
      if (execution === null || execution.owner === owner.id) continue;
      if (isOwnerAlive(store.ownersFolder, execution.owner)) continue;
      const reason = 'The process that made the call ended before it recorded an outcome';
      const after = act(id, (proposal) => lose(proposal, execution.fence, reason));
      if (after.status === 'outcome_unknown') lost.push(id);
    }
    if (lost.length > 0) store.write(() => tidyOwners(store.ownersFolder, owner.id));
    return lost;
  }

  return {
    propose: (caller, proposal) =>
      write((now) => {
        const { action } = proposal;
        if (action !== null) {
          refuseForeignAction(caller, action);
          const earlier = about(action, now);
          if (earlier !== undefined && isLive(earlier)) {
            throw conflict(earlier, 'it is about this very call; follow that one');
          }
        }
        return create(caller, proposal, now);
      }),
    requestApproval: (caller, request) =>
      write((now) => {
        refuseForeignAction(caller, request.action);
        const earlier = about(request.action, now);
        if (earlier !== undefined && isAnswer(earlier, rules().answerWindowMs, now)) {
          return { proposal: earlier, isNew: false };
        }
        return { proposal: create(caller, request, now), isNew: true };
      }),
    vote: (caller, id, vote, reasoning) => act(id, (proposal) => castVote(proposal, caller, vote, reasoning)),
    override: (caller, id, decision, justification) =>
      act(id, (proposal) => override(proposal, caller, decision, justification)),
    get: refresh,
    find: (id) => (read(id) === undefined ? undefined : refresh(id)),
    list({ status, before, limit = 50 } = {}) {
      expireDue();
      const found = index.page(status, before, limit).map(refresh);
      return status === undefined ? found : found.filter((proposal) => proposal.status === status);
    },
    runnable() {
      expireDue();
      return [...index.withStatus('approved'), ...index.withStatus('overridden')].map(load).filter(isRunnable);
    },
    claimExecution(id, binding) {
      const proposal = act(id, (before) => {
        const decision = claim(before, binding, owner.id);
        if (decision.refusal === undefined) owner.hold();
        return decision;
      });
      if (proposal.execution === null || proposal.action === null) throw new Error('a claim starts an execution');
      return { fence: proposal.execution.fence, action: proposal.action, proposal };
    },
    recordOutcome: (id, fence, outcome, resultText) =>
      act(id, (proposal) => finish(proposal, fence, outcome, storedResult(resultText))),
    recordLost: (id, fence, reason) => act(id, (proposal) => lose(proposal, fence, reason)),
    resolveUnknown: (caller, id, outcome, justification) =>
      act(id, (proposal) => resolve(proposal, caller, outcome, justification, rules())),
    void: (id, reason) => act(id, (proposal) => voidProposal(proposal, reason)),
    expireDue,
    sweep: () => [...expireDue(), ...voidByConfiguration(), ...loseAbandoned()],
  };
}

/** Started, and not known to have ended: a second one must not start beside it. */
function isUnsettled({ status }: Proposal): boolean {
  return status === 'executing' || status === 'outcome_unknown';
}

function isLive(proposal: Proposal): boolean {
  return proposal.status === 'open' || isRunnable(proposal) || isUnsettled(proposal);
}

/** Whether the same call asked again is answered by this proposal: while it lives, and for a while after it ended. */
function isAnswer(proposal: Proposal, answerWindowMs: number, now: number): boolean {
  if (isLive(proposal)) return true;
  const { status, endedAt } = proposal;
  if (status === 'expired' || status === 'void' || endedAt === null) return false;
  return now < endedAt + answerWindowMs;
}

function refuseForeignAction(caller: Caller, action: Action): void {
  if (action.binding.caller === caller.agentId) return;
  throw new AppError('FORBIDDEN', {
    text: 'An action is proposed by the one that it will run for; this one is bound to another',
  });
}

function storedResult(text: string): StoredResult {
  const bytes = Buffer.byteLength(text, 'utf8');
  const digest = createHash('sha256').update(text, 'utf8').digest('hex');
  return { text: text.length <= BOUNDS.resultText ? text : null, digest, bytes };
}
