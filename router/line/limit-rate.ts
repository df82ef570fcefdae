/**
 * Limits of number (S1). The caller's own is asked first of all, so that calls that are refused or fail count too; those of the row
 * and of the server when it is known what is called.
 */
import { LEVELS } from '../../shared/identity/levels.ts';
import type { PermissionRow } from '../../shared/matrix/rows.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { stringOf } from '../message.ts';
import type { Router } from '../router.ts';
import { isServerCaller } from '../server-identities.ts';

/** @returns undefined when it goes on at once. Throws Limited, at once or as a rejection. */
export function limitCaller(call: Call, { limits }: Router): Promise<void> | undefined {
  if (isExempt(call)) return undefined;
  try {
    return limits.ofCaller(call.caller);
  } catch (error) {
    if (isStop(call)) return undefined;
    throw error;
  }
}

/** The same for asking whether we live: counted by itself. Throws Limited. */
export function limitPing(call: Call, { limits }: Router): void {
  if (!isExempt(call)) limits.ofPings(call.caller);
}

/** The same for what the row and the server's profile say. */
export function limitTarget(
  call: Call,
  entry: Entry,
  row: PermissionRow,
  { limits }: Router,
): Promise<void> | undefined {
  const { rateLimit } = entry.server.options;
  if ((row.rate === undefined && rateLimit === undefined) || isExempt(call)) return undefined;
  const byRow = row.rate === undefined ? undefined : limits.ofRow(row.match, row.rate.perMinute, call.caller);
  if (rateLimit === undefined) return byRow;
  return byRow === undefined
    ? limits.ofServer(entry.server.id, rateLimit)
    : byRow.then(() => limits.ofServer(entry.server.id, rateLimit));
}

/** The call of an approved proposal was counted when it was asked for; our own servers act for callers that were counted. */
function isExempt(call: Call): boolean {
  return call.approval !== undefined || isServerCaller(call.caller);
}

/** Whoever may stop everything is never told to wait with it. */
function isStop({ caller, message }: Call): boolean {
  if (caller.level < LEVELS.EMERGENCY || message.method !== 'tools/call') return false;
  const name = stringOf(message, 'name');
  return name === 'emergency_system_shutdown' || name === 'emergency_system_resume';
}
