/** Checks one part of the file against its shape and words what is wrong. Knows the words, not the parts. */
import type { z } from 'zod';
import { closest } from '../../shared/closest.ts';
import { came, cameKind } from '../../shared/expecting.ts';
import type { ConfigPath } from './mistake.ts';

/** A mistake without its place in a file. */
export interface Finding {
  readonly path: ConfigPath;
  readonly text: string;
  readonly remedy: string | undefined;
  /** It is the key that is wrong, not its value. */
  readonly isKey: boolean;
}

export type Report = (finding: Finding) => void;

/** Parts that placeholders are filled in, and that may hold secrets: only the kind of their values is told. */
const HIDDEN = new Set(['command', 'args', 'env', 'cwd', 'url', 'headers']);

/** The part as its schema gives it, or undefined after reporting what is wrong. */
export function readPart<S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: ConfigPath,
  report: Report,
): z.output<S> | undefined {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const steps = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    const params: Readonly<Record<string, unknown>> = issue.code === 'custom' ? (issue.params ?? {}) : {};
    if (params.unknownKey === true) reportUnknownKey([...path, ...steps], params.known, report);
    else {
      const found = valueAt(value, steps);
      const got = steps.some((step) => HIDDEN.has(String(step))) ? cameKind(found) : came(found);
      const remedy = typeof params.remedy === 'string' ? params.remedy : undefined;
      report({ path: [...path, ...steps], text: `expected ${issue.message}, got ${got}.`, remedy, isKey: false });
    }
  }
  return undefined;
}

export function reportUnknownKey(path: ConfigPath, known: unknown, report: Report): void {
  const key = String(path.at(-1));
  const names = Array.isArray(known) ? known.map(String) : [];
  const meant = closest(key, names);
  report({
    path,
    text: `expected a known key, got ${came(key)}.`,
    remedy: meant === undefined ? `Known here: ${names.join(', ')}.` : `Did you mean "${meant}"?`,
    isKey: true,
  });
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(value: unknown, path: ConfigPath): unknown {
  let at = value;
  for (const step of path) {
    if (Array.isArray(at) && typeof step === 'number') at = at[step];
    else if (isObject(at) && Object.hasOwn(at, step)) at = at[step];
    else return undefined;
  }
  return at;
}
