import { describe, expect, it } from 'vitest';
import {
  brierOf,
  checked,
  confidenceOf,
  forecastOf,
  NO_RECORD,
} from '../../../../servers/digital-twin/learning/record.ts';
import { DAY_MS, dayOf, describePattern, learn, weekdayOf } from '../../../../servers/digital-twin/learning/rhythm.ts';

const day = (text: string) => dayOf(Date.parse(text));
const on = (topic: string, ...days: number[]) => days.map((at) => ({ topic, at: at * DAY_MS + 36_000_000 }));

describe('a track record', () => {
  it('[T3] knows nothing at first: one half, a Brier score of a quarter, no confidence', () => {
    expect([forecastOf(NO_RECORD), brierOf(NO_RECORD), confidenceOf(NO_RECORD)]).toEqual([0.5, 0.25, 0]);
  });

  it('[T3] scores each forecast by what was known before it', () => {
    const one = checked(NO_RECORD, true);
    expect(brierOf(one)).toBeCloseTo((0.25 + 0.5 ** 2) / 2);
    expect(forecastOf(one)).toBeCloseTo(2 / 3);
    expect(brierOf(checked(one, false))).toBeCloseTo((0.25 + 0.25 + (2 / 3) ** 2) / 3);
  });

  it('[T3] a coin is never trusted, a habit more with each time, and less after a miss', () => {
    let coin = NO_RECORD;
    let habit = NO_RECORD;
    let before = -1;
    for (let n = 0; n < 200; n++) {
      coin = checked(coin, n % 2 === 0, 0.9);
      habit = checked(habit, true, 0.9);
      expect(confidenceOf(habit)).toBeGreaterThanOrEqual(before);
      before = confidenceOf(habit);
    }
    expect(confidenceOf(coin)).toBeLessThan(0.1);
    expect(before).toBeGreaterThan(0.85);
    expect(confidenceOf(checked(habit, false, 0.9))).toBeLessThan(0.7);
  });
});

describe('rhythms', () => {
  it.each([
    ['1970-01-01', 4],
    ['2026-01-05', 1],
    ['2026-01-11', 7],
  ])('[T3] %s is weekday %i', (text, weekday) => expect(weekdayOf(day(text))).toBe(weekday));

  it('[T3] nothing is learnt from nothing, or from one time', () => {
    expect(learn([], 100)).toEqual([]);
    expect(learn(on('tea', 90), 100)).toEqual([]);
  });

  it('[T3] finds a daily habit once, not seven weekly ones', () => {
    const patterns = learn(on('tea', ...Array.from({ length: 30 }, (_, n) => 70 + n)), 100);
    expect(patterns.map(describePattern)).toEqual(['“tea” every day']);
    expect(patterns[0]).toMatchObject({ checks: 29, held: 29, next: { day: 100 } });
  });

  it('[T3] finds a weekly one, with its next day, and what follows what', () => {
    const monday = day('2026-01-05');
    const mondays = Array.from({ length: 25 }, (_, n) => monday - 7 * (25 - n));
    const meetings = on('meeting', ...mondays);
    const minutes = meetings.map(({ at }) => ({ topic: 'minutes', at: at + 3_600_000 }));
    const patterns = learn([...meetings, ...minutes], monday);
    const said = patterns.filter(({ confidence }) => confidence > 0.8).map(describePattern);
    expect(said).toContain('“meeting” on Mondays');
    expect(said).toContain('“minutes” on the same day after “meeting”');
    expect(said).not.toContain('“meeting” on the same day after “minutes”');
    const weekly = patterns.find((pattern) => describePattern(pattern) === '“meeting” on Mondays');
    expect(weekly).toMatchObject({ held: 24, checks: 24, next: { day: monday } });
  });

  it('[T3] a forecast never knows its own day: other outcomes after it leave it as it was', () => {
    const first = on('tea', 70, 71, 73, 74);
    const forecasts = (more: number[]) =>
      learn([...first, ...on('tea', ...more)], 80)[0]!
        .latest.filter((check) => check.day <= 75)
        .map((check) => check.forecast);
    expect(forecasts([75, 76])).toEqual(forecasts([79]));
  });
});
