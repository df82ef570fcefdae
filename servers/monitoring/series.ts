/**
 * Own time series in SQLite: every value for an hour, minutes for a week, hours for a year; never more than so many series.
 * Time is passed in. Knows no machine and no meaning of a name.
 */
import { AppError } from '../../shared/errors.ts';
import type { MonitoringStore } from './store/open.ts';

export interface Value {
  readonly name: string;
  readonly value: number;
}

export interface Latest {
  readonly atMs: number;
  readonly value: number;
}

export type Resolution = 'raw' | 'minutes' | 'hours';

export interface Row {
  /** Milliseconds since the epoch, the beginning of the span. */
  readonly atMs: number;
  /** Means by name; a name without a value in the span is absent. */
  readonly values: ReadonlyMap<string, number>;
}

/** With minutes of a week and hours of a year about 9 million rows at worst. */
export const MAX_SERIES = 500;
export const MAX_NAME = 200;
/** Rows of one answer. */
export const MAX_ROWS = 1_500;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const KEPT_MS = { raw: HOUR_MS, minutes: 7 * 24 * HOUR_MS, hours: 365 * 24 * HOUR_MS } as const;
export const LONGEST_MINUTES = KEPT_MS.hours / MINUTE_MS;
/** What came late is rolled up again for so long. */
const AGAIN_MS = { minutes: 2 * MINUTE_MS, hours: 2 * HOUR_MS } as const;
/** SQLite takes so many parameters at a time, and more. */
const ROWS_PER_INSERT = 200;

export class TimeSeries {
  private readonly store: MonitoringStore;
  private readonly ids: Map<string, number>;
  private readonly last = new Map<string, Latest>();
  private readonly maxSeries: number;
  /** Series that were refused since the start because there are too many. */
  refused = 0;

  private constructor(store: MonitoringStore, ids: Map<string, number>, maxSeries: number) {
    this.store = store;
    this.ids = ids;
    this.maxSeries = maxSeries;
  }

  static async open(store: MonitoringStore, maxSeries = MAX_SERIES): Promise<TimeSeries> {
    const rows = await store.db.selectFrom('series').select(['id', 'name']).execute();
    return new TimeSeries(store, new Map(rows.map(({ id, name }) => [name, id])), maxSeries);
  }

  names(): string[] {
    return [...this.ids.keys()];
  }

  latest(name: string): Latest | undefined {
    return this.last.get(name);
  }

