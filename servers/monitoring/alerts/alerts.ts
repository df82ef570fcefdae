/**
 * The alerts: rules looked at, states kept (pending, firing, resolved), silences, history; who watches is told of each change.
 * All state is in the store: a restart forgets nothing, and two processes on one folder tell of a change once.
 */
import { AppError } from '../../../shared/errors.ts';
import type { TimeSeries } from '../series.ts';
import type { MonitoringStore } from '../store/open.ts';
import { DEFAULT_RULES } from './default-rules.ts';
import { type CompiledRule, compileRule, holds, type Rule, ruleSchema, waitMs } from './rule.ts';

export type AlertState = 'pending' | 'firing';

export interface Alert {
  readonly rule: Rule;
  readonly series: string;
  readonly state: AlertState;
  readonly sinceMs: number;
  readonly value: number | null;
  readonly isSilenced: boolean;
}

/** A change worth telling. */
export interface AlertChange {
  readonly atMs: number;
  readonly rule: Rule;
  readonly series: string;
  readonly state: 'firing' | 'resolved';
  readonly value: number | null;
  readonly isSilenced: boolean;
}

export interface Silence {
  readonly id: string;
  /** Null: all rules. */
  readonly ruleId: string | null;
  readonly untilMs: number;
  readonly by: string;
  readonly reason: string;
}

export interface PastChange {
  readonly atMs: number;
  readonly ruleId: string;
  readonly series: string;
  readonly state: string;
  readonly value: number | null;
  readonly severity: string;
}

export const MAX_RULES = 200;
export const MAX_SILENCES = 200;
/** Alerts at once; a pattern that covers everything makes no more. */
export const MAX_ALERTS = 1_000;
const MAX_HISTORY = 10_000;

export interface AlertsOptions {
  readonly store: MonitoringStore;
  readonly series: TimeSeries;
  readonly nowMs: () => number;
  /** A text that nobody can guess. */
  readonly newId: () => string;
  /** Rules about the router make no sense without one. */
  readonly hasRouter: boolean;
}

export class Alerts {
  private readonly options: AlertsOptions;
  private readonly listeners = new Set<(change: AlertChange) => void>();
  private readonly startedMs: number;
  /** By the rule's JSON. */
  private readonly compiled = new Map<string, CompiledRule>();

  private constructor(options: AlertsOptions) {
    this.options = options;
    this.startedMs = options.nowMs();
  }

  static async open(options: AlertsOptions): Promise<Alerts> {
    const alerts = new Alerts(options);
    const { db } = options.store;
    const known = await db.selectFrom('rules').select('id').limit(1).executeTakeFirst();
    const marked = await db
      .selectFrom('findings')
      .select('since')
      .where('component', '=', DEFAULTS_MADE)
      .executeTakeFirst();
    if (known === undefined && marked === undefined) for (const rule of DEFAULT_RULES) await alerts.write(rule);
    await db
      .insertInto('findings')
      .values({ component: DEFAULTS_MADE, status: 'made', since: options.nowMs() })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return alerts;
  }

