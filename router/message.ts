/**
 * One JSON-RPC message as it came: what kind it is, and where its parts lie in its octets. Strict by choice: no duplicate
 * or look-alike keys, so that what is authorised is what is forwarded (SECURITY-CASES C04).
 */
import { AppError } from '../shared/errors.ts';
import { decodeOctets, type Octets, parseOctets } from '../shared/json/octets.ts';
import {
  JsonScanError,
  type Member,
  type Open,
  RELAY_LIMITS,
  type ScanLimits,
  STRICT_LIMITS,
  scanObject,
} from '../shared/json/scan.ts';

export interface Message {
  readonly kind: 'request' | 'notification' | 'result' | 'error';
  readonly text: Octets;
  /** The id's JSON text, such as `7` or `"a"`; absent on notifications. */
  readonly id: Octets | undefined;
  /** Of requests and notifications, else ''. */
  readonly method: string;
  readonly params: Part | undefined;
  /** Of a result or an error: where its value lies. */
  readonly value: Part | undefined;
}

/** A value inside a message's text, with its members when it is an object that was opened. */
export interface Part {
  readonly start: number;
  readonly end: number;
  readonly members: readonly Member[] | undefined;
}

const ENVELOPE: Open = [{ key: 'params', open: [{ key: '_meta', open: [] }] }];
/** Keys that decide something; another spelling of one of them is refused. */
const KEYS = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error']);
const PARAMS_KEYS = new Set([
  'name',
  'arguments',
  '_meta',
  'uri',
  'ref',
  'argument',
  'cursor',
  'requestid',
  'progresstoken',
]);
const META_KEYS = new Set(['progresstoken']);
const SPELLED = new Map([
  ['requestid', 'requestId'],
  ['progresstoken', 'progressToken'],
]);
/** Longest id or progress token, in bytes: they are kept for the length of a call. */
const MAX_ID_BYTES = 16_384;

/**
 * Reads a message from a client.
 * @throws AppError PARSE_ERROR, INVALID_REQUEST, INVALID_ID, MESSAGE_TOO_LARGE
 */
export function readClientMessage(text: Octets): Message {
  const message = read(text, STRICT_LIMITS);
  if (message.params !== undefined) {
    if (message.params.members === undefined)
      throw new AppError('INVALID_REQUEST', { text: 'params must be an object' });
    refuseLookAlikes(message.params.members, PARAMS_KEYS);
    const meta = memberOf(message.params, '_meta');
    // A server would drop it without a word, and its caller would wait until the deadline.
    if (meta !== undefined && meta.members === undefined)
      throw new AppError('INVALID_REQUEST', { text: 'params._meta must be an object' });
    refuseLookAlikes(meta?.members ?? [], META_KEYS);
  }
  return message;
}

/** Reads a message from an upstream: its envelope is checked, its content only passed on. Throws AppError like readClientMessage. */
export function readUpstreamMessage(text: Octets): Message {
  return read(text, RELAY_LIMITS);
}

function read(text: Octets, limits: ScanLimits): Message {
  let members: Member[];
  try {
    members = scanObject(text, limits, ENVELOPE);
  } catch (error) {
    throw scanFailure(error);
  }
  refuseLookAlikes(members, KEYS);
  let id: Octets | undefined;
  let method = '';
  let params: Part | undefined;
  let value: Part | undefined;
  let kind: Message['kind'] | undefined;
  let version = false;
  for (const member of members) {
    switch (member.key) {
      case 'jsonrpc':
        version = text.slice(member.start, member.end) === '"2.0"';
        break;
      case 'id':
        id = text.slice(member.start, member.end) as Octets;
        break;
      case 'method':
        if (text.charCodeAt(member.start) !== QUOTE)
          throw new AppError('INVALID_REQUEST', { text: 'method must be a string' });
        method = stringIn(text, member);
        break;
      case 'params':
        params = member;
        break;
      case 'result':
      case 'error':
        if (kind !== undefined) throw new AppError('INVALID_REQUEST', { text: 'either result or error, not both' });
        kind = member.key;
        value = member;
        break;
    }
  }
  if (!version) throw new AppError('INVALID_REQUEST', { text: 'jsonrpc must be "2.0"' });
  if (method !== '') {
    if (kind !== undefined) throw new AppError('INVALID_REQUEST', { text: 'either method or a result, not both' });
    kind = id === undefined ? 'notification' : 'request';
  }
  if (kind === undefined) throw new AppError('INVALID_REQUEST', { text: 'expected a method, a result or an error' });
  if (kind !== 'notification' && !(kind === 'error' && id === 'null')) checkId(id);
  return { kind, text, id, method, params, value };
}

