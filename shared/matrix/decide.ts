/**
 * The decision for one call: row, level, permission, justification, arguments, in this order; no row is no. Pure, and cheap
 * until a row has argument rules. Explains nothing (explain.ts) and asks nobody for approval (the router does).
 */
import type { Caller } from '../identity/caller.ts';
import { LEVELS, levelName } from '../identity/levels.ts';
import { InexactNumberError } from '../json/exact.ts';
import type { Entry } from './entry.ts';
import { type Found, leadsElsewhere, MAX_NAME_LENGTH, type MatchIndex, type Target, targetName } from './match.ts';
import type { Approval, PermissionRow } from './rows.ts';

/** What of a caller counts here. */
export type Rights = Pick<Caller, 'agentId' | 'level' | 'permissions'>;

/** Whether a caller with `granted` permissions holds `needed` (`fog:*` grants `fog:use_marketplace`). */
export type Permits = (granted: readonly string[], needed: string) => boolean;

export interface CallFacts {
  /** `_meta["io.aivillage/justification"]`. */
  readonly justification?: string | undefined;
  /** Gives the parsed arguments; called only when the row has rules for them. Use parseExact of shared/json/exact.ts. */
  readonly arguments?: (() => unknown) | undefined;
}

export interface Allowed {
  readonly allowed: true;
  readonly row: PermissionRow;
  /** The call runs only as an approved proposal of this type. */
  readonly approval?: Approval;
}

export interface Denied {
  readonly allowed: false;
  /** The caller may use the target, only not so. False: answer as for an unknown name (M2). */
  readonly visible: boolean;
  /** The row that decided; absent when there is none, or several that tie. */
  readonly row?: PermissionRow;
  readonly reasons: readonly string[];
}

export type Decision = Allowed | Denied;

/** What holds for a target, whoever asks. */
export type Resolved =
  | { readonly entry: Entry; readonly allowed: Allowed; readonly others: readonly Entry[] }
  | { readonly entry: undefined; readonly denied: Denied; readonly tie: boolean; readonly others: readonly Entry[] };

export function resolve(index: MatchIndex<Entry>, target: Target): Resolved {
  const { winners, others }: Found<Entry> = index.find(target);
  const [entry, rival] = winners;
  if (entry === undefined) return { entry, denied: hidden([noRow(target)]), tie: false, others };
  if (rival !== undefined) {
    const rows = winners.map(describeEntry).join(' and ');
    const denied = hidden([`${rows} match ${targetName(target)} equally; make one more specific`]);
    return { entry: undefined, denied, tie: true, others };
  }
  const { row } = entry;
  if (entry.broken) {
    const denied = { ...hidden([`the argument rules of ${describeEntry(entry)} do not compile`]), row };
    return { entry: undefined, denied, tie: false, others };
  }
  return { entry, allowed: { allowed: true, row, ...(row.approval && { approval: row.approval }) }, others };
}

function noRow(target: Target): string {
  const name = targetName(target);
  if (name.length > MAX_NAME_LENGTH) return `names longer than ${MAX_NAME_LENGTH} characters match no row`;
  if (leadsElsewhere(target)) {
    return `no pattern opens ${name}, because . or .. segments may lead elsewhere; ask for the plain URI`;
  }
  return `no row matches ${target.kind} ${name}, and what has no row is denied; add one to "permissions"`;
}

export function describeEntry(entry: Entry): string {
  return entry.origin === 'built-in' ? `the built-in row ${entry.row.match}` : `${entry.place} (${entry.row.match})`;
}

/** Why the caller may not see the target at all; empty when it may. */
export function missingRights(caller: Rights, row: PermissionRow, permits: Permits): string[] {
  const missing: string[] = [];
  if (!hasLevel(caller, row))
    missing.push(`needs level ${row.level}, ${caller.agentId} has ${levelName(caller.level)}`);
  if (!hasPermission(caller, row, permits)) {
    missing.push(`needs permission ${row.permission}, ${caller.agentId} does not hold it`);
  }
  return missing;
}

export function decide(resolved: Resolved, caller: Rights, call: CallFacts, permits: Permits): Decision {
  if (resolved.entry === undefined) return resolved.denied;
  const { entry, allowed } = resolved;
  const { row } = entry;
  if (!holdsRights(caller, row, permits)) return { ...hidden(missingRights(caller, row, permits)), row };
  if (row.justification === true && !isJustification(call.justification)) {
    return refused(row, ['needs a justification: say why in _meta["io.aivillage/justification"]']);
  }
  if (entry.checkArguments !== undefined) {
    const reasons = argumentReasons(entry.checkArguments, call.arguments);
    if (reasons.length > 0) return refused(row, reasons);
  }
  return allowed;
}

/** Level and permission only: what lists show. */
export function isVisible(resolved: Resolved, caller: Rights, permits: Permits): boolean {
  return resolved.entry !== undefined && holdsRights(caller, resolved.entry.row, permits);
}

function holdsRights(caller: Rights, row: PermissionRow, permits: Permits): boolean {
  return hasLevel(caller, row) && hasPermission(caller, row, permits);
}

/** By `>=`, so that a level that is no number has no rights. */
function hasLevel(caller: Rights, row: PermissionRow): boolean {
  return caller.level >= LEVELS[row.level];
}

function hasPermission(caller: Rights, row: PermissionRow, permits: Permits): boolean {
  return row.permission === undefined || permits(caller.permissions, row.permission);
}

function isJustification(text: string | undefined): boolean {
  return typeof text === 'string' && text.trim() !== '';
}

function argumentReasons(check: NonNullable<Entry['checkArguments']>, read: CallFacts['arguments']): readonly string[] {
  let args: unknown;
  try {
    args = read?.();
  } catch (error) {
    if (error instanceof InexactNumberError) return [`the arguments cannot be checked: ${error.message}`];
    throw error;
  }
  return check(args);
}

function hidden(reasons: readonly string[]): Denied {
  return { allowed: false, visible: false, reasons };
}

function refused(row: PermissionRow, reasons: readonly string[]): Denied {
  return { allowed: false, visible: true, row, reasons };
}
