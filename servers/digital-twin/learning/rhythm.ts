/**
 * Learns when a person wants something: for each topic and rhythm a forecast for the next day, each checked by what happened and
 * scored. Pure: everything follows from the events, so what is erased is unlearnt. Days are those of UTC.
 */
import { brierOf, checked, confidenceOf, forecastOf, NO_RECORD, type TrackRecord } from './record.ts';

export interface Occurrence {
  readonly topic: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export type Rhythm =
  | { readonly kind: 'daily' }
  /** 1 is Monday, 7 Sunday. */
  | { readonly kind: 'weekly'; readonly weekday: number }
  /** Later on the same day as another topic. */
  | { readonly kind: 'after'; readonly topic: string };

export interface Check {
  /** Since the epoch. */
  readonly day: number;
  readonly forecast: number;
  readonly happened: boolean;
}

export interface Pattern {
  readonly topic: string;
  readonly rhythm: Rhythm;
  /** Days on which it was checked, and on how many it held. */
  readonly checks: number;
  readonly held: number;
  readonly brier: number;
  readonly confidence: number;
  /** The latest checks, oldest first. */
  readonly latest: readonly Check[];
  /** The next day it is about, today included, and what is expected then; null where another topic decides. */
  readonly next: { readonly day: number; readonly forecast: number } | null;
}

export const DAY_MS = 86_400_000;
/** Older checks lose a tenth of their weight with each newer one, so that a habit that ends is noticed. */
const MEMORY = 0.9;
/** Below this there is no pattern to speak of. */
const LEAST_HELD = 2;
const LATEST = 10;
/** Looked at for what follows what; the number of pairs grows with its square. */
const MOST_PAIRED = 16;
const LONGEST_DAYS = 3_650;

export function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

export function weekdayOf(day: number): number {
  // The epoch began on a Thursday.
  return ((day + 3) % 7) + 1;
}

/** Of one topic on one day, ascending. */
type Days = ReadonlyMap<number, readonly number[]>;

/** @param today its day is not over, so it is forecast and not checked */
export function learn(occurrences: readonly Occurrence[], today: number): Pattern[] {
  const byTopic = groupByDay(occurrences);
  const paired = [...byTopic].filter(([, days]) => days.size > LEAST_HELD).slice(0, MOST_PAIRED);
  const found: Pattern[] = [];
  for (const [topic, days] of byTopic) {
    const daily = follow(topic, { kind: 'daily' }, today, days, () => true, heldOn(days));
    if (daily.held >= LEAST_HELD) found.push(daily);
    for (let weekday = 1; weekday <= 7; weekday++) {
      const isDay = (day: number) => weekdayOf(day) === weekday;
      const weekly = follow(topic, { kind: 'weekly', weekday }, today, days, isDay, heldOn(days));
      if (weekly.held >= LEAST_HELD && weekly.confidence > daily.confidence) found.push(weekly);
    }
    for (const [other, otherDays] of paired) {
      if (other === topic) continue;
      const after = (day: number) => {
        const [first] = otherDays.get(day) ?? [];
        return first !== undefined && (days.get(day)?.some((at) => at > first) ?? false);
      };
      const isDay = (day: number) => otherDays.has(day);
      const pattern = follow(topic, { kind: 'after', topic: other }, today, days, isDay, after);
      if (pattern.held >= LEAST_HELD && pattern.confidence > daily.confidence) found.push(pattern);
    }
  }
  return found.sort((a, b) => b.confidence - a.confidence || a.topic.localeCompare(b.topic));
}

function heldOn(days: Days): (day: number) => boolean {
  return (day) => days.has(day);
}

/** Walks day by day from the one after the topic was first seen: forecast, look, score. */
function follow(
  topic: string,
  rhythm: Rhythm,
  today: number,
  days: Days,
  isItsDay: (day: number) => boolean,
  happens: (day: number) => boolean,
): Pattern {
  let record: TrackRecord = NO_RECORD;
  let checks = 0;
  let held = 0;
  const latest: Check[] = [];
  const [first = today] = days.keys();
  for (let day = Math.max(first + 1, today - LONGEST_DAYS); day < today; day++) {
    if (!isItsDay(day)) continue;
    const happened = happens(day);
    latest.push({ day, forecast: forecastOf(record), happened });
    if (latest.length > LATEST) latest.shift();
    record = checked(record, happened, MEMORY);
    checks++;
    if (happened) held++;
  }
  let next = today;
  while (rhythm.kind === 'weekly' && !isItsDay(next)) next++;
  return {
    topic,
    rhythm,
    checks,
    held,
    brier: brierOf(record),
    confidence: confidenceOf(record),
    latest,
    next: rhythm.kind === 'after' ? null : { day: next, forecast: forecastOf(record) },
  };
}

/** The most frequent topics first; days ascending. */
function groupByDay(occurrences: readonly Occurrence[]): Map<string, Map<number, number[]>> {
  const byTopic = new Map<string, Map<number, number[]>>();
  for (const { topic, at } of occurrences.toSorted((a, b) => a.at - b.at)) {
    const days = byTopic.get(topic) ?? new Map<number, number[]>();
    byTopic.set(topic, days);
    const day = dayOf(at);
    days.set(day, [...(days.get(day) ?? []), at]);
  }
  return new Map([...byTopic].sort(([, a], [, b]) => b.size - a.size));
}

const WEEKDAYS = ['Mondays', 'Tuesdays', 'Wednesdays', 'Thursdays', 'Fridays', 'Saturdays', 'Sundays'] as const;

/** The end of a sentence that says what is wanted: `“weekly report” on Mondays`. */
export function describePattern({ topic, rhythm }: Pick<Pattern, 'topic' | 'rhythm'>): string {
  switch (rhythm.kind) {
    case 'daily':
      return `“${topic}” every day`;
    case 'weekly':
      return `“${topic}” on ${WEEKDAYS[rhythm.weekday - 1]}`;
    case 'after':
      return `“${topic}” on the same day after “${rhythm.topic}”`;
  }
}
