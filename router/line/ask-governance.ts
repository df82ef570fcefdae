/**
 * Step 4: a call that needs a vote does not pass without one (G5). It becomes a proposal of the governance server, and its
 * caller learns the state, or the outcome, in words that a model can act on. Without that server nothing passes.
 */

import { z } from 'zod';
import { type gateInput, gateOutput } from '../../shared/approvals.ts';
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { ASSERTION_META_KEY } from '../../shared/identity/proof.ts';
import { GATE_PERMISSION } from '../../shared/identity/roles.ts';
import { decodeOctets, parseOctets, stringifyOctets } from '../../shared/json/octets.ts';
import type { Allowed } from '../../shared/matrix/decide.ts';
import { answerFor, type Gate } from '../approval/answer.ts';
import { rowDigest, ticketFor } from '../approval/binding.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { memberOf, octetsOf, progressTokenOf } from '../message.ts';
import type { Router } from '../router.ts';
import type { Answer } from '../upstreams/peer.ts';
import { justificationOf } from './authorize.ts';
import { passProgress } from './params.ts';
import { recordAsked } from './record.ts';

const GOVERNANCE = 'governance';
/** An answer without a wait. */
const ANSWER_MS = 15_000;
/** What is left of the hard maximum, so that a caller that waited learns the state and not of a time-out. */
const MARGIN_MS = 2_000;

/**
 * @returns the answer for the caller; undefined when the call goes on: nobody has to be asked, or it was approved
 * @throws AppError APPROVAL_REQUIRED when it cannot be put to the vote
 */
export function askGovernance(call: Call, entry: Entry, allowed: Allowed, router: Router): Promise<Answer> | undefined {
  if (call.approval === undefined)
    return allowed.approval === undefined ? undefined : putToVote(call, entry, allowed, allowed.approval, router);
  useApproval(call, entry, allowed, router);
  return undefined;
}

async function putToVote(
  call: Call,
  entry: Entry,
  allowed: Allowed,
  approval: NonNullable<Allowed['approval']>,
  router: Router,
): Promise<Answer> {
  if (entry.target.kind !== 'tool')
    throw unasked(approval, `Only calls of tools are put to the vote, and this needs a ${approval}`);
  await recordAsked(call, entry, allowed, router.audit);
  call.check();
  return answerFor(await ask(call, entry, { ...allowed, approval }, router));
}

/** The call of an approved proposal: it must be now what it was then, and it goes once. */
function useApproval(call: Call, entry: Entry, { row }: Allowed, router: Router): void {
  const { proposalId, fence, definitionDigest, rowDigest: approvedRow } = call.approval!;
  if (entry.item.digest !== definitionDigest || rowDigest(row) !== approvedRow) {
    throw new AppError('CONFLICT', {
      text: "Since it was approved, the tool's definition or the permission matrix changed; propose it again",
      data: { proposal_id: proposalId, status: 'void' },
    });
  }
  router.approvals.use(proposalId, fence, Date.now());
}

async function ask(
  call: Call,
  entry: Entry,
  { row, approval }: Allowed & { approval: NonNullable<Allowed['approval']> },
  router: Router,
): Promise<Gate> {
  const { params, text } = call.message;
  const member = memberOf(params, 'arguments');
  const argumentsText = member === undefined ? '{}' : decodeOctets(octetsOf(text, member));
  const justification = (justificationOf(call) ?? '').slice(0, 4_000);
  const ticket = ticketFor(call.caller, entry, row, argumentsText, justification);
  const token = progressTokenOf(call.message);
  const { maxTimeoutMs } = router.settings;
  const timeoutMs = token === undefined ? Math.min(ANSWER_MS, maxTimeoutMs) : maxTimeoutMs;
  const input: z.input<typeof gateInput> = {
    call: {
      server_id: ticket.serverId,
      own_name: ticket.tool,
      tool: entry.target.kind === 'tool' ? entry.target.listedName : entry.name,
      definition_digest: ticket.definitionDigest,
      row_digest: ticket.rowDigest,
      arguments_text: argumentsText,
      ticket: router.tickets.seal(ticket),
    },
    approval,
    read_only: entry.item.readOnly,
    justification,
    wait_ms: token === undefined ? 0 : Math.max(0, maxTimeoutMs - MARGIN_MS),
  };
  try {
    const server = router.catalog.server(GOVERNANCE);
    if (server?.options.isBuiltIn !== true) throw new AppError('UPSTREAM_UNAVAILABLE');
    const peer = await server.start();
    const assertion = await router.identity.assertion(asking(call.caller), GOVERNANCE);
    call.check();
    const meta = { [ASSERTION_META_KEY]: assertion, ...(token !== undefined && { progressToken: peer.upcomingId }) };
    const request = stringifyOctets({ name: 'governance_gate', arguments: input, _meta: meta });
    const answer = await peer.request('tools/call', request, {
      call,
      timeoutMs,
      maxMs: timeoutMs,
      ...(token !== undefined && { progress: (message) => passProgress(call, message, token) }),
    });
    return readAnswer(answer, approval);
  } catch (error) {
    if (call.ended !== undefined || (error instanceof AppError && KEPT.has(error.kind))) throw error;
    throw unasked(
      approval,
      `This call needs an approved ${approval}, and no governance server answers to take the votes`,
      error,
    );
  } finally {
    call.left = false;
  }
}

const KEPT: ReadonlySet<string> = new Set(['APPROVAL_REQUIRED', 'EMERGENCY_STOP', 'INVALID_PARAMS', 'UNAUTHENTICATED']);

function unasked(approval: string, text: string, cause?: unknown): AppError {
  return new AppError('APPROVAL_REQUIRED', { text: `${text}. Nothing was run`, data: { approval }, cause });
}

const askers = new WeakMap<Caller, Caller>();

/** The caller, with the right that only the router's own question has. The same object each time, so that assertions are kept. */
function asking(caller: Caller): Caller {
  let known = askers.get(caller);
  if (known === undefined) {
    known = Object.freeze({ ...caller, permissions: Object.freeze([...caller.permissions, GATE_PERMISSION]) });
    askers.set(caller, known);
  }
  return known;
}

const resultSchema = z.looseObject({
  isError: z.boolean().optional(),
  structuredContent: z.unknown().optional(),
  content: z.array(z.looseObject({ text: z.string().optional() })),
});

function readAnswer({ ok, octets }: Answer, approval: string): Gate {
  if (!ok) throw new AppError('UPSTREAM_INVALID');
  const { isError, structuredContent, content } = resultSchema.parse(parseOctets(octets));
  // Its words are meant for the caller: too many open proposals, or nobody who could vote.
  if (isError === true)
    throw unasked(approval, `It cannot be put to the vote: ${content.map(({ text = '' }) => text).join('')}`);
  return gateOutput.parse(structuredContent);
}
