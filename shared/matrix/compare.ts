/** How a configured row differs from the built-in row it stands for: what it tightens, what it loosens. Decides nothing. */
import { LEVELS } from '../identity/levels.ts';
import { canonical } from '../json/canonical.ts';
import type { Approval, PermissionRow } from './rows.ts';

export interface Difference {
  readonly field: keyof PermissionRow;
  /** `changes`: neither stricter nor looser for sure. */
  readonly effect: 'tightens' | 'loosens' | 'changes';
  /** `level OPERATOR instead of GOVERNANCE`. */
  readonly text: string;
}

/** Approvals each type needs (G1); all voters count as the most. */
const votes: Record<Approval, number> = { minor_change: 1, emergency_action: 1, major_change: 2, critical_change: 3 };

/** How strict a value is, where that can be said: more is stricter. */
const strictness: { readonly [Field in keyof PermissionRow]-?: (row: PermissionRow) => number | undefined } = {
  match: () => 0,
  level: (row) => LEVELS[row.level],
  permission: (row) => presence(row.permission),
  audit: (row) => (row.audit === false ? 0 : 1),
  justification: (row) => (row.justification === true ? 1 : 0),
  approval: (row) => (row.approval === undefined ? 0 : votes[row.approval]),
  arguments: (row) => presence(row.arguments),
  cacheSeconds: () => undefined,
  timeoutMs: () => undefined,
  rate: (row) => (row.rate === undefined ? 0 : 1 / row.rate.perMinute),
  redact: () => undefined,
};

/** Two different values that are both there cannot be ordered. */
function presence(value: unknown): number {
  return value === undefined ? 0 : 1;
}

export function compareRows(builtIn: PermissionRow, configured: PermissionRow): Difference[] {
  const differences: Difference[] = [];
  for (const field of Object.keys(strictness) as (keyof PermissionRow)[]) {
    const before = show(builtIn[field]);
    const after = show(configured[field]);
    if (field === 'match' || before === after) continue;
    const was = strictness[field](builtIn);
    const is = strictness[field](configured);
    let effect: Difference['effect'] = 'changes';
    if (was !== undefined && is !== undefined && is !== was) effect = is > was ? 'tightens' : 'loosens';
    // The default written out is no difference.
    if (was === is && was !== undefined && (field === 'audit' || field === 'justification')) continue;
    differences.push({ field, effect, text: `${field} ${after} instead of ${before}` });
  }
  return differences;
}

function show(value: PermissionRow[keyof PermissionRow]): string {
  if (value === undefined) return 'none';
  return typeof value === 'string' ? value : canonical(value);
}
