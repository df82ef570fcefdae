/** How a learnt pattern and a preference are named and said: the same for all people, so that they can be counted. Pure. */
import { createHash } from 'node:crypto';
import { describePattern, type Pattern } from './rhythm.ts';

/** What several people may have in common. */
export interface Shared {
  readonly id: string;
  /** After "people here": `want “weekly report” on Mondays`. */
  readonly predicate: string;
  readonly confidence: number;
}

export function patternId({ topic, rhythm }: Pick<Pattern, 'topic' | 'rhythm'>): string {
  return idOf(`wants\n${topic}\n${JSON.stringify(rhythm)}`);
}

/** Such as `Wants “weekly report” on Mondays: 8 of 9 times.` */
export function patternText(pattern: Pattern): string {
  return `Wants ${describePattern(pattern)}: ${pattern.held} of ${pattern.checks} times.`;
}

export function sharedPattern(pattern: Pattern): Shared {
  return {
    id: patternId(pattern),
    predicate: `want ${describePattern(pattern)}`,
    confidence: pattern.confidence,
  };
}

export function sharedPreference(topic: string, value: string, confidence: number): Shared {
  return {
    id: idOf(`prefers\n${topic}\n${value.trim().toLowerCase()}`),
    predicate: `prefer “${value}” for “${topic}”`,
    confidence,
  };
}

function idOf(text: string): string {
  return `p_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
