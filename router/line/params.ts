/**
 * What the server reads of a call: its own name for the thing, our progress token, and who calls where it takes that. All
 * else are the client's own octets. And the way back of progress. Sends nothing.
 */
import { AppError } from '../../shared/errors.ts';
import { ASSERTION_META_KEY } from '../../shared/identity/proof.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { stringifyOctets } from '../../shared/json/octets.ts';
import type { Member } from '../../shared/json/scan.ts';
import { CORRELATION_META_KEY } from '../../shared/request.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { type Edit, type Message, memberOf, octetsOf, splice } from '../message.ts';
import type { Peer } from '../upstreams/peer.ts';
import { TRACEPARENT_META_KEY } from './origin.ts';

/** The params as the server is to read them. Throws AppError INVALID_PARAMS when `_meta` claims what is the router's own. */
export function paramsFor(
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
  if (assertion !== undefined || call.span !== undefined) {
    const members = assertion === undefined ? '' : assertionMembers(message, assertion, call.correlationId);
    edits.push(...metaEdits(message, members, call.span?.traceparent));
  }
  edits.sort((a, b) => a.start - b.start);
  return edits.length === 0 ? octetsOf(text, params) : splice(text, params.start, params.end, edits);
}

function promptRef(entry: Entry): Octets {
  return stringifyOctets({ type: 'ref/prompt', name: entry.item.own });
}

/** Refuses a client that brings what is the router's own. Duplicate keys were refused before. */
function assertionMembers(message: Message, assertion: string, correlationId: string): string {
  const meta = memberOf(message.params, '_meta');
  if (meta?.members?.some(({ key }) => key === ASSERTION_META_KEY || key === CORRELATION_META_KEY)) {
    throw new AppError('INVALID_PARAMS', {
      text: `_meta["${ASSERTION_META_KEY}"] and ["${CORRELATION_META_KEY}"] are the router's own`,
    });
  }
  return `"${ASSERTION_META_KEY}":"${assertion}","${CORRELATION_META_KEY}":"${correlationId}"`;
}

/** The edits that put members, and the traceparent of our own span, into `_meta`. */
function metaEdits(message: Message, members: string, traceparent: string | undefined): Edit[] {
  const meta = memberOf(message.params, '_meta');
  const parent = traceparent === undefined ? undefined : memberOf(meta, TRACEPARENT_META_KEY);
  const edits: Edit[] =
    parent === undefined ? [] : [{ start: parent.start, end: parent.end, octets: `"${traceparent}"` }];
  const ours = traceparent === undefined || parent !== undefined ? '' : `"${TRACEPARENT_META_KEY}":"${traceparent}"`;
  const added = [members, ours].filter((part) => part !== '').join();
  if (added === '') return edits;
  if (meta === undefined) {
    const at = message.params!.start + 1;
    const comma = message.params!.members!.length > 0 ? ',' : '';
    return [{ start: at, end: at, octets: `"_meta":{${added}}${comma}` }];
  }
  if (meta.members === undefined) throw new AppError('INVALID_PARAMS', { text: '_meta must be an object' });
  const at = meta.start + 1;
  return [{ start: at, end: at, octets: added + (meta.members.length > 0 ? ',' : '') }, ...edits];
}

/** A progress notification, with the token that the client chose. */
export function passProgress(call: Call, message: Message, token: Member): void {
  const ours = memberOf(message.params, 'progressToken');
  if (ours === undefined || message.params === undefined) return;
  const edits = [{ start: ours.start, end: ours.end, octets: octetsOf(call.message.text, token) }];
  const params = splice(message.text, message.params.start, message.params.end, edits);
  call.exchange.send(`{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}` as Octets);
}
