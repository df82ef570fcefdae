/** A row in the matrix with where it comes from and its compiled argument rules. Made once, when the matrix is. */

import { SchemaMistake } from './argument-schema.ts';
import { type ArgumentCheck, type ArgumentRules, createArgumentRules } from './arguments.ts';
import { compareRows, type Difference } from './compare.ts';
import { normalMatch } from './match.ts';
import type { Mistake, PermissionRow, RowOrigin } from './rows.ts';

export interface Entry {
  readonly row: PermissionRow;
  readonly origin: RowOrigin;
  /** Such as `permissions[3]`. */
  readonly place: string;
  /** The built-in row that this configured one stands for, and how it differs. */
  readonly replaces?: { readonly row: PermissionRow; readonly differences: readonly Difference[] };
  readonly checkArguments?: ArgumentCheck;
  /** Its argument rules do not compile: it denies everything. */
  readonly broken?: true;
}

/** All rows that hold: configured ones instead of built-in ones with the same `match`. Mistakes are reported, not thrown. */
export function mergeRows(
  builtIn: readonly PermissionRow[],
  configured: readonly PermissionRow[],
): { entries: Entry[]; mistakes: Mistake[] } {
  const entries: Entry[] = [];
  const mistakes: Mistake[] = [];
  const ours = new Map(builtIn.map((row) => [normalMatch(row.match), row]));
  const firstPlace = new Map<string, string>();
  let rules: ArgumentRules | undefined;

  const add = (entry: Entry, path: readonly (string | number)[]) => {
    if (entry.row.arguments === undefined) {
      entries.push(entry);
      return;
    }
    try {
      rules ??= createArgumentRules();
      entries.push({ ...entry, checkArguments: rules.compile(entry.row.arguments) });
    } catch (error) {
      if (!(error instanceof SchemaMistake)) throw error;
      entries.push({ ...entry, broken: true });
      mistakes.push({ path: [...path, 'arguments', ...error.path], text: error.message });
    }
  };

  for (const [index, row] of configured.entries()) {
    const match = normalMatch(row.match);
    const place = `permissions[${index}]`;
    const path = ['permissions', index];
    const earlier = firstPlace.get(match);
    if (earlier === undefined) firstPlace.set(match, place);
    else {
      const text = `${row.match} stands in ${earlier} already; keep one of them (until then both deny)`;
      mistakes.push({ path: [...path, 'match'], text });
    }
    const replaced = ours.get(match);
    const replaces = replaced && { row: replaced, differences: compareRows(replaced, row) };
    add({ row, origin: 'configured', place, ...(replaces && { replaces }) }, path);
  }
  for (const row of builtIn) {
    if (!firstPlace.has(normalMatch(row.match)))
      add({ row, origin: 'built-in', place: 'built-in' }, ['built-in', row.match]);
  }
  return { entries, mistakes };
}
