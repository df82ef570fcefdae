/**
 * Takes in what was observed (T2, T3): facts stated or judged, preferences, events; and says what was expected where something came
 * true. All of a call is taken or none of it.
 */
import { AppError } from '../../shared/errors.ts';
import { patternText } from './learning/pattern-name.ts';
import { DAY_MS, dayOf } from './learning/rhythm.ts';
import { confidenceOfFact, type FactStatus, folded } from './store/facts.ts';
import type { Twin } from './twin.ts';

export type Observation = { readonly at: number | undefined } & (
  | {
      readonly kind: 'knowledge' | 'personal';
      readonly content: string;
      readonly domain: string;
      readonly source: string;
    }
  | { readonly kind: 'preference'; readonly topic: string; readonly value: string; readonly source: string }
  | { readonly kind: 'event'; readonly topic: string; readonly note: string }
  | { readonly kind: 'outcome'; readonly factId: string; readonly held: boolean }
);

export interface Observed {
  /** Of the fact; null for an event. */
  readonly factId: string | null;
  readonly status: FactStatus | 'recorded';
  readonly confidence: number | null;
  /** What was forecast for the day of the event, before it came. */
  readonly expected: readonly { readonly pattern: string; readonly forecast: number }[];
}

const CLOCK_TOLERANCE_MS = 60_000;
const LONGEST_AGO_MS = 3_650 * DAY_MS;

/** @throws AppError INVALID_PARAMS, UNKNOWN_NAME, CONFLICT; then nothing was taken */
export function observe(twin: Twin, observations: readonly Observation[]): Observed[] {
  return twin.write((now) => {
    const results = new Map<number, Observed>();
    const inOrder = observations.map((observation, n) => ({ observation, n, at: timeOf(observation, n, now) }));
    inOrder.sort((a, b) => a.at - b.at || a.n - b.n);
    for (const { observation, n, at } of inOrder) results.set(n, take(twin, observation, at, now));
    return observations.map((_, n) => results.get(n)!);
  });
}

function timeOf({ at }: Observation, n: number, now: number): number {
  if (at === undefined) return now;
  if (at > now + CLOCK_TOLERANCE_MS || at < now - LONGEST_AGO_MS) {
    throw new AppError('INVALID_PARAMS', {
      text: `observations.${n}.observed_at must be a time of the last ten years and not to come; the clock of this machine says ${new Date(now).toISOString()}. Nothing was taken.`,
    });
  }
  return at;
}

function take(twin: Twin, observation: Observation, at: number, now: number): Observed {
  switch (observation.kind) {
    case 'event': {
      const topic = folded(observation.topic);
      const expected = twin
        .patterns()
        .filter((pattern) => pattern.topic === topic && pattern.next?.day === dayOf(at))
        .map((pattern) => ({ pattern: patternText(pattern), forecast: pattern.next!.forecast }));
      twin.events.add({ topic, note: observation.note.toWellFormed(), at }, now);
      return { factId: null, status: 'recorded', confidence: null, expected };
    }
    case 'outcome': {
      const judged = twin.facts.judge(observation.factId, observation.held, at, now);
      if (judged === undefined) {
        throw new AppError('UNKNOWN_NAME', { text: `Unknown fact: ${observation.factId}. Nothing was taken.` });
      }
      return toObserved(judged);
    }
    case 'preference': {
      const { topic, value, source } = observation;
      const said = {
        kind: 'preference',
        domain: 'preferences',
        topic: folded(topic),
        content: value.toWellFormed(),
      } as const;
      return toObserved(twin.facts.state({ ...said, source: source.toWellFormed(), at }, now));
    }
    default: {
      const { kind, content, domain, source } = observation;
      const said = { kind, domain: domain.toWellFormed(), topic: '', content: content.toWellFormed() };
      return toObserved(twin.facts.state({ ...said, source: source.toWellFormed(), at }, now));
    }
  }
}

function toObserved({ fact, status }: ReturnType<Twin['facts']['state']>): Observed {
  return { factId: fact.fact_id, status, confidence: confidenceOfFact(fact), expected: [] };
}
