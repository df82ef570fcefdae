/** The tables of monitoring.db: time series at three resolutions, alert rules, alerts, their history, silences, webhooks. */
import type { Generated } from 'kysely';
import type { Migration } from '../../../shared/store.ts';

interface Rolled {
  series_id: number;
  /** Milliseconds since the epoch at which the span begins. */
  at: number;
  mean: number;
  low: number;
  high: number;
  samples: number;
}

export interface MonitoringTables {
  series: { id: Generated<number>; name: string };
  raw: { series_id: number; at: number; value: number };
  minutes: Rolled;
  hours: Rolled;
  /** `data` is alerts/rule.ts's Rule as JSON. */
  rules: { id: string; data: string };
  /** Of each rule and series the present state; what is in order has no row. */
  alerts: { rule_id: string; series: string; state: string; since: number; value: number | null };
  alert_history: {
    seq: Generated<number>;
    at: number;
    rule_id: string;
    series: string;
    state: string;
    value: number | null;
    severity: string;
  };
  silences: { id: string; rule_id: string | null; until: number; by: string; reason: string };
  /** `data` is webhooks/webhooks.ts's Webhook as JSON. */
  webhooks: { id: string; data: string };
  /** Since when a check of system_diagnostics has had its status. */
  findings: { component: string; status: string; since: number };
}

export const MIGRATIONS: readonly Migration[] = [
  async (db) => {
    const { schema } = db;
    await schema
      .createTable('series')
      .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('name', 'text', (c) => c.notNull().unique())
      .execute();
    await schema
      .createTable('raw')
      .addColumn('series_id', 'integer', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('value', 'double precision', (c) => c.notNull())
      .addPrimaryKeyConstraint('raw_key', ['series_id', 'at'])
      .execute();
    await schema.createIndex('raw_at').on('raw').column('at').execute();
    for (const table of ['minutes', 'hours']) {
      await schema
        .createTable(table)
        .addColumn('series_id', 'integer', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('mean', 'double precision', (c) => c.notNull())
        .addColumn('low', 'double precision', (c) => c.notNull())
        .addColumn('high', 'double precision', (c) => c.notNull())
        .addColumn('samples', 'integer', (c) => c.notNull())
        .addPrimaryKeyConstraint(`${table}_key`, ['series_id', 'at'])
        .execute();
      await schema.createIndex(`${table}_at`).on(table).column('at').execute();
    }
    for (const table of ['rules', 'webhooks']) {
      await schema
        .createTable(table)
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('data', 'text', (c) => c.notNull())
        .execute();
    }
    await schema
      .createTable('alerts')
      .addColumn('rule_id', 'text', (c) => c.notNull())
      .addColumn('series', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('since', 'bigint', (c) => c.notNull())
      .addColumn('value', 'double precision')
      .addPrimaryKeyConstraint('alerts_key', ['rule_id', 'series'])
      .execute();
    await schema
      .createTable('alert_history')
      .addColumn('seq', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('rule_id', 'text', (c) => c.notNull())
      .addColumn('series', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('value', 'double precision')
      .addColumn('severity', 'text', (c) => c.notNull())
      .execute();
    await schema
      .createTable('silences')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('rule_id', 'text')
      .addColumn('until', 'bigint', (c) => c.notNull())
      .addColumn('by', 'text', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .execute();
    await schema
      .createTable('findings')
      .addColumn('component', 'text', (c) => c.primaryKey())
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('since', 'bigint', (c) => c.notNull())
      .execute();
  },
];