/** A JSON-RPC id (MCP: a string or an integer, never null). */
function checkId(id: Octets | undefined): void {
  if (id !== undefined && id.length <= MAX_ID_BYTES && (id.charCodeAt(0) === QUOTE || INTEGER.test(id))) return;
  throw new AppError('INVALID_ID', { text: 'id must be a string or an integer' });
}

const QUOTE = 0x22;
const INTEGER = /^-?\d{1,20}$/;

/** True for a value that may be an id or a progress token: a string or an integer. */
function isToken(octets: Octets): boolean {
  return octets.length <= MAX_ID_BYTES && (octets.charCodeAt(0) === QUOTE || INTEGER.test(octets));
}

function refuseLookAlikes(members: readonly Member[], known: ReadonlySet<string>): void {
  for (const { key } of members) {
    // The protocol's own spelling, by far the most frequent.
    if (known.has(key) && !SPELLED.has(key)) continue;
    const lower = folded(key);
    if (known.has(lower) && key !== (SPELLED.get(lower) ?? lower)) {
      throw new AppError('INVALID_REQUEST', { text: 'a key is spelled in another case than the protocol spells it' });
    }
  }
}

/**
 * In octets, as readers that know no case take it: some of them fold two letters of Unicode to ASCII ones too, the long s and
 * the Kelvin sign (Go's encoding/json).
 */
function folded(key: string): string {
  return key.replaceAll('\u00c5\u00bf', 's').replaceAll('\u00e2\u0084\u00aa', 'k').toLowerCase();
}

function scanFailure(error: unknown): unknown {
  if (!(error instanceof JsonScanError)) return error;
  const text = `Not acceptable as JSON: ${error.message}`;
  if (error.kind === 'syntax') return new AppError('PARSE_ERROR', { text });
  return new AppError(error.kind === 'limit' ? 'MESSAGE_TOO_LARGE' : 'INVALID_REQUEST', { text });
}

/** The octets of a part. */
export function octetsOf(text: Octets, part: { start: number; end: number }): Octets {
  return text.slice(part.start, part.end) as Octets;
}

export function memberOf(part: Part | undefined, key: string): Member | undefined {
  return part?.members?.find((member) => member.key === key);
}

/** A string member's value, decoded; undefined when it is absent or no string. */
export function stringOf(message: Message, key: string): string | undefined {
  const member = memberOf(message.params, key);
  if (member === undefined || message.text.charCodeAt(member.start) !== QUOTE) return undefined;
  return stringIn(message.text, member);
}

function stringIn(text: Octets, part: { start: number; end: number }): string {
  const raw = text.slice(part.start + 1, part.end - 1) as Octets;
  return raw.includes('\\') ? (JSON.parse(`"${decodeOctets(raw)}"`) as string) : decodeOctets(raw);
}

/** The params as a value, for methods off the path of calls. */
export function parseParams(message: Message): unknown {
  return message.params === undefined ? undefined : parseOctets(octetsOf(message.text, message.params));
}

/**
 * Where `params._meta.progressToken` lies, if it is there. Any other value than a token is refused, not passed on: progress
 * comes back by the number in it, and `7.0` would come back as our own 7, which may be another client's.
 * @throws AppError INVALID_PARAMS
 */
export function progressTokenOf(message: Message): Member | undefined {
  const token = memberOf(memberOf(message.params, '_meta'), 'progressToken');
  if (token === undefined) return undefined;
  const octets = octetsOf(message.text, token);
  if (isToken(octets)) return token;
  if (octets === 'null') return undefined;
  throw new AppError('INVALID_PARAMS', {
    text: `_meta.progressToken must be a string or an integer, of at most ${MAX_ID_BYTES} bytes`,
  });
}

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly octets: Octets | string;
}

/** The octets from `start` to `end` of a text with some slices replaced; edits are in order and do not overlap. */
export function splice(text: Octets, start: number, end: number, edits: readonly Edit[]): Octets {
  let out = '';
  let at = start;
  for (const edit of edits) {
    out += text.slice(at, edit.start) + edit.octets;
    at = edit.end;
  }
  return (out + text.slice(at, end)) as Octets;
}

/** Line breaks outside strings become spaces, for carriers that frame by lines; JSON has none inside strings. */
export function onOneLine(text: Octets): Octets {
  return (LINE_BREAK.test(text) ? text.replace(LINE_BREAKS, ' ') : text) as Octets;
}

const LINE_BREAK = /[\r\n]/;
const LINE_BREAKS = /[\r\n]/g;
