/**
 * The call of an approved proposal, in its requester's name and through the line like any other: stop, revocation, matrix and
 * definition are looked at again. Says whether it ran, which only the router can know.
 */
import type { z } from 'zod';
import type { approvedOutput } from '../../shared/approvals.ts';
import { AppError, toAppError } from '../../shared/errors.ts';
import { decodeOctets, encodeOctets, type Octets, stringifyOctets } from '../../shared/json/octets.ts';
import { Call, type Exchange } from '../call.ts';
import { JUSTIFICATION_META_KEY } from '../line/authorize.ts';
import { callTool } from '../line/call-tool.ts';
import { readClientMessage } from '../message.ts';
import type { Router } from '../router.ts';
import type { Answer } from '../upstreams/peer.ts';
import { argumentsDigest } from './binding.ts';
import { requesterOf, type Ticket } from './ticket.ts';

export interface ApprovedCall {
  readonly proposalId: string;
  readonly fence: number;
  readonly ticket: Ticket;
  /** What was approved, and what is sent. */
  readonly argumentsText: string;
  /** The server that has it made. */
  readonly executor: string;
}

type Outcome = z.input<typeof approvedOutput>;

/** Nobody listens beside the governance server, which gets the answer alone. */
const NOWHERE: Exchange = { send: () => {}, answer: () => {} };

export async function makeApprovedCall(router: Router, approved: ApprovedCall): Promise<Outcome> {
  const { ticket, argumentsText, proposalId, fence, executor } = approved;
  if (argumentsDigest(argumentsText) !== ticket.argumentsDigest) {
    return notRun(new AppError('SECURITY_VIOLATION', { text: 'These are not the arguments that were approved' }));
  }
  const caller = requesterOf(ticket, executor);
  const session = router.sessions.open({
    caller,
    endpoint: ticket.serverId,
    door: 'approved',
    outlet: { send: () => {}, open: true, cut: () => {}, close: () => {} },
  });
  const call = new Call(session, caller, readClientMessage(messageOf(ticket, argumentsText)), NOWHERE);
  call.approval = {
    proposalId,
    fence,
    executor,
    definitionDigest: ticket.definitionDigest,
    rowDigest: ticket.rowDigest,
  };
  session.calls.set(call.id, call);
  try {
    return answered(await callTool(call, router));
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.kind === 'INTERNAL') router.log.error({ err: error.cause, proposalId }, 'an approved call failed');
    return call.left && error.kind !== 'UPSTREAM_UNAVAILABLE'
      ? { ...notRun(error), outcome: 'unknown' }
      : notRun(error);
  } finally {
    call.holding?.release();
    session.calls.delete(call.id);
    router.sessions.close(session, 'its call is over');
  }
}

function messageOf({ tool, justification }: Ticket, argumentsText: string): Octets {
  const meta = justification === '' ? '' : `,"_meta":${stringifyOctets({ [JUSTIFICATION_META_KEY]: justification })}`;
  const params = `{"name":${stringifyOctets(tool)},"arguments":${encodeOctets(argumentsText)}${meta}}`;
  return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}` as Octets;
}

function answered({ ok, octets }: Answer): Outcome {
  const text = decodeOctets(octets);
  if (!ok) return { outcome: 'answered', is_error: true, text: `{"error":${text}}` };
  return { outcome: 'answered', is_error: isToolError(text), text };
}

function isToolError(text: string): boolean {
  const result: unknown = JSON.parse(text);
  return typeof result === 'object' && result !== null && 'isError' in result && result.isError === true;
}

function notRun(error: AppError): Outcome {
  return { outcome: 'not_run', is_error: true, text: JSON.stringify({ error: error.toJsonRpc() }) };
}
