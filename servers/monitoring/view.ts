/** The shape in which alerts, rules and webhooks leave this server. */
import { z } from 'zod';
import type { Alert, AlertChange, PastChange, Silence } from './alerts/alerts.ts';
import { SEVERITIES } from './alerts/rule.ts';
import { timeSchema } from './figures.ts';

const name = z.string().max(300);
const value = z.number().min(-1e15).max(1e15).nullable();

export const alertSchema = z.object({
  rule_id: name,
  series: name,
  state: z.enum(['pending', 'firing', 'resolved']),
  severity: z.enum(SEVERITIES),
  since: timeSchema,
  value,
  summary: name,
  remedy: name,
  silenced: z.boolean(),
});

export const pastSchema = z.object({
  at: timeSchema,
  rule_id: name,
  series: name,
  state: z.string().max(20),
  value,
  severity: z.string().max(20),
});

export const silenceSchema = z.object({
  silence_id: name,
  rule_id: name.nullable(),
  until: timeSchema,
  by: name,
  reason: name,
});

export const iso = (ms: number) => new Date(ms).toISOString();

export function alertView(alert: Alert | AlertChange): z.input<typeof alertSchema> {
  const { rule, series, state, value: seen, isSilenced } = alert;
  return {
    rule_id: rule.id,
    series,
    state,
    severity: rule.severity,
    since: iso('sinceMs' in alert ? alert.sinceMs : alert.atMs),
    value: bounded(seen),
    summary: rule.summary,
    remedy: rule.remedy,
    silenced: isSilenced,
  };
}

export function pastView({
  atMs,
  ruleId,
  series,
  state,
  value: seen,
  severity,
}: PastChange): z.input<typeof pastSchema> {
  return { at: iso(atMs), rule_id: ruleId, series, state, value: bounded(seen), severity };
}

export function silenceView({ id, ruleId, untilMs, by, reason }: Silence): z.input<typeof silenceSchema> {
  return { silence_id: id, rule_id: ruleId, until: iso(untilMs), by: by.slice(0, 300), reason };
}

function bounded(seen: number | null): number | null {
  return seen === null ? null : Math.max(-1e15, Math.min(1e15, seen));
}
