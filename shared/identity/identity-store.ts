/**
 * Owns `identity.db`: revoked token ids, refresh tokens in their families, and users. Writes never make the event loop wait
 * for another process: they are tried again between turns.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Generated } from 'kysely';
import { AppError } from '../errors.ts';
import { type Migration, openStore, type Store } from '../store.ts';
import type { Level } from './levels.ts';
import type { Role } from './roles.ts';

export interface IdentityTables {
  /** `seq` only grows, so that a reader asks for what is newer than it knows. */
  revocations: { seq: Generated<number>; token_id: string; expires_at: number; revoked_at: number };
  refresh_families: { family_id: string; agent_id: string; revoked_at: number | null };
  /** One row for each pair handed out; `used_at` once it was exchanged. Times are seconds since the epoch. */
  refresh_tokens: {
    token_id: string;
    family_id: string;
    access_id: string;
    access_expires_at: number;
    expires_at: number;
    used_at: number | null;
  };
  users: {
    name: string;
    role: Role;
    level: Level;
    salt: string;
    hash: string;
    cost: number;
    created_at: number;
  };
}

export interface IdentityStore extends Store<IdentityTables> {
  /**
   * Throws when the file was deleted or replaced since it was opened: we would go on reading and writing the old one, which
   * nobody else sees.
   */
  assertInPlace(): void;
  /**
   * Runs `work` in one transaction, waiting up to two seconds for other processes.
   * @throws AppError IDENTITY_UNAVAILABLE when it stays locked, cannot be written or was deleted; what `work` throws of its own passes
   */
  write<T>(work: () => T): Promise<T>;
}

const WRITE_DEADLINE_MS = 2_000;

const migrations: readonly Migration[] = [
  async (db) => {
    await db.schema
      .createTable('revocations')
      .addColumn('seq', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('token_id', 'text', (c) => c.notNull().unique())
      .addColumn('expires_at', 'integer', (c) => c.notNull())
      .addColumn('revoked_at', 'integer', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('refresh_families')
      .addColumn('family_id', 'text', (c) => c.primaryKey())
      .addColumn('agent_id', 'text', (c) => c.notNull())
      .addColumn('revoked_at', 'integer')
      .execute();
    await db.schema.createIndex('refresh_families_agent').on('refresh_families').column('agent_id').execute();
    await db.schema
      .createTable('refresh_tokens')
      .addColumn('token_id', 'text', (c) => c.primaryKey())
      .addColumn('family_id', 'text', (c) => c.notNull().references('refresh_families.family_id'))
      .addColumn('access_id', 'text', (c) => c.notNull())
      .addColumn('access_expires_at', 'integer', (c) => c.notNull())
      .addColumn('expires_at', 'integer', (c) => c.notNull())
      .addColumn('used_at', 'integer')
      .execute();
    await db.schema.createIndex('refresh_tokens_family').on('refresh_tokens').column('family_id').execute();
    await db.schema
      .createTable('users')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('level', 'integer', (c) => c.notNull())
      .addColumn('salt', 'text', (c) => c.notNull())
      .addColumn('hash', 'text', (c) => c.notNull())
      .addColumn('cost', 'integer', (c) => c.notNull())
      .addColumn('created_at', 'integer', (c) => c.notNull())
      .execute();
  },
];

/** Opens `<dataDir>/identity.db`, making it where needed. Throws StoreError. */
export async function openIdentityStore(dataDir: string): Promise<IdentityStore> {
  const file = path.join(dataDir, 'identity.db');
  // A revocation or a used refresh token must survive a power cut: the disk is waited for.
  const store = await openStore<IdentityTables>({ file, migrations, durability: 'full' });
  store.connection.pragma('busy_timeout = 0');
  const opened = fs.statSync(file);

  function assertInPlace(): void {
    const found = fs.statSync(file, { throwIfNoEntry: false });
    if (found === undefined)
      throw new AppError('IDENTITY_UNAVAILABLE', { cause: new Error('identity.db was deleted') });
    if (found.ino !== opened.ino || found.dev !== opened.dev) {
      throw new AppError('IDENTITY_UNAVAILABLE', {
        cause: new Error('identity.db was replaced; start again to use it'),
      });
    }
  }

  return {
    ...store,
    assertInPlace,
    async write(work) {
      const deadline = performance.now() + WRITE_DEADLINE_MS;
      for (;;) {
        try {
          assertInPlace();
          return store.transaction(work);
        } catch (error) {
          if (!isStoreFailure(error)) throw error;
          if (!error.code.startsWith('SQLITE_BUSY') || performance.now() > deadline) {
            throw new AppError('IDENTITY_UNAVAILABLE', { cause: error });
          }
        }
        await delay(5 + Math.random() * 20);
      }
    },
  };
}

function isStoreFailure(error: unknown): error is Error & { code: string } {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('SQLITE_')
  );
}
