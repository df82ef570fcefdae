/**
 * Owns the words of an audit record: its kinds, outcomes and fields, and how an entry becomes one line of JSON. It runs on
 * the router's main thread, so it neither hashes nor writes.
 */
import { encodeOctets } from '../../shared/json/octets.ts';
import type { LongValue } from './protocol.ts';
import { escapeUnsafe, isUnsafe } from './safe-text.ts';

export const AUDIT_KINDS = [
  'call_started',
  'call_finished',
  'call_denied',
  'auth_denied',
  'session_opened',
  'session_closed',
  'session_owner_mismatch',
  'login',
  'logout',
  'token_issued',
  'token_refreshed',
  'token_revoked',
  'config_changed',
  'definition_changed',
  'server_changed',
  'stop',
  'resume',
  'proposal',
  'vote',
  'override',
  'limited',
  'screened',
  /** The audit's own: written after a time in which nothing could be written, and before old records are dropped. */
  'audit_resumed',
  'audit_pruned',
] as const;

export type AuditKind = (typeof AUDIT_KINDS)[number];

export const AUDIT_OUTCOMES = [
  'ok',
  'cached',
  'tool_error',
  'failed',
  'denied',
  'limited',
  'blocked',
  'stopped',
  'pending_approval',
  'cancelled',
  'timed_out',
  'too_large',
  'unknown',
] as const;

export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** Who asks for what. */
export interface SubjectFields {
  /** The caller's `sub`. */
  readonly agent?: string | undefined;
  /** The token's `jti`. */
  readonly tokenId?: string | undefined;
  readonly session?: string | undefined;
  readonly server?: string | undefined;
  /** JSON-RPC method, where it is not `tools/call`. */
  readonly method?: string | undefined;
  readonly tool?: string | undefined;
  readonly resource?: string | undefined;
  readonly prompt?: string | undefined;
  readonly definitionDigest?: string | undefined;
  /** The matrix row that decided. */
  readonly rule?: string | undefined;
}

/** What happened, flat. Never a token, a secret or an argument's value: arguments go beside it and are digested. */
export interface AuditEntry extends SubjectFields {
  readonly kind: AuditKind;
  /** In place of its fields, where several records share them. */
  readonly subject?: Subject | undefined;
  /** Ties the records of one call together, in logs and other processes too: a UUID. */
  readonly callId?: string | undefined;
  readonly outcome?: AuditOutcome | undefined;
  /** The workflow that the client says the call belongs to. */
  readonly workflow?: string | undefined;
  /** W3C trace id. */
  readonly trace?: string | undefined;
  readonly reason?: string | undefined;
  readonly durationMs?: number | undefined;
  readonly details?: Readonly<Record<string, string | number | boolean | null>> | undefined;
}

/** Characters (UTF-16 units) of one string; what is longer is cut, and a keyed digest of the whole is added. */
export const MAX_STRING = 1_024;
/** Entries of `details`; what is beyond is left out and counted in `detailsDropped`. */
export const MAX_DETAILS = 32;

/** The fields that all records of one caller's calls of one thing share: printed once, not for each record. */
export class Subject {
  readonly fields: SubjectFields;
  /** Its members as JSON, without braces; undefined where a string has to be cut, which each record tells of itself. */
  readonly text: string | undefined;

  constructor(fields: SubjectFields) {
    this.fields = fields;
    this.text = isBounded(fields) ? safeText(JSON.stringify(fields)).slice(1, -1) : undefined;
  }
}

/**
 * The entry as one line of JSON, without a character that a terminal would obey. Each string that had to be cut is pushed to
 * `long` whole, under the name of its future digest and as the batch's record number `index`.
 */
export function encodeEntry(entry: AuditEntry, index: number, long: LongValue[]): string {
  const { subject } = entry;
  if (subject === undefined) return safeText(JSON.stringify(isBounded(entry) ? entry : bounded(entry, index, long)));
  if (subject.text === undefined || subject.text === '' || !isBounded(entry))
    return encodeEntry({ ...entry, ...subject.fields, subject: undefined }, index, long);
  const { kind, callId, outcome, durationMs } = entry;
  let own = `"kind":"${kind}",`;
  // What node:crypto gives is a tree of twenty strings; this makes it one, for all who keep it.
  if (callId !== undefined) own += `"callId":${JSON.stringify(callId)},`;
  if (outcome !== undefined) own += `"outcome":"${outcome}",`;
  if (durationMs !== undefined) own += `"durationMs":${durationMs},`;
  for (const name of OTHERS) {
    const value = entry[name];
    if (value !== undefined) own += `"${name}":${JSON.stringify(value)},`;
  }
  return `{${safeText(own)}${subject.text}}`;
}

const OTHERS = ['reason', 'workflow', 'trace', 'details'] as const;

function safeText(json: string): string {
  return isUnsafe(json) ? escapeUnsafe(json) : json;
}

function isBounded(entry: Partial<AuditEntry>): boolean {
  for (const name in entry) {
    const value = entry[name as keyof AuditEntry];
    if (typeof value === 'string' && value.length > MAX_STRING) return false;
  }
  if (entry.details === undefined) return true;
  let count = 0;
  for (const name in entry.details) {
    const value = entry.details[name];
    count += 1;
    if (count > MAX_DETAILS || name.length > MAX_STRING) return false;
    if (typeof value === 'string' && value.length > MAX_STRING) return false;
  }
  return true;
}

function bounded(entry: AuditEntry, index: number, long: LongValue[]): Record<string, unknown> {
  const { details, ...fields } = entry;
  const cut = (name: string, value: unknown): unknown => {
    if (typeof value !== 'string' || value.length <= MAX_STRING) return value;
    long.push({ index, field: `${name}Digest`, octets: encodeOctets(value) });
    return value.slice(0, MAX_STRING);
  };
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) result[name] = cut(name, value);
  if (details === undefined) return result;
  const entries = Object.entries(details);
  result.details = Object.fromEntries(
    entries.slice(0, MAX_DETAILS).map(([name, value], at) => {
      // The digest's name must stay short and plain, so it counts the details instead of naming them.
      cut(`details${at}Name`, name);
      return [name.slice(0, MAX_STRING), cut(`details${at}`, value)];
    }),
  );
  if (entries.length > MAX_DETAILS) result.detailsDropped = entries.length - MAX_DETAILS;
  return result;
}