  onChange(listener: (change: AlertChange) => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  async rules(): Promise<Rule[]> {
    const rows = await this.options.store.db.selectFrom('rules').selectAll().orderBy('id').execute();
    return rows.map(({ data }) => ruleSchema.parse(JSON.parse(data)));
  }

  /** @throws AppError INVALID_PARAMS when it is no rule that can be asked, or there are too many */
  async setRule(rule: Rule): Promise<void> {
    compileRule(rule);
    const ids = (await this.rules()).map(({ id }) => id);
    if (!ids.includes(rule.id) && ids.length >= MAX_RULES)
      throw new AppError('INVALID_PARAMS', { text: `There are ${MAX_RULES} rules already; remove one first` });
    await this.write(rule);
  }

  /** @throws AppError INVALID_PARAMS when there is none of that id */
  async removeRule(id: string): Promise<void> {
    const { db } = this.options.store;
    const { numDeletedRows } = await db.deleteFrom('rules').where('id', '=', id).executeTakeFirst();
    if (numDeletedRows === 0n) throw unknown('rule', id);
    await db.deleteFrom('alerts').where('rule_id', '=', id).execute();
  }

  async silence(silence: Omit<Silence, 'id'>): Promise<string> {
    const { ruleId } = silence;
    if (ruleId !== null && !(await this.rules()).some(({ id }) => id === ruleId)) throw unknown('rule', ruleId);
    if ((await this.silences()).length >= MAX_SILENCES)
      throw new AppError('INVALID_PARAMS', { text: `There are ${MAX_SILENCES} silences already; end one first` });
    const id = this.options.newId();
    const { untilMs: until, by, reason } = silence;
    await this.options.store.db.insertInto('silences').values({ id, rule_id: ruleId, until, by, reason }).execute();
    return id;
  }

  async endSilence(id: string): Promise<void> {
    const { numDeletedRows } = await this.options.store.db
      .deleteFrom('silences')
      .where('id', '=', id)
      .executeTakeFirst();
    if (numDeletedRows === 0n) throw unknown('silence', id);
  }

  async silences(): Promise<Silence[]> {
    const { db } = this.options.store;
    await db.deleteFrom('silences').where('until', '<=', this.options.nowMs()).execute();
    const rows = await db.selectFrom('silences').selectAll().orderBy('until').execute();
    return rows.map(({ id, rule_id, until, by, reason }) => ({
      id,
      ruleId: rule_id,
      untilMs: Number(until),
      by,
      reason,
    }));
  }

  /** Those that are not in order, firing first, the oldest first. */
  async list(): Promise<Alert[]> {
    const rules = new Map((await this.rules()).map((rule) => [rule.id, rule]));
    const silences = await this.silences();
    const rows = await this.options.store.db.selectFrom('alerts').selectAll().execute();
    return rows
      .flatMap(({ rule_id, series, state, since, value }): Alert[] => {
        const rule = rules.get(rule_id);
        if (rule === undefined) return [];
        return [
          { rule, series, state: stateOf(state), sinceMs: Number(since), value, isSilenced: covers(silences, rule_id) },
        ];
      })
      .sort((a, b) => Number(b.state === 'firing') - Number(a.state === 'firing') || a.sinceMs - b.sinceMs);
  }

  /** The newest first. */
  async history(limit: number, ruleId?: string): Promise<PastChange[]> {
    let query = this.options.store.db.selectFrom('alert_history').selectAll().orderBy('seq', 'desc').limit(limit);
    if (ruleId !== undefined) query = query.where('rule_id', '=', ruleId);
    const rows = await query.execute();
    return rows.map(({ at, rule_id, series, state, value, severity }) => ({
      atMs: Number(at),
      ruleId: rule_id,
      series,
      state,
      value,
      severity,
    }));
  }

  /** Asks every rule, and tells of what changed. */
  async look(nowMs: number): Promise<void> {
    const { db } = this.options.store;
    const rules = (await this.rules()).map((rule) => this.compile(rule));
    const rows = await db.selectFrom('alerts').selectAll().execute();
    const known = new Map(rows.map((row) => [`${row.rule_id}\0${row.series}`, row]));
    const silences = await this.silences();
    let room = MAX_ALERTS - rows.length;
    for (const rule of rules) {
      for (const series of this.covered(rule)) {
        const row = known.get(`${rule.id}\0${series}`);
        const found = await this.ask(rule, series, nowMs);
        if (row === undefined) {
          if (!found.holds || room <= 0) continue;
          room--;
          await this.begin(rule, series, nowMs, found.value, silences);
        } else if (!found.holds) await this.end(rule, row, nowMs, found.value, silences);
        else if (row.state === 'pending' && nowMs - Number(row.since) >= waitMs(rule))
          await this.fire(rule, series, nowMs, found.value, silences);
      }
    }
  }

  private covered(rule: CompiledRule): readonly string[] {
    if (rule.series === undefined) return this.options.series.names().filter((name) => rule.covers(name));
    const isOfRouter = /^(?:router|server)\./.test(rule.series);
    return isOfRouter && !this.options.hasRouter ? [] : [rule.series];
  }

  private async ask(rule: CompiledRule, series: string, nowMs: number) {
    const all = this.options.series;
    const earlier = rule.kind === 'rate' ? await all.firstSince(series, nowMs - rule.for_seconds * 1_000) : undefined;
    return holds(rule, nowMs, all.latest(series), earlier, this.startedMs);
  }

  private async begin(rule: Rule, series: string, nowMs: number, value: number | null, silences: readonly Silence[]) {
    const state: AlertState = waitMs(rule) === 0 ? 'firing' : 'pending';
    const { numInsertedOrUpdatedRows } = await this.options.store.db
      .insertInto('alerts')
      .values({ rule_id: rule.id, series, state, since: nowMs, value })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows === 1n && state === 'firing')
      await this.tell({ atMs: nowMs, rule, series, state, value, isSilenced: covers(silences, rule.id) });
  }