  /**
   * Keeps values of one moment.
   * @throws AppError RESULT_TOO_LARGE when some belong to series beyond the limit; the others are kept
   */
  async record(atMs: number, values: readonly Value[]): Promise<void> {
    const rows: { series_id: number; at: number; value: number }[] = [];
    let refused = 0;
    for (const { name, value } of values) {
      if (!Number.isFinite(value)) continue;
      const id = this.ids.get(name) ?? (await this.add(name));
      if (id === undefined) {
        refused++;
        continue;
      }
      this.last.set(name, { atMs, value });
      rows.push({ series_id: id, at: Math.round(atMs), value });
    }
    for (let at = 0; at < rows.length; at += ROWS_PER_INSERT) {
      const some = rows.slice(at, at + ROWS_PER_INSERT);
      await this.store.db
        .insertInto('raw')
        .values(some)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
    if (refused === 0) return;
    this.refused += refused;
    throw new AppError('RESULT_TOO_LARGE', {
      text: `${refused} values belong to new series, and at most ${this.maxSeries} series of names up to ${MAX_NAME} characters are kept; measure fewer things, or wait until unused series are dropped after a year`,
    });
  }

  /** Means over spans of `intervalMs`, oldest first, from the finest resolution that reaches back so far. */
  async read(
    names: readonly string[],
    sinceMs: number,
    untilMs: number,
    intervalMs: number,
    nowMs = untilMs,
  ): Promise<{ readonly resolution: Resolution; readonly intervalMs: number; readonly rows: Row[] }> {
    const resolution: Resolution =
      sinceMs >= nowMs - KEPT_MS.raw ? 'raw' : sinceMs >= nowMs - KEPT_MS.minutes ? 'minutes' : 'hours';
    const finest = { raw: 1, minutes: MINUTE_MS, hours: HOUR_MS }[resolution];
    const span = Math.max(intervalMs, finest, Math.ceil((untilMs - sinceMs) / MAX_ROWS));
    const known = new Map(names.flatMap((name) => (this.ids.has(name) ? [[this.ids.get(name)!, name] as const] : [])));
    if (known.size === 0) return { resolution, intervalMs: span, rows: [] };
    const sums = new Map<number, Map<string, { sum: number; count: number }>>();
    for (const { series_id, at, value } of await this.rowsOf(resolution, [...known.keys()], sinceMs, untilMs)) {
      const begin = Math.floor(at / span) * span;
      const row = sums.get(begin) ?? new Map<string, { sum: number; count: number }>();
      sums.set(begin, row);
      const name = known.get(series_id)!;
      const sum = row.get(name) ?? { sum: 0, count: 0 };
      row.set(name, { sum: sum.sum + value, count: sum.count + 1 });
    }
    const rows = [...sums]
      .sort(([a], [b]) => a - b)
      .map(([atMs, row]) => ({
        atMs,
        values: new Map([...row].map(([name, { sum, count }]) => [name, sum / count])),
      }));
    return { resolution, intervalMs: span, rows };
  }

  /** The oldest value at `sinceMs` or later, within the last hour. */
  async firstSince(name: string, sinceMs: number): Promise<Latest | undefined> {
    const id = this.ids.get(name);
    if (id === undefined) return undefined;
    const row = await this.store.db
      .selectFrom('raw')
      .select(['at', 'value'])
      .where('series_id', '=', id)
      .where('at', '>=', Math.floor(sinceMs))
      .orderBy('at')
      .limit(1)
      .executeTakeFirst();
    return row && { atMs: Number(row.at), value: row.value };
  }

  /** Rolls up what came since, and drops what is too old. May run again and again, in several processes. */
  async compact(nowMs: number): Promise<void> {
    const { db } = this.store;
    await this.rollUp('minutes', nowMs - AGAIN_MS.minutes, MINUTE_MS);
    await this.rollUp('hours', nowMs - AGAIN_MS.hours, HOUR_MS);
    for (const table of ['raw', 'minutes', 'hours'] as const) {
      await db
        .deleteFrom(table)
        .where('at', '<', Math.floor(nowMs - KEPT_MS[table]))
        .execute();
    }
  }

  /** Series of which nothing is left make room. */
  async dropEmpty(): Promise<void> {
    const { db } = this.store;
    const used = new Set<number>();
    for (const table of ['raw', 'minutes', 'hours'] as const)
      for (const { series_id } of await db.selectFrom(table).select('series_id').distinct().execute())
        used.add(series_id);
    for (const [name, id] of this.ids) {
      if (used.has(id)) continue;
      await db.deleteFrom('series').where('id', '=', id).execute();
      this.ids.delete(name);
      this.last.delete(name);
    }
  }

  private async add(name: string): Promise<number | undefined> {
    if (this.ids.size >= this.maxSeries || name.length > MAX_NAME) return undefined;
    const { db } = this.store;
    await db
      .insertInto('series')
      .values({ name })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const { id } = await db.selectFrom('series').select('id').where('name', '=', name).executeTakeFirstOrThrow();
    this.ids.set(name, id);
    return id;
  }

  private async rowsOf(
    resolution: Resolution,
    ids: readonly number[],
    sinceMs: number,
    untilMs: number,
  ): Promise<{ series_id: number; at: number; value: number }[]> {
    const { db } = this.store;
    const [since, until] = [Math.floor(sinceMs), Math.ceil(untilMs)];
    if (resolution === 'raw') {
      return db
        .selectFrom('raw')
        .select(['series_id', 'at', 'value'])
        .where('series_id', 'in', ids)
        .where('at', '>=', since)
        .where('at', '<=', until)
        .execute();
    }
    return db
      .selectFrom(resolution)
      .select(['series_id', 'at', 'mean as value'])
      .where('series_id', 'in', ids)
      .where('at', '>=', since)
      .where('at', '<=', until)
      .execute();
  }

  private async rollUp(to: 'minutes' | 'hours', sinceMs: number, spanMs: number): Promise<void> {
    const since = Math.floor(sinceMs / spanMs) * spanMs;
    const { db } = this.store;
    const rows =
      to === 'minutes'
        ? (await db.selectFrom('raw').select(['series_id', 'at', 'value']).where('at', '>=', since).execute()).map(
            ({ series_id, at, value }) => ({ series_id, at, mean: value, low: value, high: value, samples: 1 }),
          )
        : await db.selectFrom('minutes').selectAll().where('at', '>=', since).execute();
    const rolled = new Map<string, (typeof rows)[number]>();
    for (const row of rows) {
      const at = Math.floor(row.at / spanMs) * spanMs;
      const key = `${row.series_id} ${at}`;
      const sum = rolled.get(key);
      if (sum === undefined) {
        rolled.set(key, { ...row, at });
        continue;
      }
      const samples = sum.samples + row.samples;
      sum.mean = (sum.mean * sum.samples + row.mean * row.samples) / samples;
      sum.low = Math.min(sum.low, row.low);
      sum.high = Math.max(sum.high, row.high);
      sum.samples = samples;
    }
    const all = [...rolled.values()];
    for (let at = 0; at < all.length; at += ROWS_PER_INSERT) {
      await db
        .insertInto(to)
        .values(all.slice(at, at + ROWS_PER_INSERT))
        .onConflict((conflict) =>
          conflict.columns(['series_id', 'at']).doUpdateSet((eb) => ({
            mean: eb.ref('excluded.mean'),
            low: eb.ref('excluded.low'),
            high: eb.ref('excluded.high'),
            samples: eb.ref('excluded.samples'),
          })),
        )
        .execute();
    }
  }
}
