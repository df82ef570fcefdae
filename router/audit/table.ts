/** Owns the file `audit.db`: its one table and the statements on it. Knows nothing of what a record means. */
import path from 'node:path';
import type { Statement } from 'better-sqlite3';
import { type CompiledQuery, sql } from 'kysely';
import { type Migration, openStore, prepare, type Store } from '../../shared/store.ts';
import type { FoundRow } from './chain.ts';

export interface AuditTables {
  audit: {
    seq: number;
    /** The exact JSON text that is hashed. */
    record: string;
    hash: string;
    seal: string;
  };
}

export interface HeadRow {
  readonly seq: number;
  readonly record: string;
  readonly hash: string;
}

export interface RecordRow {
  readonly seq: number;
  readonly record: string;
}

const MIGRATIONS: readonly Migration[] = [
  async (db) => {
    await db.schema
      .createTable('audit')
      .addColumn('seq', 'integer', (column) => column.primaryKey())
      .addColumn('record', 'text', (column) => column.notNull())
      .addColumn('hash', 'text', (column) => column.notNull())
      .addColumn('seal', 'text', (column) => column.notNull())
      .execute();
  },
];

/** A statement takes about 1 µs to start whatever it carries, so many records go in by one. */
export const ROWS_PER_INSERT = 16;

export const auditFile = (dataDir: string) => path.join(dataDir, 'audit.db');

export interface AuditTable {
  readonly store: Store<AuditTables>;
  /** Values of ROWS_PER_INSERT records: seq, record, hash, seal, seq, … */
  readonly insertMany: Statement<unknown[]>;
  readonly insertOne: Statement<unknown[]>;
  readonly deleteUpTo: Statement<unknown[]>;
  readonly head: Statement<unknown[], HeadRow>;
  /** The first record from a seq on. */
  readonly from: Statement<unknown[], HeadRow>;
  /** Arguments: after seq, limit. Oldest first, as found. */
  readonly found: Statement<unknown[], FoundRow>;
  /** Arguments: after seq, limit. Oldest first. */
  readonly after: Statement<unknown[], RecordRow>;
  /** Arguments: before seq, limit. Newest first. */
  readonly before: Statement<unknown[], RecordRow>;
  /** Changes when another connection has written. */
  dataVersion(): number;
}

export interface AuditTableOptions {
  readonly dataDir: string;
  readonly readonly?: boolean;
  readonly durability?: 'normal' | 'full';
  readonly busyTimeoutMs?: number;
}

/** Throws what SQLite throws, and StoreError for a file that is newer than the code. */
export async function openAuditTable({ dataDir, ...options }: AuditTableOptions): Promise<AuditTable> {
  const store = await openStore<AuditTables>({ file: auditFile(dataDir), migrations: MIGRATIONS, ...options });
  // Copying the log into the file writes each page again and waits for the disk: every 32 MB instead of every 4.
  if (options.readonly !== true) store.connection.pragma('wal_autocheckpoint = 8000');
  const { db, connection } = store;
  const compiled = <Row>(query: { compile(): CompiledQuery }) => prepare<Row>(connection, query.compile());
  const row = { seq: 0, record: '', hash: '', seal: '' };
  const rows = db.selectFrom('audit');
  try {
    const version = connection.prepare<unknown[], number>('PRAGMA data_version').pluck();
    return {
      store,
      insertMany: compiled(db.insertInto('audit').values(Array.from({ length: ROWS_PER_INSERT }, () => row))),
      insertOne: compiled(db.insertInto('audit').values(row)),
      deleteUpTo: compiled(db.deleteFrom('audit').where('seq', '<=', 0)),
      head: compiled(rows.select(['seq', 'record', 'hash']).orderBy('seq', 'desc').limit(1)),
      from: compiled(rows.select(['seq', 'record', 'hash']).where('seq', '>=', 0).orderBy('seq').limit(1)),
      found: compiled(
        rows
          .select([
            'seq',
            sql<Buffer>`cast(record as blob)`.as('bytes'),
            sql<string>`typeof(record)`.as('type'),
            'hash',
            'seal',
          ])
          .where('seq', '>', 0)
          .orderBy('seq')
          .limit(1),
      ),
      after: compiled(rows.select(['seq', 'record']).where('seq', '>', 0).orderBy('seq').limit(1)),
      before: compiled(rows.select(['seq', 'record']).where('seq', '<', 0).orderBy('seq', 'desc').limit(1)),
      dataVersion: () => version.get()!,
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
