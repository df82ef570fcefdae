/**
 * Opens one SQLite file (WAL) with numbered migrations. All SQL goes through Kysely in forms that PostgreSQL accepts too;
 * what is SQLite's own (pragmas, the file) stays in here.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { type CompiledQuery, Kysely, SqliteDialect } from 'kysely';

/** Numbered from 1 by its place in the list; never changed once released. Runs inside a transaction. */
export type Migration = (db: Kysely<unknown>) => Promise<void>;

export interface StoreOptions {
  /** Full path of the file; its folder is made with owner-only rights. */
  readonly file: string;
  readonly migrations: readonly Migration[];
  /** `full` waits for the disk at each commit (survives power loss); `normal` survives the end of the process only. */
  readonly durability?: 'normal' | 'full';
  /** How long a write waits for another process's write. */
  readonly busyTimeoutMs?: number;
  readonly readonly?: boolean;
  /** Runs on the raw connection before anything else, for a file that is encrypted. */
  readonly unlock?: (connection: Database.Database) => void;
}

export interface Store<Tables> {
  readonly db: Kysely<Tables>;
  /** The connection below, for prepared statements on hot paths: prepare what Kysely compiled. */
  readonly connection: Database.Database;
  /** One synchronous transaction that takes the write lock at once; returns what `work` returns, rolls back when it throws. */
  transaction<T>(work: () => T): T;
  close(): Promise<void>;
}

/** Thrown when a file was written by a newer version, or is no database. The message is fit for the user. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** Opens the file, making it and its tables where needed. Throws StoreError when the file is newer than the code. */
export async function openStore<Tables>(options: StoreOptions): Promise<Store<Tables>> {
  const { file, migrations, durability = 'normal', busyTimeoutMs = 5_000, readonly = false } = options;
  if (!readonly) fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const connection = new Database(file, { readonly, fileMustExist: readonly, timeout: busyTimeoutMs });
  try {
    options.unlock?.(connection);
    if (!readonly) {
      fs.chmodSync(file, 0o600);
      await useWal(connection, busyTimeoutMs);
      connection.pragma(`synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
    }
    connection.pragma('foreign_keys = ON');
    const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) });
    await migrate(connection, db as Kysely<unknown>, migrations, file, readonly);
    const inTransaction = connection.transaction((work: () => unknown) => work());
    return {
      db,
      connection,
      transaction: <T>(work: () => T) => inTransaction.immediate(work) as T,
      close: async () => {
        await db.destroy();
        // Kysely closes only a connection that it has used.
        connection.close();
      },
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** A statement on the raw connection from what Kysely compiled; parameters are given in the query's order. */
export function prepare<Row>(connection: Database.Database, query: CompiledQuery): Database.Statement<unknown[], Row> {
  return connection.prepare<unknown[], Row>(query.sql);
}

/** The change to WAL needs the file alone for a moment, and SQLite does not wait for that: two that make one file would both lose. */
async function useWal(connection: Database.Database, timeoutMs: number): Promise<void> {
  for (const began = performance.now(); ; ) {
    try {
      connection.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      const busy = error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
      if (!busy || performance.now() - began >= timeoutMs) throw error;
      await sleep(1 + Math.random() * 10);
    }
  }
}

async function migrate(
  connection: Database.Database,
  db: Kysely<unknown>,
  migrations: readonly Migration[],
  file: string,
  readonly: boolean,
): Promise<void> {
  const version = () => connection.pragma('user_version', { simple: true }) as number;
  refuseNewer(version(), migrations.length, file);
  if (readonly || version() === migrations.length) return;
  connection.exec('BEGIN IMMEDIATE');
  try {
    // Read again under the lock: another process may have migrated meanwhile.
    refuseNewer(version(), migrations.length, file);
    for (const migration of migrations.slice(version())) await migration(db);
    connection.pragma(`user_version = ${migrations.length}`);
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.inTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

function refuseNewer(found: number, known: number, file: string): void {
  if (found > known) {
    throw new StoreError(
      `${path.basename(file)} has schema version ${found}, this program knows ${known}. ` +
        'A newer AIVillage wrote it: update this one, or use another data folder.',
    );
  }
}
