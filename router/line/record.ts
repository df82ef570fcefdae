/**
 * The audit's part in a call: one record before anything leaves, one with the outcome, or one for a refusal. Each is
 * committed before the call goes on; a record that cannot be written is an error (D1).
 */
import { AppError, ERRORS } from '../../shared/errors.ts';
import type { Octets } from '../../shared/json/octets.ts';
import type { Allowed } from '../../shared/matrix/decide.ts';
import { targetName } from '../../shared/matrix/match.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { AuditEntry, AuditOutcome } from '../audit/entry.ts';
import { type Call, Cancelled } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { Limited } from '../limits/limits.ts';
import { memberOf, octetsOf, stringOf } from '../message.ts';
import type { Answer } from '../upstreams/peer.ts';
import { Denied } from './authorize.ts';
import { Screened } from './screen.ts';

/** Before the call leaves. Throws AppError AUDIT_UNAVAILABLE. */
export async function recordStart(call: Call, entry: Entry, audit: AuditLog): Promise<void> {
  await audit.append({ kind: 'call_started', ...about(call, entry) }, argumentsOf(call));
}

/** Before a call is put to the vote: it does not run now. Throws AppError AUDIT_UNAVAILABLE. */
export async function recordAsked(
  call: Call,
  entry: Entry,
  { row, approval }: Allowed,
  audit: AuditLog,
): Promise<void> {
  const details = { type: approval ?? null };
  await audit.append(
    { kind: 'proposal', ...about(call, entry), rule: row.match, outcome: 'pending_approval', details },
    argumentsOf(call),
  );
}

/** The answer was kept from an earlier call, before it is passed on: nothing runs. Throws AppError AUDIT_UNAVAILABLE. */
export async function recordHit(call: Call, entry: Entry, audit: AuditLog): Promise<void> {
  await finish(call, entry, 'cached', audit);
}

/** After the answer came, before it is passed on. */
export async function recordAnswer(call: Call, entry: Entry, answer: Answer, audit: AuditLog): Promise<void> {
  try {
    await finish(call, entry, outcomeOf(answer), audit);
  } catch (error) {
    throw new AppError('AUDIT_UNAVAILABLE', {
      text: 'The call ran, but its outcome cannot be recorded and is withheld',
      cause: error,
    });
  }
}

/** The record that closes a call tells all of it again, so that it can be read alone. */
function finish(
  call: Call,
  entry: Entry | undefined,
  outcome: AuditOutcome,
  audit: AuditLog,
  reason?: string,
): Promise<number> {
  return audit.append(
    { kind: 'call_finished', ...about(call, entry), outcome, reason, durationMs: durationMs(call) },
    argumentsOf(call),
  );
}

/** When a call ends without an answer: refused by a step, or failed on its way. */
export async function recordFailure(
  call: Call,
  entry: Entry | undefined,
  error: AppError,
  started: boolean,
  audit: AuditLog,
): Promise<void> {
  if (error.kind === 'AUDIT_UNAVAILABLE') return;
  const { reason } = ERRORS[error.kind];
  if (started) {
    await finish(call, entry, endOf(error), audit, reason).catch((cause: unknown) => {
      throw new AppError('AUDIT_UNAVAILABLE', { text: 'The call failed, and its outcome cannot be recorded', cause });
    });
    return;
  }
  const denied = whyOf(call, error);
  await audit.append(
    {
      kind: kindOfRefusal(error),
      ...about(call, entry),
      ...denied,
      outcome: refusalOf(error),
      reason,
      durationMs: durationMs(call),
    },
    argumentsOf(call),
  );
}

function about(call: Call, entry: Entry | undefined): Omit<AuditEntry, 'kind'> {
  return {
    callId: call.correlationId,
    agent: call.caller.agentId,
    tokenId: call.caller.tokenId,
    session: call.session.publicId,
    method: call.message.method === 'tools/call' ? undefined : call.message.method,
    server: entry?.server.id,
    // One name for one thing, whichever endpoint it was asked by.
    [kindOf(call, entry)]:
      (entry && targetName(entry.target)) ?? stringOf(call.message, 'name') ?? stringOf(call.message, 'uri'),
    definitionDigest: entry?.item.digest,
    rule: call.rule,
    ...((call.approval !== undefined || call.moves > 0) && { details: detailsOf(call) }),
  };
}

/** What few calls have: the vote behind it, and how often it was made anew at another copy of its server. */
function detailsOf(call: Call): NonNullable<AuditEntry['details']> {
  return call.moves > 0 ? { ...approvalOf(call), moves: call.moves } : approvalOf(call);
}

/** By which proposal it runs, and who has it made. */
function approvalOf({ approval }: Call): NonNullable<AuditEntry['details']> {
  if (approval === undefined) return {};
  const { proposalId, fence, executor } = approval;
  return { proposal: proposalId, fence, executor };
}

function kindOfRefusal(error: AppError): AuditEntry['kind'] {
  if (error instanceof Limited) return 'limited';
  return error instanceof Screened ? 'screened' : 'call_denied';
}

/** What the caller does not learn, or not so exactly. */
function whyOf(call: Call, error: AppError): Pick<AuditEntry, 'details'> {
  if (error instanceof Denied) return { details: { ...approvalOf(call), reasons: error.reasons.join('; ') } };
  if (error instanceof Screened) return { details: { score: error.score, features: error.explanation } };
  return {};
}

function refusalOf(error: AppError): AuditOutcome {
  if (error instanceof Cancelled) return 'cancelled';
  if (error instanceof Limited) return 'limited';
  if (error instanceof Screened) return 'blocked';
  return error.kind === 'EMERGENCY_STOP' ? 'stopped' : 'denied';
}

function kindOf(call: Call, entry: Entry | undefined): Entry['target']['kind'] {
  if (entry !== undefined) return entry.target.kind;
  if (call.message.method === 'tools/call') return 'tool';
  return memberOf(call.message.params, 'uri') === undefined ? 'prompt' : 'resource';
}

function argumentsOf(call: Call): Octets | undefined {
  const member = memberOf(call.message.params, 'arguments');
  return member === undefined ? undefined : octetsOf(call.message.text, member);
}

function endOf(error: AppError): AuditOutcome {
  if (error instanceof Cancelled) return 'cancelled';
  switch (error.kind) {
    case 'TIMEOUT':
      return 'timed_out';
    case 'RESULT_TOO_LARGE':
      return 'too_large';
    case 'OUTCOME_UNKNOWN':
      return 'unknown';
    case 'EMERGENCY_STOP':
      return 'stopped';
    default:
      return 'failed';
  }
}

const TOOL_ERROR = /"isError"\s*:\s*true/;

/** `ok`, `tool_error` (the tool said so in its result) or `failed` (a JSON-RPC error of the server). */
function outcomeOf(answer: Answer): AuditOutcome {
  if (!answer.ok) return 'failed';
  return TOOL_ERROR.test(answer.octets.length > 100_000 ? answer.octets.slice(-1_000) : answer.octets)
    ? 'tool_error'
    : 'ok';
}

function durationMs(call: Call): number {
  return Math.round((performance.now() - call.startedAt) * 1000) / 1000;
}
