/**
 * The audit's part in a call: one record before anything leaves, one with the outcome, or one for a refusal. Each is
 * committed before the call goes on; a record that cannot be written is an error (D1).
 */
import { AppError, ERRORS } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import type { Octets } from '../../shared/json/octets.ts';
import type { Allowed } from '../../shared/matrix/decide.ts';
import { targetName } from '../../shared/matrix/match.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { type AuditEntry, type AuditOutcome, Subject } from '../audit/entry.ts';
import { type Call, Cancelled } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { Limited } from '../limits/limits.ts';
import { type Message, memberOf, octetsOf, stringOf } from '../message.ts';
import type { Session } from '../session.ts';
import type { Answer } from '../upstreams/peer.ts';
import { Denied } from './authorize.ts';
import { Screened } from './screen.ts';

/** Before the call leaves. Rejects with AppError AUDIT_UNAVAILABLE. */
export function recordStart(call: Call, entry: Entry, audit: AuditLog): Promise<unknown> {
  return audit.append(recordOf('call_started', call, entry), argumentsOf(call));
}

/** Before a call is put to the vote: it does not run now. Rejects with AppError AUDIT_UNAVAILABLE. */
export function recordAsked(call: Call, entry: Entry, { approval }: Allowed, audit: AuditLog): Promise<unknown> {
  call.outcome = 'pending_approval';
  const details = { type: approval ?? null };
  return audit.append(recordOf('proposal', call, entry, { outcome: 'pending_approval', details }), argumentsOf(call));
}

/** The answer was kept from an earlier call, before it is passed on: nothing runs. Rejects with AppError AUDIT_UNAVAILABLE. */
export function recordHit(call: Call, entry: Entry, audit: AuditLog): Promise<unknown> {
  return finish(call, entry, 'cached', audit);
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
  call.outcome = outcome;
  const end = { outcome, reason, durationMs: durationMs(call) };
  return audit.append(recordOf('call_finished', call, entry, end), argumentsOf(call));
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
  const end = { outcome: refusalOf(error), reason, durationMs: durationMs(call), details: whyOf(call, error) };
  await audit.append(recordOf(kindOfRefusal(error), call, entry, end), argumentsOf(call));
}

type End = Pick<AuditEntry, 'outcome' | 'reason' | 'durationMs' | 'details'>;
const NO_END: End = {};

/** Always the same shape: there are two of these for each call. */
function recordOf(kind: AuditEntry['kind'], call: Call, entry: Entry | undefined, end: End = NO_END): AuditEntry {
  const { origin, span } = call;
  return {
    kind,
    callId: call.correlationId,
    subject: subjectOf(call, entry),
    outcome: end.outcome,
    reason: end.reason,
    durationMs: end.durationMs,
    workflow: origin.workflow,
    trace: origin.trace ?? span?.traceId,
    details: end.details ?? detailsOf(call),
  };
}

interface Known {
  readonly caller: Caller;
  readonly entry: Entry | undefined;
  readonly method: string;
  readonly rule: string | undefined;
  readonly subject: Subject;
}

/** The latest subject of each session: agents call the same tool again and again, and each call has two records. */
const latest = new WeakMap<Session, Known>();

function subjectOf({ caller, session, message, rule }: Call, entry: Entry | undefined): Subject {
  const { method } = message;
  const known = latest.get(session);
  if (known?.caller === caller && known.entry === entry && known.method === method && known.rule === rule && entry)
    return known.subject;
  const subject = new Subject({
    agent: caller.agentId,
    tokenId: caller.tokenId,
    session: session.publicId,
    method: method === 'tools/call' ? undefined : method,
    server: entry?.server.id,
    // One name for one thing, whichever endpoint it was asked by.
    [kindOf(message, entry)]:
      (entry && targetName(entry.target)) ?? stringOf(message, 'name') ?? stringOf(message, 'uri'),
    definitionDigest: entry?.item.digest,
    rule,
  });
  latest.set(session, { caller, entry, method, rule, subject });
  return subject;
}

/** What few calls have: the vote behind it, and how often it was made anew at another copy of its server. */
function detailsOf(call: Call): AuditEntry['details'] {
  if (call.moves > 0) return { ...approvalOf(call), moves: call.moves };
  return call.approval === undefined ? undefined : approvalOf(call);
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
function whyOf(call: Call, error: AppError): AuditEntry['details'] {
  if (error instanceof Denied) return { ...approvalOf(call), reasons: error.reasons.join('; ') };
  return error instanceof Screened ? { score: error.score, features: error.explanation } : undefined;
}

export function refusalOf(error: AppError): AuditOutcome {
  if (error instanceof Cancelled) return 'cancelled';
  if (error instanceof Limited) return 'limited';
  if (error instanceof Screened) return 'blocked';
  return error.kind === 'EMERGENCY_STOP' ? 'stopped' : 'denied';
}

function kindOf({ method, params }: Message, entry: Entry | undefined): Entry['target']['kind'] {
  if (entry !== undefined) return entry.target.kind;
  if (method === 'tools/call') return 'tool';
  return memberOf(params, 'uri') === undefined ? 'prompt' : 'resource';
}

function argumentsOf(call: Call): Octets | undefined {
  const member = memberOf(call.message.params, 'arguments');
  return member === undefined ? undefined : octetsOf(call.message.text, member);
}

export function endOf(error: AppError): AuditOutcome {
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
