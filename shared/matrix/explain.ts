/** Says in plain words what the matrix decides for a call and which row decided. Runs nothing. */
import { levelName } from '../identity/levels.ts';
import { describeEntry, missingRights, type Permits, type Resolved, type Rights } from './decide.ts';
import type { Entry } from './entry.ts';
import type { PermissionRow } from './rows.ts';

export interface Explanation {
  readonly decision: 'allowed' | 'approval_required' | 'denied';
  /** The row that decided; absent when none matches, or several equally. */
  readonly row?: PermissionRow;
  /** Whole statements, the deciding ones first. */
  readonly reasons: readonly string[];
}

/**
 * @param args the parsed arguments, when the question is about one certain call; without them the rules are only named.
 * A justification is taken as given: it is a condition, not a right.
 */
export function explain(resolved: Resolved, caller: Rights, args: unknown, permits: Permits): Explanation {
  const others = resolved.others.map((entry) => `also matched, but less specific: ${describeEntry(entry)}`);
  if (resolved.entry === undefined) {
    const { row, reasons } = resolved.denied;
    return { decision: 'denied', ...(row && { row }), reasons: [...reasons, ...others] };
  }
  const { entry } = resolved;
  const { row } = entry;
  const origin = [`decided by ${describeEntry(entry)}`, ...replacement(entry), ...others];
  const missing = missingRights(caller, row, permits);
  if (missing.length > 0) return { decision: 'denied', row, reasons: [...missing, ...origin] };
  const faults = args === undefined ? [] : (entry.checkArguments?.(args) ?? []);
  if (faults.length > 0) return { decision: 'denied', row, reasons: [...faults, ...origin] };
  return {
    decision: row.approval === undefined ? 'allowed' : 'approval_required',
    row,
    reasons: [...grounds(row, caller), ...conditions(row, args), ...origin],
  };
}

function grounds(row: PermissionRow, caller: Rights): string[] {
  const held = [`needs level ${row.level}, ${caller.agentId} has ${levelName(caller.level)}`];
  if (row.permission !== undefined) held.push(`needs permission ${row.permission}, ${caller.agentId} holds it`);
  return held;
}

function conditions(row: PermissionRow, args: unknown): string[] {
  const asked: string[] = [];
  if (row.approval !== undefined)
    asked.push(`the call becomes a proposal (${row.approval}) and runs when that is approved`);
  if (row.justification === true) asked.push('the call must say why in _meta["io.aivillage/justification"]');
  if (row.arguments !== undefined) {
    asked.push(
      args === undefined
        ? 'the row has rules for the arguments; give them to have them checked'
        : 'the arguments meet the rules',
    );
  }
  if (row.rate !== undefined) asked.push(`at most ${row.rate.perMinute} calls a minute`);
  return asked;
}

function replacement({ replaces }: Entry): string[] {
  if (replaces === undefined) return [];
  if (replaces.differences.length === 0) return ['stands for the built-in row and says the same'];
  return replaces.differences.map(({ effect, text }) => `${effect} the built-in row: ${text}`);
}
