/** Owns the tables of governance.db and their numbered migrations. */
import type { Migration } from '../../../shared/store.ts';

export interface Tables {
  /** The truth: appended, never changed. One hash chain runs through the file in the order of `position`. */
  events: {
    position: number;
    stream: string;
    version: number;
    at: number;
    /** JSON text of the event, hashed as it stands. */
    data: string;
    previous_hash: string;
    hash: string;
  };
  /** Where to look, derived from the events in the same transaction: which proposals are live, due, or about which call. */
  proposals: {
    id: string;
    status: string;
    proposer: string;
    /** binding.ts `callKey`; null without an action. */
    call_key: string | null;
    due_at: number | null;
    ended_at: number | null;
    /** The position of the first event: newest first. */
    created_position: number;
  };
}

export const migrations: readonly Migration[] = [
  async (db) => {
    await db.schema
      .createTable('events')
      .addColumn('position', 'bigint', (c) => c.primaryKey())
      .addColumn('stream', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('data', 'text', (c) => c.notNull())
      .addColumn('previous_hash', 'text', (c) => c.notNull())
      .addColumn('hash', 'text', (c) => c.notNull())
      .addUniqueConstraint('events_stream_version', ['stream', 'version'])
      .execute();
    await db.schema
      .createTable('proposals')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('proposer', 'text', (c) => c.notNull())
      .addColumn('call_key', 'text')
      .addColumn('due_at', 'bigint')
      .addColumn('ended_at', 'bigint')
      .addColumn('created_position', 'bigint', (c) => c.notNull())
      .execute();
    const index = (name: string, ...columns: string[]) =>
      db.schema.createIndex(name).on('proposals').columns(columns).execute();
    await index('proposals_status', 'status', 'created_position');
    await index('proposals_call_key', 'call_key');
    await index('proposals_due_at', 'due_at');
    await index('proposals_created', 'created_position');
  },
];
