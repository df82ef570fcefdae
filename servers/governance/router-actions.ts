/**
 * Actions on any server of the village, by way of the router: it says what a call would be now and seals that, and makes the
 * call that was approved. Knows no server and no address.
 */
import type { z } from 'zod';
import { approvedOutput, bindingOutput } from '../../shared/approvals.ts';
import type { RouterClient } from '../../shared/client/router-client.ts';
import { AppError } from '../../shared/errors.ts';
import { digest } from '../../shared/json/canonical.ts';
import { parseExact } from '../../shared/json/exact.ts';
import { APPROVALS, type Approval } from '../../shared/matrix/rows.ts';
import { type Actions, POLICY_SETTER } from './actions.ts';
import { bindCall, type CallBinding } from './binding.ts';
import type { Policies } from './policies.ts';

/** The router ends calls by its own limits; this one only must not come before them. */
const LONGEST_CALL_MS = 86_400_000;

export function routerActions(client: RouterClient, policies: Pick<Policies, 'validate'>): Actions {
  async function ask(by: object, argumentsText: string): Promise<{ binding: CallBinding; about: Bound }> {
    const about = bindingOutput.parse(await client.call('call_binding', { by, arguments_text: argumentsText }));
    const args = parseExact(argumentsText);
    return { binding: bindingOf(about, args), about };
  }

  return {
    async bind({ correlationId, type, justification, tool, args }) {
      const argumentsText = JSON.stringify(args);
      const { binding, about } = await ask({ correlation_id: correlationId, tool, justification }, argumentsText);
      refuseWeaker(type, about.approval, tool);
      if (binding.serverId === POLICY_SETTER.serverId && binding.tool === POLICY_SETTER.tool) {
        policies.validate(String(args.policy), args.value);
      }
      return { tool: about.tool, argumentsText, binding, ticket: about.ticket };
    },
    async rebind({ argumentsText, ticket }) {
      if (ticket === undefined) throw new AppError('INVALID_PARAMS', { text: 'It was proposed without a router' });
      return (await ask({ ticket }, argumentsText)).binding;
    },
    async call({ fence, action: { argumentsText, ticket }, proposal }) {
      const args = { proposal_id: proposal.id, fence, ticket, arguments_text: argumentsText };
      const { outcome, is_error, text } = approvedOutput.parse(
        await client.call('approved_call', args, LONGEST_CALL_MS).catch(lostUnlessNotSent),
      );
      if (outcome === 'unknown') throw new AppError('OUTCOME_UNKNOWN');
      return { outcome: is_error || outcome === 'not_run' ? 'failed' : 'executed', resultText: text };
    },
  };
}

type Bound = z.output<typeof bindingOutput>;

export function bindingOf(
  about: Pick<Bound, 'caller' | 'server_id' | 'own_name' | 'definition_digest' | 'row_digest'>,
  args: unknown,
): CallBinding {
  const call = {
    caller: about.caller,
    serverId: about.server_id,
    tool: about.own_name,
    definitionDigest: about.definition_digest,
    arguments: args,
    matrixVersion: about.row_digest,
  };
  return bindCall(call, digest);
}

/** A proposal may not be easier to pass than the matrix asks for the call itself. */
function refuseWeaker(type: Approval, needed: Approval | null, tool: string): void {
  if (needed === null || APPROVALS.indexOf(type) >= APPROVALS.indexOf(needed)) return;
  throw new AppError('INVALID_PARAMS', {
    text: `${tool} needs a proposal of type ${needed} or stronger, and this one is a ${type}; propose it as ${needed}`,
  });
}

/** What the call itself came to, the router says in its result; an error of the way there leaves it open. */
function lostUnlessNotSent(error: unknown): never {
  if (error instanceof AppError && (error.kind === 'CONNECTION_FAILED' || error.kind === 'UNAUTHENTICATED'))
    throw error;
  throw new AppError('OUTCOME_UNKNOWN', { cause: error });
}
