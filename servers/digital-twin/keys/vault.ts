/**
 * Owns twins/vault.db: the key of each person's store, locked with the master key. Holds no key in clear and no name: a person is
 * a digest there. A wrong master key is an error, never a new vault.
 */
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createQueries, type Queries } from '../../../shared/queries.ts';
import { type Migration, openStore, type Store, StoreError } from '../../../shared/store.ts';
import { KEY_BYTES, type MasterKeySource, type SourceKind } from './master-key.ts';
import { unwrapKey, wrapKey } from './wrap.ts';

interface Tables {
  /** One row. */
  locks: { id: number; source: SourceKind; salt: Uint8Array; proof: Uint8Array };
  stores: { id: string; wrapped: Uint8Array; is_made: number };
}

const migrations: readonly Migration[] = [
  async ({ schema }) => {
    await schema
      .createTable('locks')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('salt', 'blob', (c) => c.notNull())
      .addColumn('proof', 'blob', (c) => c.notNull())
      .execute();
    await schema
      .createTable('stores')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('wrapped', 'blob', (c) => c.notNull())
      .addColumn('is_made', 'integer', (c) => c.notNull())
      .execute();
  },
];

export interface StoreKey {
  readonly key: Uint8Array;
  /** False until the store's file was made for the first time. */
  readonly isMade: boolean;
}

/** All throw StoreError or IdentitySetupError, fit for the owner of the machine, when the master key is missing or wrong. */
export interface Vault {
  /** The key of a store; undefined when there is none. */
  find(storeId: string): Promise<StoreKey | undefined>;
  /** The same, made where there is none. */
  make(storeId: string): Promise<StoreKey>;
  /** From now on the store's file must be there. */
  made(storeId: string): Promise<void>;
  /** Forgets the key: what was locked with it cannot be read any more. */
  forget(storeId: string): Promise<void>;
  storeIds(): Promise<string[]>;
  /** Locks all keys with a new master key, at once. @returns how many */
  rotate(to: MasterKeySource): Promise<number>;
  close(): Promise<void>;
}

export const TWINS_FOLDER = 'twins';
export const TWIN_SUFFIX = '.twin';
const PROOF = 'proof';
const SALT_BYTES = 16;

/** Whose store it is, without saying so. */
export function storeIdOf(person: string): string {
  return createHash('sha256').update(`aivillage twin\n${person}`).digest('hex').slice(0, 32);
}

interface Unlocked {
  readonly store: Store<Tables>;
  readonly queries: Queries<Tables>;
  master: Uint8Array;
}

