/** The tables of router.db: emergency stops, who watches them, and which approvals were used. Holds no logic. */
import type { Migration } from '../shared/store.ts';

export interface RouterTables {
  /** The stops in force; `data` is stop/stops.ts's Stop as JSON. */
  stops: { scope: string; data: string };
  /** Every order to stop or to resume; their number is the generation. */
  orders: { at: number; data: string };
  /** Router processes that work on this folder, and the generation that each has taken over. */
  watchers: { id: string; pid: number; seen: number };
  /** Proposals whose approved call has left, or was about to: none leaves a second time. */
  used_approvals: { proposal_id: string; fence: number; at: number };
}

export const routerMigrations: readonly Migration[] = [
  async (db) => {
    await db.schema
      .createTable('stops')
      .addColumn('scope', 'text', (c) => c.primaryKey())
      .addColumn('data', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('orders')
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('data', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('watchers')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('pid', 'integer', (c) => c.notNull())
      .addColumn('seen', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('used_approvals')
      .addColumn('proposal_id', 'text', (c) => c.primaryKey())
      .addColumn('fence', 'bigint', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .execute();
  },
];
