/** The tables of nodes, jobs, shards and leases. */
import type { Migration } from '../../../shared/store.ts';

// biome-ignore lint/suspicious/noEmptyInterface: filled with the work itself
export interface WorkTables {}

export const workMigration: Migration = async () => {};