/** @param sourceNow where the settings say that the master key is; asked for at the first use */
export function createVault(dataDir: string, sourceNow: () => MasterKeySource): Vault {
  const folder = path.join(dataDir, TWINS_FOLDER);
  const file = path.join(folder, 'vault.db');
  let opening: Promise<Unlocked> | undefined;

  async function open(): Promise<Unlocked> {
    if (!fs.existsSync(file) && hasTwins(folder)) {
      throw new StoreError(
        `${folder} has twins but no vault.db, which holds their keys. Put it back from a backup; nothing was changed.`,
      );
    }
    const store = await openStore<Tables>({ file, migrations, durability: 'full', busyTimeoutMs: 10_000 });
    try {
      store.connection.pragma('secure_delete = ON');
      const queries = createQueries(store);
      return { store, queries, master: await unlock(store, queries) };
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The master key that fits this vault; a new vault gets its first one. */
  async function unlock(store: Store<Tables>, queries: Queries<Tables>): Promise<Uint8Array> {
    const found = queries.first<Tables['locks']>(store.db.selectFrom('locks').selectAll());
    if (found === undefined) {
      const source = sourceNow();
      const salt = randomBytes(SALT_BYTES);
      const key = await source.create(salt);
      const proof = wrapKey(key, Buffer.alloc(KEY_BYTES), PROOF);
      const row = { id: 1, source: source.kind, salt, proof };
      const insert = store.db.insertInto('locks').values(row);
      queries.run(insert.onConflict((c) => c.doNothing()));
      // Another process may have been first, with another salt.
      return unlock(store, queries);
    }
    const source = sourceNow();
    if (source.kind !== found.source) {
      throw new StoreError(
        `The twins of this data folder are locked by a ${found.source}, and the settings name a ${source.kind}. Set TWIN_PASSPHRASE, ` +
          'TWIN_KEY_FILE and TWIN_KEYCHAIN as they were, or change the lock with: aivillage twin rotate',
      );
    }
    for (const key of await source.load(found.salt)) {
      if (unwrapKey(key, found.proof, PROOF) === undefined) continue;
      source.settle(key);
      return key;
    }
    throw new StoreError(
      `This ${found.source} is not the one that the twins of this data folder are locked with. Nothing was changed; set the right one ` +
        'and start again. There is no other way in.',
    );
  }

  /** undefined when there is no vault yet and none is to be made. */
  async function opened(make: boolean): Promise<Unlocked | undefined> {
    if (opening === undefined && !make && !fs.existsSync(file) && !hasTwins(folder)) return undefined;
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  /** Another process may have rotated the master key meanwhile. */
  function isCurrent({ store, queries, master }: Unlocked): boolean {
    const lock = queries.first<Tables['locks']>(store.db.selectFrom('locks').selectAll());
    return lock !== undefined && unwrapKey(master, lock.proof, PROOF) !== undefined;
  }

  /** Runs `work` in a transaction in which the master key is the right one. */
  async function withMaster<T>(vault: Unlocked, work: () => T): Promise<T> {
    for (;;) {
      const done = vault.store.transaction(() => (isCurrent(vault) ? { result: work() } : undefined));
      if (done) return done.result;
      vault.master = await unlock(vault.store, vault.queries);
    }
  }

  function find({ store, queries, master }: Unlocked, storeId: string): StoreKey | undefined {
    const row = queries.first<Tables['stores']>(store.db.selectFrom('stores').selectAll().where('id', '=', storeId));
    if (row === undefined) return undefined;
    const key = unwrapKey(master, row.wrapped, storeId);
    if (key !== undefined) return { key, isMade: row.is_made === 1 };
    throw new StoreError('vault.db was changed by something else than this program. Put it back from a backup.');
  }

  return {
    async find(storeId) {
      const vault = await opened(false);
      return vault && withMaster(vault, () => find(vault, storeId));
    },
    async make(storeId) {
      const vault = (await opened(true))!;
      return withMaster(vault, () => {
        const found = find(vault, storeId);
        if (found) return found;
        const key = randomBytes(KEY_BYTES);
        const row = { id: storeId, wrapped: wrapKey(vault.master, key, storeId), is_made: 0 };
        vault.queries.run(vault.store.db.insertInto('stores').values(row));
        return { key, isMade: false };
      });
    },
    async made(storeId) {
      const { store, queries } = (await opened(true))!;
      queries.run(store.db.updateTable('stores').set({ is_made: 1 }).where('id', '=', storeId));
    },
    async forget(storeId) {
      const vault = await opened(false);
      if (vault === undefined) return;
      vault.queries.run(vault.store.db.deleteFrom('stores').where('id', '=', storeId));
      vault.store.connection.pragma('wal_checkpoint(TRUNCATE)');
    },
    async storeIds() {
      const vault = await opened(false);
      if (vault === undefined) return [];
      return vault.queries.all<{ id: string }>(vault.store.db.selectFrom('stores').select('id')).map(({ id }) => id);
    },
    async rotate(to) {
      const vault = await opened(false);
      if (vault === undefined) return 0;
      const { store, queries } = vault;
      const salt = randomBytes(SALT_BYTES);
      const { key, commit } = await to.replace(salt);
      const count = await withMaster(vault, () => {
        const rows = queries.all<Tables['stores']>(store.db.selectFrom('stores').selectAll());
        for (const { id, wrapped } of rows) {
          const plain = unwrapKey(vault.master, wrapped, id);
          if (plain === undefined)
            throw new StoreError('The key was changed meanwhile; nothing was changed. Try again.');
          queries.run(
            store.db
              .updateTable('stores')
              .set({ wrapped: wrapKey(key, plain, id) })
              .where('id', '=', id),
          );
        }
        const proof = wrapKey(key, Buffer.alloc(KEY_BYTES), PROOF);
        queries.run(store.db.updateTable('locks').set({ source: to.kind, salt, proof }));
        return rows.length;
      });
      await commit();
      vault.master = key;
      store.connection.pragma('wal_checkpoint(TRUNCATE)');
      return count;
    },
    async close() {
      const vault = await opening?.catch(() => undefined);
      opening = undefined;
      await vault?.store.close();
    },
  };
}

function hasTwins(folder: string): boolean {
  return fs.existsSync(folder) && fs.readdirSync(folder).some((name) => name.endsWith(TWIN_SUFFIX));
}
