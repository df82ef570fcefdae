/**
 * Step 4: a call that needs a vote does not pass without one (G5). It becomes a proposal of the governance server, and its
 * caller learns the state, or the outcome, in words that a model can act on. Without that server nothing passes.
 */

import { z } from 'zod';
import { APPROVAL_META_KEY, type gateInput, gateOutput } from '../../shared/approvals.ts';
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { ASSERTION_META_KEY } from '../../shared/identity/proof.ts';
import { GATE_PERMISSION } from '../../shared/identity/roles.ts';
import { decodeOctets, encodeOctets, type Octets, parseOctets, stringifyOctets } from '../../shared/json/octets.ts';
import type { Allowed } from '../../shared/matrix/decide.ts';
import { rowDigest, ticketFor } from '../approval/binding.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { memberOf, octetsOf, progressTokenOf } from '../message.ts';
import type { Router } from '../router.ts';
import type { Answer } from '../upstreams/peer.ts';
import { justificationOf } from './authorize.ts';
import { passProgress } from './forward.ts';
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
export async function askGovernance(
  call: Call,
  entry: Entry,
  allowed: Allowed,
  router: Router,
): Promise<Answer | undefined> {
  if (call.approval !== undefined) {
    useApproval(call, entry, allowed, router);
    return undefined;
  }
  const { approval } = allowed;
  if (approval === undefined) return undefined;
  if (entry.target.kind !== 'tool')
    throw unasked(`Only calls of tools are put to the vote, and this needs a ${approval}`);
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

type Gate = z.output<typeof gateOutput>;

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
    return readAnswer(answer);
  } catch (error) {
    if (call.ended !== undefined || (error instanceof AppError && KEPT.has(error.kind))) throw error;
    throw unasked(`This call needs an approved ${approval}, and no governance server answers to take the votes`, error);
  } finally {
    call.running = undefined;
    call.left = false;
  }
}

const KEPT: ReadonlySet<string> = new Set(['APPROVAL_REQUIRED', 'EMERGENCY_STOP', 'INVALID_PARAMS', 'UNAUTHENTICATED']);

function unasked(text: string, cause?: unknown): AppError {
  return new AppError('APPROVAL_REQUIRED', { text: `${text}. Nothing was run`, cause });
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

function readAnswer({ ok, octets }: Answer): Gate {
  if (!ok) throw new AppError('UPSTREAM_INVALID');
  const { isError, structuredContent, content } = resultSchema.parse(parseOctets(octets));
  // Its words are meant for the caller: too many open proposals, or nobody who could vote.
  if (isError === true) throw unasked(`It cannot be put to the vote: ${content.map(({ text = '' }) => text).join('')}`);
  return gateOutput.parse(structuredContent);
}

function answerFor(gate: Gate): Answer {
  if (gate.status === 'executed' || gate.status === 'failed') return outcome(gate);
  return state(gate, wordsFor(gate));
}

/** The stored outcome, as it was. */
function outcome(gate: Gate): Answer {
  const { outcome_text: text, outcome_bytes: bytes, status } = gate;
  if (text === null) {
    const lost = bytes === null ? 'a voter settled its outcome' : `its result of ${bytes} bytes was too long to keep`;
    return state(gate, `Proposal ${gate.proposal_id} is ${status}: ${lost}. It is not run again.`, status === 'failed');
  }
  const octets = encodeOctets(text);
  const refusal = status === 'failed' ? refusalIn(text) : undefined;
  return refusal === undefined ? { ok: true, octets } : { ok: false, octets: stringifyOctets(refusal) };
}

const refusalSchema = z.strictObject({
  error: z.looseObject({ code: z.number(), message: z.string() }),
});

/** A call that came to no result is kept as `{"error": …}`; a tool's result never has that alone. */
function refusalIn(text: string): object | undefined {
  const parsed = refusalSchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data.error : undefined;
}

function state({ proposal_id, status, expires_at }: Gate, text: string, isError = true): Answer {
  const result = {
    content: [{ type: 'text', text }],
    isError,
    _meta: { [APPROVAL_META_KEY]: { proposalId: proposal_id, status, expiresAt: expires_at } },
  };
  return { ok: true, octets: stringifyOctets(result) as Octets };
}

function wordsFor({ proposal_id: id, status, type, approvals, required, voters, expires_at: until }: Gate): string {
  const again = 'Call it again with the same arguments to learn the state or to get the result.';
  switch (status) {
    case 'voting_ongoing':
      return (
        `This call needs a vote and has not run. It is proposal ${id} (${type}): ${approvals} of ${required} approvals, ` +
        `by ${voters.join(', ')}, until ${until}. It runs by itself, once, when it is approved. ${again} ` +
        `governance_status with this proposal_id shows the votes. Do not try to reach the same in another way.`
      );
    case 'approved':
    case 'executing':
      return `Proposal ${id} is approved and its call is being made. ${again}`;
    case 'outcome_unknown':
      return (
        `The call of proposal ${id} was made and its outcome was lost: it may or may not have taken effect. It is not run ` +
        'again; a voter settles it with governance_resolve.'
      );
    case 'rejected':
      return `This call was put to the vote and rejected (proposal ${id}). It has not run. The answer holds until ${until}.`;
    default:
      return `Proposal ${id} for this call is ${status}. It has not run; call it again to put it to a new vote.`;
  }
}
