/**
 * Requests that servers make of clients (sampling, elicitation, roots): to the one client whose call they belong to, if it
 * said that it takes them, and its answer back. Nobody else is asked, nobody else can answer (B04).
 */
import { AppError } from '../../shared/errors.ts';
import { type Octets, stringifyOctets } from '../../shared/json/octets.ts';
import type { Call } from '../call.ts';
import { type Edit, type Message, memberOf, octetsOf, progressTokenOf, splice, stringOf } from '../message.ts';
import type { Router } from '../router.ts';
import type { ClientCapabilities, Question, Session } from '../session.ts';
import type { Peer } from '../upstreams/peer.ts';
import { ownerOfQuestion } from './belongs.ts';

/** A request of an upstream came in. */
export function ask(router: Router, peer: Peer, message: Message, carrier: Call | undefined): void {
  try {
    put(router, peer, message, carrier);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    peer.respond(message.id!, `"error":${stringifyOctets(error.toJsonRpc())}` as Octets);
  }
}

function put(router: Router, peer: Peer, message: Message, carrier: Call | undefined): void {
  const owner = ownerOfQuestion(peer, carrier);
  if (owner === undefined) {
    router.log.warn(
      { method: message.method },
      'a server asked something while several clients had calls there, or none; refused. Set "isolation": "session" for it',
    );
    throw new AppError('METHOD_NOT_FOUND', {
      text: 'No single client can be asked: several have calls in flight here, or none has',
    });
  }
  const { session, call } = owner;
  if (call !== undefined) call.isPrivate = true;
  if (!takes(session.capabilities, message)) {
    throw new AppError('METHOD_NOT_FOUND', { text: `The client did not say that it takes ${message.method}` });
  }
  const id = session.takeQuestionId();
  const token = progressTokenOf(message);
  const question: Question = {
    peer,
    id: message.id!,
    call,
    release: call === undefined ? () => {} : peer.hold(call),
    progressToken: token === undefined ? undefined : octetsOf(message.text, token),
  };
  session.questions.set(id, question);
  const edits: Edit[] = token === undefined ? [] : [{ start: token.start, end: token.end, octets: String(id) }];
  const params =
    message.params === undefined
      ? ''
      : `,"params":${splice(message.text, message.params.start, message.params.end, edits)}`;
  tell(
    session,
    question,
    `{"jsonrpc":"2.0","id":${id},"method":${stringifyOctets(message.method)}${params}}` as Octets,
  );
}

/** What is said of a question goes the way that the question goes. */
function tell(session: Session, { call }: Question, text: Octets): void {
  if (call === undefined) session.send(text);
  else call.exchange.send(text);
}

function takes(capabilities: ClientCapabilities, message: Message): boolean {
  switch (message.method) {
    case 'sampling/createMessage':
      return capabilities.sampling !== undefined;
    case 'roots/list':
      return capabilities.roots !== undefined;
    case 'elicitation/create': {
      const { elicitation } = capabilities;
      if (elicitation === undefined) return false;
      if (stringOf(message, 'mode') === 'url') return elicitation.url !== undefined;
      return elicitation.form !== undefined || elicitation.url === undefined;
    }
    default:
      return false;
  }
}

/** The client answered. An id that was not asked of this session is ignored. */
export function answered(session: Session, message: Message): void {
  const question = takeQuestion(session, message.id);
  if (question === undefined || message.value === undefined) return;
  question.peer.respond(question.id, `"${message.kind}":${octetsOf(message.text, message.value)}` as Octets);
}

/** The client reports progress on what it was asked. */
export function progressed(session: Session, message: Message): void {
  const token = memberOf(message.params, 'progressToken');
  const question = token === undefined ? undefined : session.questions.get(Number(octetsOf(message.text, token)));
  if (token === undefined || question?.progressToken === undefined || message.params === undefined) return;
  const edits = [{ start: token.start, end: token.end, octets: question.progressToken }];
  question.peer.notify(message.method, splice(message.text, message.params.start, message.params.end, edits));
}

/** An upstream takes a request back: the client is told, by the id that it knows. */
export function withdrawn(router: Router, peer: Peer, message: Message): void {
  const requestId = memberOf(message.params, 'requestId');
  if (requestId === undefined || message.params === undefined) return;
  const id = octetsOf(message.text, requestId);
  for (const session of router.sessions.all()) {
    for (const [ours, question] of session.questions) {
      if (question.peer !== peer || question.id !== id) continue;
      forget(session, ours);
      const edits = [{ start: requestId.start, end: requestId.end, octets: String(ours) }];
      const params = splice(message.text, message.params.start, message.params.end, edits);
      tell(session, question, `{"jsonrpc":"2.0","method":"${message.method}","params":${params}}` as Octets);
      return;
    }
  }
}

/** A call is over before its questions are answered: the client need not ask its person any more, the server not wait. */
export function dropQuestions(session: Session, call: Call): void {
  for (const [id, question] of session.questions) {
    if (question.call !== call) continue;
    tell(
      session,
      question,
      `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id},"reason":"the call is over"}}` as Octets,
    );
    refuse(session, id, question, 'The call that this belongs to is over');
  }
}

/** The client is gone: the servers that wait for its answers are told. */
export function failQuestions(session: Session): void {
  for (const [id, question] of session.questions) refuse(session, id, question, 'The client is gone');
}

function refuse(session: Session, id: number, question: Question, text: string): void {
  forget(session, id);
  const error = new AppError('CONNECTION_LOST', { text });
  question.peer.respond(question.id, `"error":${stringifyOctets(error.toJsonRpc())}` as Octets);
}

function takeQuestion(session: Session, id: Octets | undefined): Question | undefined {
  const number = Number(id);
  const question = session.questions.get(number);
  if (question !== undefined) forget(session, number);
  return question;
}

function forget(session: Session, id: number): void {
  session.questions.get(id)?.release();
  session.questions.delete(id);
}
