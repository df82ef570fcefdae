/** How the twin shows things to its owner: shapes with their bounds, and the one way each is printed. */
import { z } from 'zod';
import type { Candidate } from './elevation/candidates.ts';
import { patternId, patternText } from './learning/pattern-name.ts';
import { DAY_MS, type Pattern } from './learning/rhythm.ts';
import { contentOf } from './question.ts';
import { confidenceOfFact, type StoredFact } from './store/facts.ts';
import { FACT_KINDS, PURPOSES } from './store/schema.ts';
import type { Twin } from './twin.ts';

export const BOUNDS = {
  content: 20_000,
  topic: 120,
  domain: 120,
  source: 300,
  note: 2_000,
  query: 4_000,
  id: 64,
  scanned: 1_000_000,
  results: 100,
  observations: 200,
  maxCount: 1_000_000_000,
} as const;

export const time = z.iso.datetime({ offset: true }).max(40);
export const share = z.number().min(0).max(1);
export const count = z.int().min(0).max(BOUNDS.maxCount);
export const factIdSchema = z
  .string()
  .regex(/^f_[0-9a-f]{16}$/)
  .max(BOUNDS.id);
export const topicSchema = z.string().trim().min(1).max(BOUNDS.topic);
export const purposeSchema = z.enum(PURPOSES);

export const preferenceSchema = z.object({
  fact_id: factIdSchema,
  topic: topicSchema,
  value: z.string().max(BOUNDS.content),
  confidence: share,
  source: z.string().max(BOUNDS.source),
});

export function toPreference(fact: StoredFact): z.input<typeof preferenceSchema> {
  const { fact_id, topic, content: value, source } = fact;
  return { fact_id, topic, value, confidence: rounded(confidenceOfFact(fact)), source };
}

export const patternSchema = z.object({
  pattern_id: z.string().max(BOUNDS.id),
  pattern: z.string().max(1_000),
  topic: topicSchema,
  confidence: share,
  brier_score: share,
  checks: count,
  held: count,
  next_day: z.iso.date().max(10).nullable(),
  forecast: share.nullable(),
});

export function toPattern(pattern: Pattern): z.input<typeof patternSchema> {
  const { topic, confidence, brier, checks, held, next } = pattern;
  return {
    pattern_id: patternId(pattern),
    pattern: patternText(pattern),
    topic,
    confidence: rounded(confidence),
    brier_score: rounded(brier),
    checks,
    held,
    next_day: next === null ? null : isoDay(next.day),
    forecast: next === null ? null : rounded(next.forecast),
  };
}

export function toCandidate({ id, kind, text, confidence, domain, purpose, obstacle }: Candidate) {
  return {
    candidate_id: id,
    kind,
    anonymized_content: text,
    confidence: rounded(confidence),
    semantic_domain: domain,
    purpose,
    withheld_because: obstacle,
  };
}

export const consentSchema = z.object({ purpose: purposeSchema, granted: z.boolean(), changed_at: time.nullable() });

/** Of nobody who has a twin: nothing was ever granted. */
export function toConsents(twin: Twin | undefined): z.input<typeof consentSchema>[] {
  const none = PURPOSES.map((purpose) => ({ purpose, granted: false, at: null }));
  return (twin?.consents.list() ?? none).map(({ purpose, granted, at }) => ({
    purpose,
    granted,
    changed_at: at === null ? null : isoTime(at),
  }));
}

/** What is known of the owner and why; the newest facts first. */
export function toProfile(twin: Twin, retentionDays: number) {
  const facts = FACT_KINDS.flatMap((kind) => twin.facts.list(kind)).sort((a, b) => b.used_at - a.used_at);
  const domains = new Map<string, number>();
  for (const { domain } of facts) domains.set(domain, (domains.get(domain) ?? 0) + 1);
  return {
    facts: facts.length,
    events: twin.events.count(),
    domains: Object.fromEntries(domains),
    retention_days: retentionDays,
    preferences: facts.filter(({ kind }) => kind === 'preference').map(toPreference),
    newest: facts.slice(0, NEWEST).map((fact) => ({
      fact_id: fact.fact_id,
      kind: fact.kind,
      content: contentOf(fact),
      semantic_domain: fact.domain,
      source: fact.source,
      confidence: rounded(confidenceOfFact(fact)),
      because: `said or confirmed ${fact.hits} times, contradicted ${fact.misses} times`,
      last_used: isoTime(fact.used_at),
    })),
    learnt: twin.patterns().map((pattern) => ({
      ...toPattern(pattern),
      because: pattern.latest.map(({ day, forecast, happened }) => ({
        day: isoDay(day),
        forecast: rounded(forecast),
        happened,
      })),
    })),
  };
}

const NEWEST = 50;

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function isoDay(day: number): string {
  return isoTime(day * DAY_MS).slice(0, 10);
}

export function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
