/** The tables of the ledger, the marketplace and harvesting. */
import type { Migration } from '../../../shared/store.ts';

// biome-ignore lint/suspicious/noEmptyInterface: its owner fills it
export interface MoneyTables {}

export const moneyMigration: Migration = async () => {};
