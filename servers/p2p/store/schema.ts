/** Owns the tables of p2p.db and their numbered migrations. */
import type { Migration } from '../../../shared/store.ts';

export interface Tables {
  /** What was received, as it is read. */
  inbox: {
    position: number | null;
    id: string;
    kind: string;
    from_peer: string;
    from_agent: string;
    content: string;
    priority: string;
    sent_at: number;
    received_at: number;
  };
  /** What was sent from here, without its content. */
  sent: {
    id: string;
    to_peer: string;
    sent_at: number;
    expires_at: number;
    delivered_at: number | null;
  };
  /** Envelopes that wait for their recipient: own ones and those of others. */
  carried: {
    id: string;
    /** 1 for what began here. */
    is_own: number;
    from_peer: string;
    to_peer: string;
    /** Who handed it to us; the own id for own ones. */
    by_peer: string;
    envelope: Buffer;
    bytes: number;
    /** Links that it may still pass. */
    hops_left: number;
    received_at: number;
    expires_at: number;
  };
  /** To whom a carried envelope was handed already. */
  handed: { id: string; peer: string; at: number };
  /** Ids that were taken in, so that each counts once. */
  seen: { id: string; expires_at: number };
  /** Where peers were met, for the next start. */
  met: { peer: string; addresses: string; at: number };
}

export const migrations: readonly Migration[] = [
  async (db) => {
    await db.schema
      .createTable('inbox')
      .addColumn('position', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('id', 'text', (c) => c.notNull().unique())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('from_peer', 'text', (c) => c.notNull())
      .addColumn('from_agent', 'text', (c) => c.notNull())
      .addColumn('content', 'text', (c) => c.notNull())
      .addColumn('priority', 'text', (c) => c.notNull())
      .addColumn('sent_at', 'bigint', (c) => c.notNull())
      .addColumn('received_at', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('inbox_from').on('inbox').columns(['from_peer', 'received_at']).execute();
    await db.schema
      .createTable('sent')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('to_peer', 'text', (c) => c.notNull())
      .addColumn('sent_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .addColumn('delivered_at', 'bigint')
      .execute();
    await db.schema.createIndex('sent_at').on('sent').column('sent_at').execute();
    await db.schema
      .createTable('carried')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('is_own', 'integer', (c) => c.notNull())
      .addColumn('from_peer', 'text', (c) => c.notNull())
      .addColumn('to_peer', 'text', (c) => c.notNull())
      .addColumn('by_peer', 'text', (c) => c.notNull())
      .addColumn('envelope', 'blob', (c) => c.notNull())
      .addColumn('bytes', 'integer', (c) => c.notNull())
      .addColumn('hops_left', 'integer', (c) => c.notNull())
      .addColumn('received_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .execute();
    const onCarried = (name: string, ...columns: string[]) =>
      db.schema.createIndex(name).on('carried').columns(columns).execute();
    await onCarried('carried_to', 'to_peer', 'received_at');
    await onCarried('carried_from', 'from_peer');
    await onCarried('carried_by', 'by_peer');
    await onCarried('carried_expires', 'expires_at');
    await db.schema
      .createTable('handed')
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('peer', 'text', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('handed_key', ['id', 'peer'])
      .execute();
    await db.schema
      .createTable('seen')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('seen_expires').on('seen').column('expires_at').execute();
    await db.schema
      .createTable('met')
      .addColumn('peer', 'text', (c) => c.primaryKey())
      .addColumn('addresses', 'text', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .execute();
  },
];
