/** Subscriptions to resources: many sessions, one subscription upstream for each resource (P3, DESIGN §5). */
import { AppError } from '../../shared/errors.ts';
import { type Octets, stringifyOctets } from '../../shared/json/octets.ts';
import type { Call } from '../call.ts';
import { callTool } from '../line/call-tool.ts';
import { unknownName } from '../line/resolve.ts';
import { type Message, octetsOf, stringOf } from '../message.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import type { Answer, Peer } from '../upstreams/peer.ts';
import type { UpstreamServer } from '../upstreams/server.ts';

const EMPTY: Answer = { ok: true, octets: '{}' as Octets };

/** `resources/subscribe`: checked and recorded like a read; upstream it goes each time, which servers take as one. */
export async function subscribe(router: Router, call: Call): Promise<Answer> {
  const answer = await callTool(call, router);
  const uri = stringOf(call.message, 'uri');
  const entry = uri === undefined ? undefined : router.catalog.view(call.session.endpoint).resource(uri);
  if (answer.ok && uri !== undefined && entry !== undefined) call.session.subscriptions.set(uri, entry.server);
  return answer;
}

/** `resources/unsubscribe`: upstream when nobody else wants it. */
export function unsubscribe(router: Router, call: Call): Answer {
  const uri = stringOf(call.message, 'uri');
  if (uri === undefined)
    throw new AppError('INVALID_PARAMS', { text: 'resources/unsubscribe needs params.uri, a string' });
  const server = call.session.subscriptions.get(uri);
  if (server === undefined) throw unknownName('resource', uri);
  drop(router, call.session, uri, server);
  return EMPTY;
}

/** The session is over. */
export function dropSubscriptions(router: Router, session: Session): void {
  for (const [uri, server] of session.subscriptions) drop(router, session, uri, server);
}

function drop(router: Router, session: Session, uri: string, server: UpstreamServer): void {
  session.subscriptions.delete(uri);
  if (router.sessions.all().some((other) => other.subscriptions.get(uri) === server)) return;
  for (const peer of server.peers()) void ask(router, peer, 'resources/unsubscribe', uri);
}

/** A server is there again: what is wanted of it is asked for again. */
export function renewSubscriptions(router: Router, server: UpstreamServer): void {
  const wanted = new Set<string>();
  for (const session of router.sessions.all()) {
    for (const [uri, of] of session.subscriptions) if (of === server) wanted.add(uri);
  }
  for (const peer of server.peers()) for (const uri of wanted) void ask(router, peer, 'resources/subscribe', uri);
}

async function ask(router: Router, peer: Peer, method: string, uri: string): Promise<void> {
  const timeoutMs = router.settings.defaultTimeoutMs;
  try {
    await peer.request(method, stringifyOctets({ uri }), { timeoutMs, maxMs: timeoutMs });
  } catch (error) {
    router.log.warn({ method, err: error }, 'a subscription could not be changed at its server');
  }
}

/** `notifications/resources/updated`: to those who asked for it and may still see it. */
export function resourceUpdated(router: Router, server: UpstreamServer, peer: Peer, message: Message): void {
  const uri = stringOf(message, 'uri');
  if (uri === undefined || message.params === undefined) return;
  const text =
    `{"jsonrpc":"2.0","method":"${message.method}","params":${octetsOf(message.text, message.params)}}` as Octets;
  for (const session of peer.session === undefined ? router.sessions.all() : [peer.session]) {
    if (session.subscriptions.get(uri) !== server) continue;
    if (router.matrix.visible(session.caller, { kind: 'resource', uri, serverId: server.id })) session.send(text);
  }
}