  private async fire(rule: Rule, series: string, nowMs: number, value: number | null, silences: readonly Silence[]) {
    const { numUpdatedRows } = await this.options.store.db
      .updateTable('alerts')
      .set({ state: 'firing', since: nowMs, value })
      .where('rule_id', '=', rule.id)
      .where('series', '=', series)
      .where('state', '=', 'pending')
      .executeTakeFirst();
    if (numUpdatedRows === 1n)
      await this.tell({ atMs: nowMs, rule, series, state: 'firing', value, isSilenced: covers(silences, rule.id) });
  }

  private async end(
    rule: Rule,
    row: { series: string; state: string },
    nowMs: number,
    value: number | null,
    silences: readonly Silence[],
  ) {
    const { series, state } = row;
    const { numDeletedRows } = await this.options.store.db
      .deleteFrom('alerts')
      .where('rule_id', '=', rule.id)
      .where('series', '=', series)
      .where('state', '=', state)
      .executeTakeFirst();
    if (numDeletedRows === 1n && state === 'firing')
      await this.tell({ atMs: nowMs, rule, series, state: 'resolved', value, isSilenced: covers(silences, rule.id) });
  }

  private async tell(change: AlertChange): Promise<void> {
    const { atMs: at, rule, series, state, value } = change;
    const { db } = this.options.store;
    await db
      .insertInto('alert_history')
      .values({ at, rule_id: rule.id, series, state, value, severity: rule.severity })
      .execute();
    const newest = await db
      .selectFrom('alert_history')
      .select('seq')
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst();
    await db
      .deleteFrom('alert_history')
      .where('seq', '<=', Number(newest?.seq ?? 0) - MAX_HISTORY)
      .execute();
    for (const listener of this.listeners) listener(change);
  }

  private compile(rule: Rule): CompiledRule {
    const key = JSON.stringify(rule);
    const known = this.compiled.get(key);
    if (known !== undefined) return known;
    if (this.compiled.size > MAX_RULES) this.compiled.clear();
    const compiled = compileRule(rule);
    this.compiled.set(key, compiled);
    return compiled;
  }

  private async write(rule: Rule): Promise<void> {
    const data = JSON.stringify(rule);
    await this.options.store.db
      .insertInto('rules')
      .values({ id: rule.id, data })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ data }))
      .execute();
  }
}

/** Somebody who removed all rules does not get the defaults back. */
const DEFAULTS_MADE = 'default rules';

function stateOf(text: string): AlertState {
  return text === 'firing' ? 'firing' : 'pending';
}

function covers(silences: readonly Silence[], ruleId: string): boolean {
  return silences.some((silence) => silence.ruleId === null || silence.ruleId === ruleId);
}

function unknown(what: string, id: string): AppError {
  return new AppError('INVALID_PARAMS', { text: `There is no ${what} ${id}; action list names all` });
}
