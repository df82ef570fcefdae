/**
 * Zod schemas that fail with one sentence saying what was expected, so that everything a person writes by hand
 * (environment, configuration) is answered in the same words. Knows no file and no variable.
 */
import { z } from 'zod';

/**
 * The schema, with whatever it finds wrong told as one issue: `expected` continues the sentence "expected …".
 * `params.remedy` of the issue is what to do about it.
 */
export function expecting<S extends z.ZodType>(expected: string, schema: S, remedy?: string) {
  return z.unknown().transform((value, context): z.output<S> => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    context.issues.push({ code: 'custom', message: expected, input: value, params: { remedy } });
    return z.NEVER;
  });
}

/** A value for a message: text in quotes and cut at 80 characters, the rest by its kind. */
export function came(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

/** Only the kind of a value, where the value may be a secret. */
export function cameKind(value: unknown): string {
  return typeof value === 'string' ? `a text of ${value.length} characters` : came(value);
}
