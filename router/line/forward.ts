/**
 * The call leaves for its server: with the server's own name for the thing, our progress token, and the caller's assertion
 * where the server takes one. Everything else is the client's own octets. What comes back is passed on as it is.
 */
import { AppError } from '../../shared/errors.ts';
import { ASSERTION_META_KEY } from '../../shared/identity/proof.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { stringifyOctets } from '../../shared/json/octets.ts';
import type { Member } from '../../shared/json/scan.ts';
import { CORRELATION_META_KEY } from '../../shared/request.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { type Edit, type Message, memberOf, octetsOf, progressTokenOf, splice } from '../message.ts';
import type { Router } from '../router.ts';
import type { Session } from '../session.ts';
import type { Answer, Peer } from '../upstreams/peer.ts';
import { checkStop } from './check-stop.ts';

/**
 * @param timeoutMs of the row that allowed it, if it sets one
 * @throws AppError UPSTREAM_UNAVAILABLE, TIMEOUT, RESULT_TOO_LARGE, CONNECTION_LOST, OUTCOME_UNKNOWN
 */
export type Relay = (call: Call, entry: Entry, timeoutMs: number | undefined, router: Router) => Promise<Answer>;

export const forward: Relay = async (call, entry, timeoutMs, router) => {
  const peer = await connectionFor(call, entry);
  try {
    return await send(call, entry, peer, timeoutMs, router);
  } catch (error) {
    if (!didNotRun(error) || !peer.isClosed) throw error;
    // The connection was over before the server took the call, such as a session that it forgot: a new one is made for it.
    call.check();
    return send(call, entry, await connectionFor(call, entry), timeoutMs, router);
  }
};

async function connectionFor({ session }: Call, { server }: Entry): Promise<Peer> {
  const found = server.peerFor(session);
  return found instanceof Promise ? await found : found;
}

/** Of the errors of a connection, the one that says that the server did not begin with the call. */
function didNotRun(error: unknown): boolean {
  return error instanceof AppError && error.kind === 'UPSTREAM_UNAVAILABLE';
}

async function send(
  call: Call,
  entry: Entry,
  peer: Peer,
  timeoutMs: number | undefined,
  router: Router,
): Promise<Answer> {
  const { server } = entry;
  const assertion = await assertionFor(call, entry, router);
  call.check();
  checkStop(call, router);
  noteUse(call.session, peer);
  const token = progressTokenOf(call.message);
  const { defaultTimeoutMs, maxTimeoutMs } = router.settings;
  try {
    return await peer.request(
      call.message.method,
      paramsFor(call, entry, peer, token, server.options.assertion === 'meta' ? assertion : undefined),
      {
        call,
        ...(assertion === undefined ? {} : { assertion }),
        timeoutMs: timeoutMs ?? server.options.timeoutMs ?? defaultTimeoutMs,
        maxMs: maxTimeoutMs,
        ...(token === undefined ? {} : { progress: (message) => passProgress(call, message, token) }),
      },
    );
  } catch (error) {
    throw error instanceof AppError && error.kind === 'CONNECTION_LOST' && call.ended === undefined
      ? lost(entry, error)
      : error;
  } finally {
    call.running = undefined;
  }
}

/** Connections come and go while a session lasts; those that are gone are let go. */
function noteUse(session: Session, peer: Peer): void {
  peer.useBy(session);
  if (session.used.has(peer)) return;
  for (const each of session.used) if (each.isClosed) session.used.delete(each);
  session.used.add(peer);
}

/** Remembered while it is fresh: then nothing is waited for. */
function assertionFor(call: Call, { server }: Entry, router: Router): string | Promise<string> | undefined {
  return server.options.assertion === undefined ? undefined : router.identity.assertion(call.caller, server.id);
}

/** The server was lost while it ran the call: whether it took effect is known only for a call that has none. */
function lost(entry: Entry, error: AppError): AppError {
  const { readOnly, idempotent } = entry.item;
  if (readOnly || idempotent) {
    return new AppError('CONNECTION_LOST', {
      text: 'The server was lost while it ran the call; it is safe to try again',
      cause: error,
    });
  }
  return new AppError('OUTCOME_UNKNOWN', { cause: error });
}

function paramsFor(
  call: Call,
  entry: Entry,
  peer: Peer,
  token: Member | undefined,
  assertion: string | undefined,
): Octets | undefined {
  const { message } = call;
  const { params, text } = message;
  if (params === undefined) return undefined;
  const edits: Edit[] = [];
  const name = memberOf(params, 'name');
  if (name !== undefined && entry.name !== entry.item.own)
    edits.push({ ...name, octets: stringifyOctets(entry.item.own) });
  const ref = memberOf(params, 'ref');
  if (ref !== undefined && entry.name !== entry.item.own && entry.target.kind === 'prompt')
    edits.push({ ...ref, octets: promptRef(entry) });
  if (token !== undefined) edits.push({ start: token.start, end: token.end, octets: String(peer.upcomingId) });
  if (assertion !== undefined) edits.push(withAssertion(message, assertion, call.correlationId));
  edits.sort((a, b) => a.start - b.start);
  return edits.length === 0 ? octetsOf(text, params) : splice(text, params.start, params.end, edits);
}

function promptRef(entry: Entry): Octets {
  return stringifyOctets({ type: 'ref/prompt', name: entry.item.own });
}

/** The edit that puts the assertion into `_meta`. A client cannot bring one of its own: duplicate keys are refused. */
function withAssertion(message: Message, assertion: string, correlationId: string): Edit {
  const members = `"${ASSERTION_META_KEY}":"${assertion}","${CORRELATION_META_KEY}":"${correlationId}"`;
  const meta = memberOf(message.params, '_meta');
  if (meta === undefined) {
    const at = message.params!.start + 1;
    const comma = message.params!.members!.length > 0 ? ',' : '';
    return { start: at, end: at, octets: `"_meta":{${members}}${comma}` };
  }
  if (meta.members === undefined) throw new AppError('INVALID_PARAMS', { text: '_meta must be an object' });
  if (meta.members.some(({ key }) => key === ASSERTION_META_KEY || key === CORRELATION_META_KEY)) {
    throw new AppError('INVALID_PARAMS', {
      text: `_meta["${ASSERTION_META_KEY}"] and ["${CORRELATION_META_KEY}"] are the router's own`,
    });
  }
  const at = meta.start + 1;
  return { start: at, end: at, octets: members + (meta.members.length > 0 ? ',' : '') };
}

/** A progress notification, with the token that the client chose. */
export function passProgress(call: Call, message: Message, token: Member): void {
  const ours = memberOf(message.params, 'progressToken');
  if (ours === undefined || message.params === undefined) return;
  const edits = [{ start: ours.start, end: ours.end, octets: octetsOf(call.message.text, token) }];
  const params = splice(message.text, message.params.start, message.params.end, edits);
  call.exchange.send(`{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}` as Octets);
}
