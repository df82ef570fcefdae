import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_ROWS, MAX_SERIES, TimeSeries } from '../../../../servers/monitoring/series.ts';
import { openTestStore, type TestStore } from '../../../fixtures/monitoring/store.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let opened: TestStore;
let series: TimeSeries;

beforeEach(async () => {
  opened = await openTestStore();
  series = await TimeSeries.open(opened.store);
});
afterEach(() => opened.remove());

async function countOf(table: 'raw' | 'minutes' | 'hours' | 'series'): Promise<number> {
  const { count } = await opened.store.db
    .selectFrom(table)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

describe('the time series', () => {
  it('[O1] gives means over the interval, and nothing where nothing was', async () => {
    for (const [at, value] of [
      [0, 10],
      [5_000, 20],
      [20_000, 40],
    ] as const)
      await series.record(at, [{ name: 'a', value }]);
    const { resolution, rows } = await series.read(['a', 'unknown'], 0, 30_000, 10_000);
    expect(resolution).toBe('raw');
    expect(rows.map(({ atMs, values }) => [atMs, values.get('a')])).toEqual([
      [0, 15],
      [20_000, 40],
    ]);
  });

  it('[O1] keeps an hour in full, a week in minutes and a year in hours', async () => {
    for (let at = 0; at < 2 * HOUR; at += 30_000) {
      await series.record(at, [{ name: 'a', value: at < HOUR ? 1 : 3 }]);
      if (at % 60_000 === 30_000) await series.compact(at);
    }
    await series.compact(2 * HOUR);
    expect(await countOf('raw')).toBe(120);
    expect(await countOf('minutes')).toBe(120);
    const week = await series.read(['a'], -DAY, 2 * HOUR, HOUR);
    expect(week.resolution).toBe('minutes');
    expect(week.rows.map(({ values }) => values.get('a'))).toEqual([1, 3]);
    const year = await series.read(['a'], 0, 2 * HOUR, HOUR, 8 * DAY);
    expect(year.resolution).toBe('hours');
    expect(year.rows.map(({ values }) => values.get('a'))).toEqual([1, 3]);
    await series.compact(8 * DAY);
    expect([await countOf('raw'), await countOf('minutes'), await countOf('hours')]).toEqual([0, 0, 2]);
    await series.compact(400 * DAY);
    await series.dropEmpty();
    expect([await countOf('hours'), await countOf('series')]).toEqual([0, 0]);
    expect(series.names()).toEqual([]);
  });

  it('[O1] refuses 100,000 series with a clear error, keeps those that it has, and stays small', async () => {
    const values = Array.from({ length: 100_000 }, (_, n) => ({ name: `s${n}`, value: n }));
    const before = process.memoryUsage().heapUsed;
    await expect(series.record(1, values)).rejects.toMatchObject({
      kind: 'RESULT_TOO_LARGE',
      message: expect.stringMatching(/99500 values belong to new series, and at most 500 series/),
    });
    expect(await countOf('series')).toBe(MAX_SERIES);
    expect(series.latest('s7')?.value).toBe(7);
    expect(series.latest('s99999')).toBeUndefined();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100e6);
    await series.record(2, [{ name: 's7', value: 8 }]);
    expect(series.latest('s7')?.value).toBe(8);
  });

  it('[O1] answers no more points than it may, and knows its series after a restart', async () => {
    await series.record(1_000, [{ name: 'a', value: 1 }]);
    const { rows, intervalMs } = await series.read(['a'], 0, HOUR, 1);
    expect(intervalMs).toBeGreaterThanOrEqual(HOUR / MAX_ROWS);
    expect(rows).toHaveLength(1);
    const again = await TimeSeries.open(opened.store);
    expect(again.names()).toEqual(['a']);
  });
});
