/** The tables of fog.db and the order of their migrations. Each theme owns its own file; a released migration never changes. */
import type { Migration } from '../../../shared/store.ts';
import { type ForgeTables, forgeMigration } from './forge-tables.ts';
import { type MoneyTables, moneyMigration, rewardedMinutesMigration } from './money-tables.ts';
import { aheadAndRecordMigration, type WorkTables, workMigration } from './work-tables.ts';

export interface Tables extends WorkTables, MoneyTables, ForgeTables {}

/** The order is the numbering: append only. */
export const migrations: readonly Migration[] = [
  workMigration,
  moneyMigration,
  forgeMigration,
  aheadAndRecordMigration,
  rewardedMinutesMigration,
];
