/**
 * What the governance needs of the world to run an approved action: what a call would be now, and the call itself. Holds
 * the actions on the village's own policies, which need nobody else; all others come from whoever reaches the tools.
 */
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { bindCall, type CallBinding, type Digest } from './binding.ts';
import type { Started } from './decisions.ts';
import type { Action, ProposalType } from './events.ts';
import type { Policies } from './policies.ts';

export interface CallEnd {
  readonly outcome: 'executed' | 'failed';
  /** The call's result as JSON text. */
  readonly resultText: string;
}

/** An action that somebody proposes. */
export interface ActionRequest {
  readonly caller: Caller;
  /** Of the request that proposes it: by it the router knows who asks, whatever is said here. */
  readonly correlationId: string;
  readonly type: ProposalType;
  /** Why, for tools that ask for it. */
  readonly justification: string;
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface Actions {
  /**
   * The call as it would be made now for its proposer.
   * @throws AppError UNKNOWN_NAME when there is no such tool or the proposer may not use it; INVALID_PARAMS when the
   * arguments do not fit, or the tool asks for a stronger type of proposal
   */
  bind(request: ActionRequest): Promise<Action>;
  /** The binding of a stored action as it is now, made anew. Throws as `bind` does. */
  rebind(action: Action): Promise<CallBinding>;
  /**
   * Makes the call of a started execution, once, for its proposer.
   * @throws AppError; which kinds mean that nothing was run is executor.ts's to know
   */
  call(started: Started): Promise<CallEnd>;
}

/** The one tool whose approved calls set policies. */
export const POLICY_SETTER = { serverId: 'governance', tool: 'governance_policy' } as const;

export interface PolicyActionsDeps {
  readonly policies: Policies;
  readonly digest: Digest;
  /** Of the tool governance_policy as it is listed. */
  readonly definitionDigest: () => string;
  /** Of whatever decides who may call it. */
  readonly matrixVersion: () => string;
}

/** Actions of a governance server that nobody has connected to other servers: policies, and no other tool. */
export function policyActions({ policies, digest, definitionDigest, matrixVersion }: PolicyActionsDeps): Actions {
  const binding = (caller: string, args: unknown): CallBinding =>
    bindCall(
      {
        caller,
        ...POLICY_SETTER,
        definitionDigest: definitionDigest(),
        arguments: args,
        matrixVersion: matrixVersion(),
      },
      digest,
    );
  return {
    async bind({ caller: { agentId }, tool, args }) {
      if (tool !== POLICY_SETTER.tool) throw new AppError('UNKNOWN_NAME', { text: `Unknown tool: ${tool}` });
      const { policy, value, ...unknown } = args;
      const keys = Object.keys(unknown);
      if (keys.length > 0) {
        throw new AppError('INVALID_PARAMS', {
          text: `The action takes policy and value; not known: ${keys.join(', ')}`,
        });
      }
      policies.validate(String(policy), value);
      return { tool, argumentsText: JSON.stringify(args), binding: binding(agentId, args) };
    },
    rebind: async (action) => binding(action.binding.caller, JSON.parse(action.argumentsText)),
    async call({ action, proposal }) {
      const { policy, value } = JSON.parse(action.argumentsText) as { policy: string; value: unknown };
      return {
        outcome: 'executed',
        resultText: JSON.stringify(policies.setByApproval(proposal.proposer, policy, value)),
      };
    },
  };
}
