/** The tables of the Agent Forge. */
import type { Migration } from '../../../shared/store.ts';

// biome-ignore lint/suspicious/noEmptyInterface: its owner fills it
export interface ForgeTables {}

export const forgeMigration: Migration = async () => {};
