/**
 * Subscriptions to resources: many sessions, one subscription on each connection for each resource (P3, DESIGN §5). A
 * session's subscription names a server by its id, so that it outlives the server's restarts and changes.
 */
import { AppError } from '../../shared/errors.ts';
import { type Octets, stringifyOctets } from '../../shared/json/octets.ts';
import type { Call } from '../call.ts';
import { callTool } from '../line/call-tool.ts';
import { forwardTo, type Relay } from '../line/forward.ts';
import { unknownName } from '../line/resolve.ts';
import { type Message, octetsOf, stringOf } from '../message.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import type { Answer, Peer } from '../upstreams/peer.ts';
import type { UpstreamServer } from '../upstreams/server.ts';

const EMPTY: Answer = { ok: true, octets: '{}' as Octets };
const MAX_PER_SESSION = 1_000;

/**
 * What each connection was asked for and its latest answer, or the promise of it: whoever wants the same waits for that
 * first, so that subscribing and unsubscribing never overtake each other.
 */
const asked = new WeakMap<Peer, Map<string, Promise<Answer | undefined>>>();

/** `resources/subscribe`: checked and recorded like a read; the server is asked when nobody has subscribed yet. */
export async function subscribe(router: Router, call: Call): Promise<Answer> {
  return callTool(call, router, subscribeOnce);
}

const subscribeOnce: Relay = async (call, entry, timeoutMs, router) => {
  const { server, name: uri } = entry;
  const { subscriptions } = call.session;
  const isNew = !subscriptions.has(uri);
  if (isNew && subscriptions.size >= MAX_PER_SESSION) {
    throw new AppError('RATE_LIMITED', { text: `A session has at most ${MAX_PER_SESSION} subscriptions` });
  }
  // Wanted from now on, so that nobody who leaves meanwhile takes it away.
  subscriptions.set(uri, server.id);
  try {
    const peer = server.isBalanced ? (await server.copyFor(entry.item)).peer! : await server.peerFor(call.session);
    const answer = await first(peer, uri, call, () => forwardTo(peer, call, entry, timeoutMs, router));
    if (answer.ok) subscribeElsewhere(router, server, peer, uri);
    else if (isNew) subscriptions.delete(uri);
    return answer;
  } catch (error) {
    if (isNew) subscriptions.delete(uri);
    throw error;
  }
};

/** Any copy may be the one where the resource changes: each is asked to tell. */
function subscribeElsewhere(router: Router, server: UpstreamServer, asked: Peer, uri: string): void {
  if (!server.isBalanced) return;
  for (const { peer } of server.copies) {
    if (peer === undefined || peer === asked) continue;
    const answers = answersOf(peer);
    if (!answers.has(uri)) answers.set(uri, ask(router, peer, 'resources/subscribe', uri));
  }
}

/** Whether a session wants to hear of a resource of this server. */
export function isSubscribedTo(router: Router, serverId: string): boolean {
  for (const { subscriptions } of router.sessions.all()) {
    for (const id of subscriptions.values()) if (id === serverId) return true;
  }
  return false;
}

/** Asks by `ask`, unless another has asked the same and got it. */
async function first(peer: Peer, uri: string, call: Call, ask: () => Promise<Answer>): Promise<Answer> {
  const answers = answersOf(peer);
  for (let other = answers.get(uri); other !== undefined; other = answers.get(uri)) {
    const answer = await other.catch(() => undefined);
    call.check();
    if (answer?.ok === true) return EMPTY;
    if (answers.get(uri) === other) answers.delete(uri);
  }
  const own = ask();
  answers.set(uri, own);
  return own;
}

function answersOf(peer: Peer): Map<string, Promise<Answer | undefined>> {
  let answers = asked.get(peer);
  if (answers === undefined) {
    answers = new Map();
    asked.set(peer, answers);
  }
  return answers;
}

/** `resources/unsubscribe`: the server is told when nobody else wants it. */
export function unsubscribe(router: Router, call: Call): Answer {
  const uri = stringOf(call.message, 'uri');
  if (uri === undefined)
    throw new AppError('INVALID_PARAMS', { text: 'resources/unsubscribe needs params.uri, a string' });
  const serverId = call.session.subscriptions.get(uri);
  if (serverId === undefined) throw unknownName('resource', uri);
  drop(router, call.session, uri, serverId);
  return EMPTY;
}

/** The session is over. */
export function dropSubscriptions(router: Router, session: Session): void {
  for (const [uri, serverId] of session.subscriptions) drop(router, session, uri, serverId);
}

function drop(router: Router, session: Session, uri: string, serverId: string): void {
  session.subscriptions.delete(uri);
  for (const peer of router.catalog.server(serverId)?.peers() ?? []) {
    const others = peer.session === undefined ? router.sessions.all() : [peer.session];
    if (others.some((other) => other.subscriptions.get(uri) === serverId)) continue;
    const answers = answersOf(peer);
    const before = answers.get(uri);
    if (before === undefined) continue;
    const leaving = before
      .catch(() => undefined)
      .then(() => ask(router, peer, 'resources/unsubscribe', uri))
      .then(() => undefined);
    answers.set(uri, leaving);
    void leaving.then(() => {
      if (answers.get(uri) === leaving) answers.delete(uri);
    });
  }
}

/** A connection was made: what its sessions want of the server is asked for on it. */
export function renewSubscriptions(router: Router, server: UpstreamServer, peer: Peer): void {
  const answers = answersOf(peer);
  for (const session of peer.session === undefined ? router.sessions.all() : [peer.session]) {
    for (const [uri, serverId] of session.subscriptions) {
      if (serverId === server.id && !answers.has(uri)) answers.set(uri, ask(router, peer, 'resources/subscribe', uri));
    }
  }
}

/** Undefined when there is no answer. */
async function ask(router: Router, peer: Peer, method: string, uri: string): Promise<Answer | undefined> {
  const timeoutMs = router.settings.defaultTimeoutMs;
  try {
    return await peer.request(method, stringifyOctets({ uri }), { timeoutMs, maxMs: timeoutMs });
  } catch (error) {
    if (!peer.isClosed) router.log.warn({ method, err: error }, 'a subscription could not be changed at its server');
    return undefined;
  }
}

/** `notifications/resources/updated`: to those who asked for it and may still see it. */
export function resourceUpdated(router: Router, server: UpstreamServer, peer: Peer, message: Message): void {
  const uri = stringOf(message, 'uri');
  if (uri === undefined || message.params === undefined) return;
  const text =
    `{"jsonrpc":"2.0","method":"${message.method}","params":${octetsOf(message.text, message.params)}}` as Octets;
  for (const session of peer.session === undefined ? router.sessions.all() : [peer.session]) {
    if (!wants(session, server.id, uri)) continue;
    if (router.matrix.visible(session.caller, { kind: 'resource', uri, serverId: server.id })) session.send(text);
  }
}

/** The resource itself, or one that holds it: an update may name a part of what was subscribed to (MCP, "Resources"). */
function wants({ subscriptions }: Session, serverId: string, uri: string): boolean {
  if (subscriptions.get(uri) === serverId) return true;
  for (const [whole, id] of subscriptions) {
    if (id === serverId && uri.startsWith(whole.endsWith('/') ? whole : `${whole}/`)) return true;
  }
  return false;
}
