/** Every message of a client that has a session comes here, whatever door it came by, and goes where its method says. */
import { AppError, ERRORS, toAppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { type Octets, stringifyOctets } from '../../shared/json/octets.ts';
import { Call, Cancelled, type Exchange } from '../call.ts';
import { Limited } from '../limits/limits.ts';
import { held } from '../limits/slow-down.ts';
import { callTool } from '../line/call-tool.ts';
import { checkAgent, isStopped } from '../line/check-stop.ts';
import { limitCaller, limitPing } from '../line/limit-rate.ts';
import { recordFailure } from '../line/record.ts';
import { type Message, memberOf, octetsOf } from '../message.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import type { Answer } from '../upstreams/peer.ts';
import { initialize } from './initialize.ts';
import { list, listOf } from './lists.ts';
import { setLevel } from './logging.ts';
import { answered, dropQuestions, progressed } from './questions.ts';
import { subscribe, unsubscribe } from './subscriptions.ts';

const EMPTY = '{}' as Octets;

/** A request: exactly one answer goes to `exchange`, or none when the client cancels it. Never rejects. */
export async function receiveRequest(
  router: Router,
  session: Session,
  caller: Caller,
  message: Message,
  exchange: Exchange,
): Promise<void> {
  const id = message.id!;
  router.figures.messages.request++;
  if (session.calls.has(id)) {
    exchange.answer(errorAnswer(id, new AppError('INVALID_ID', { text: 'A request with this id is in flight' })));
    return;
  }
  const call = new Call(session, caller, message, exchange);
  session.calls.set(id, call);
  let answer: Octets | undefined;
  try {
    const { ok, octets } = await handle(router, call);
    answer = `{"jsonrpc":"2.0","id":${id},"${ok ? 'result' : 'error'}":${octets}}` as Octets;
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error instanceof Limited) {
      exchange.retryAfter?.(Number(error.data?.retryAfterMs));
      await held();
    }
    answer = error instanceof Cancelled ? undefined : errorAnswer(id, logged(router, call, error));
  }
  session.calls.delete(id);
  if (session.questions.size > 0) dropQuestions(session, call);
  exchange.answer(answer, call.holding);
  if (router.log.isLevelEnabled('debug')) logAnswer(router, call);
}

/** The same id stands in the audit's records of the call and in the log lines of the server that ran it (X5). */
function logAnswer({ log }: Router, { correlationId, caller, message, startedAt }: Call): void {
  const durationMs = Math.round(performance.now() - startedAt);
  log.debug({ correlationId, agent: caller.agentId, method: message.method, durationMs }, 'answered');
}

function handle(router: Router, call: Call): Answer | Promise<Answer> {
  switch (call.message.method) {
    case 'tools/call':
    case 'resources/read':
    case 'prompts/get':
    case 'completion/complete':
      return callTool(call, router);
    case 'resources/subscribe':
      return subscribe(router, call);
    case 'ping':
      return ping(router, call);
  }
  return handleOther(router, call);
}

/** Not among the calls of a caller: a client that was told to wait may ask whether we live. But not without end. */
function ping(router: Router, call: Call): Answer {
  limitPing(call, router);
  return { ok: true, octets: EMPTY };
}

/** What passes no line: it counts all the same. */
async function handleOther(router: Router, call: Call): Promise<Answer> {
  const { session, message } = call;
  await limitOther(router, call);
  switch (message.method) {
    case 'resources/unsubscribe':
      checkAgent(session.agentId, router);
      return unsubscribe(router, call);
    case 'logging/setLevel':
      checkAgent(session.agentId, router);
      setLevel(router, session, message);
      return { ok: true, octets: EMPTY };
    case 'initialize':
      return { ok: true, octets: await initialize(router, session, message) };
  }
  const which = listOf(message.method);
  if (which === undefined)
    throw new AppError('METHOD_NOT_FOUND', { text: `Method not found: ${message.method.slice(0, 100)}` });
  router.identity.check(call.caller);
  return { ok: true, octets: await list(router, session, call.caller, which, message) };
}

/** Throws Limited, with a record of it. */
async function limitOther(router: Router, call: Call): Promise<void> {
  try {
    await limitCaller(call, router);
  } catch (error) {
    if (error instanceof Limited) await recordFailure(call, undefined, error, false, router.audit);
    throw error;
  }
}

/** A notification, or the answer to what this client was asked. Of a stopped caller nothing is passed on. */
export function receiveOther(router: Router, session: Session, message: Message): void {
  if (isStopped(session.agentId, router)) return;
  if (message.kind === 'result' || message.kind === 'error') {
    router.figures.messages.answer++;
    answered(session, message);
    return;
  }
  router.figures.messages.notification++;
  switch (message.method) {
    case 'notifications/cancelled':
      cancel(session, message);
      return;
    case 'notifications/progress':
      progressed(session, message);
      return;
    case 'notifications/roots/list_changed':
      for (const peer of session.used) peer.notify(message.method);
  }
}

/** Only a session's own calls are found here; those of others do not exist for it (B03). */
function cancel(session: Session, message: Message): void {
  const requestId = memberOf(message.params, 'requestId');
  const call = requestId === undefined ? undefined : session.calls.get(octetsOf(message.text, requestId));
  const reason = memberOf(message.params, 'reason');
  call?.end(new Cancelled(), reason === undefined ? undefined : octetsOf(message.text, reason));
}

export function errorAnswer(id: Octets | string, error: AppError): Octets {
  return `{"jsonrpc":"2.0","id":${id},"error":${stringifyOctets(error.toJsonRpc())}}` as Octets;
}

function logged(router: Router, call: Call, error: AppError): AppError {
  router.figures.failed(ERRORS[error.kind].reason);
  if (error.kind !== 'INTERNAL') return error;
  router.log.error(
    { err: error.cause, correlationId: call.correlationId, method: call.message.method },
    'a call failed inside the router',
  );
  return new AppError('INTERNAL', { data: { correlationId: call.correlationId } });
}
