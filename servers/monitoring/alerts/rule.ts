/**
 * What an alert rule is, and what it says of the values it looks at. Pure: time and values are passed in. Patterns of series
 * are linear-time expressions (RE2).
 */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { compileLinear } from '../../../shared/matrix/linear-pattern.ts';

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
const KINDS = ['threshold', 'rate', 'absence'] as const;

export const ruleSchema = z.strictObject({
  id: z
    .string()
    .max(64)
    .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/)
    .describe('Names the rule; one that exists is replaced'),
  kind: z
    .enum(KINDS)
    .describe(
      'threshold: a value is beyond `value` for `for_seconds`; rate: it changes by more than `value` a second over the last `for_seconds`; absence: nothing came for `for_seconds`',
    ),
  series: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('The series it looks at, such as cpu.load_percent; or give `pattern`'),
  pattern: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('A regular expression (RE2) for whole names of series, each of which is an alert of its own'),
  comparison: z.enum(['above', 'below']).default('above'),
  value: z.number().min(-1e15).max(1e15).default(0),
  for_seconds: z.int().min(0).max(3_000).default(60).describe('How long it must be so before the alert fires'),
  severity: z.enum(SEVERITIES).default('warning'),
  summary: z.string().max(300).default('').describe('What it means, for who reads the alert'),
  remedy: z.string().max(300).default('').describe('What to do'),
});
export type Rule = z.output<typeof ruleSchema>;

/** A rule that can be asked. */
export interface CompiledRule extends Rule {
  covers(series: string): boolean;
}

/** @throws AppError INVALID_PARAMS with what is right */
export function compileRule(rule: Rule): CompiledRule {
  const { series, pattern } = rule;
  if ((series === undefined) === (pattern === undefined))
    throw new AppError('INVALID_PARAMS', { text: 'A rule looks at either one `series` or those of a `pattern`' });
  if (rule.kind === 'rate' && rule.for_seconds < 10)
    throw new AppError('INVALID_PARAMS', { text: 'A rate is measured over at least 10 for_seconds' });
  if (rule.kind === 'absence' && (rule.for_seconds < 10 || series === undefined))
    throw new AppError('INVALID_PARAMS', { text: 'Absence is that of one `series`, for at least 10 for_seconds' });
  if (pattern === undefined) return { ...rule, covers: (name) => name === series };
  try {
    const compiled = compileLinear(`^(?:${pattern})$`);
    return { ...rule, covers: (name) => compiled.test(name) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('INVALID_PARAMS', { text: `The pattern cannot be used: ${why}`, cause });
  }
}

export interface Seen {
  readonly atMs: number;
  readonly value: number;
}

/**
 * Whether the rule's condition holds now, for one series; with the value that says so.
 * @param latest the newest value
 * @param earlier the oldest value within `for_seconds`, for a rate
 */
export function holds(
  rule: Rule,
  nowMs: number,
  latest: Seen | undefined,
  earlier: Seen | undefined,
  startedMs: number,
): { readonly holds: boolean; readonly value: number | null } {
  const spanMs = rule.for_seconds * 1_000;
  if (rule.kind === 'absence') {
    const since = latest?.atMs ?? startedMs;
    return { holds: nowMs - since >= spanMs, value: Math.round((nowMs - since) / 1_000) };
  }
  // A value that stopped coming says nothing of now.
  if (latest === undefined || nowMs - latest.atMs > STALE_MS) return { holds: false, value: null };
  if (rule.kind === 'threshold') return { holds: beyond(rule, latest.value), value: latest.value };
  if (earlier === undefined || latest.atMs - earlier.atMs < spanMs / 2) return { holds: false, value: null };
  const perSecond = (latest.value - earlier.value) / ((latest.atMs - earlier.atMs) / 1_000);
  return { holds: beyond(rule, perSecond), value: perSecond };
}

const STALE_MS = 60_000;

function beyond({ comparison, value }: Rule, seen: number): boolean {
  return comparison === 'above' ? seen > value : seen < value;
}

/** How long the condition must hold: a rate and an absence have their span within. */
export function waitMs(rule: Rule): number {
  return rule.kind === 'threshold' ? rule.for_seconds * 1_000 : 0;
}
