/**
 * limits.db in the data folder: how many calls within any 60 s each router process may let through for a key, so that all of
 * them together stay within the limit. Asked in blocks, never for each call.
 */
import { randomInt, randomUUID } from 'node:crypto';
import path from 'node:path';
import { type Migration, openStore, prepare } from '../../shared/store.ts';

interface LimitTables {
  seed: { id: number; value: number };
  /** `until`: on the clock of `now`; a lease that nobody renews ends by itself. */
  leases: { key: number; process: string; calls: number; until: number };
}

const migrations: readonly Migration[] = [
  async (db) => {
    await db.schema
      .createTable('seed')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('value', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('leases')
      .addColumn('key', 'bigint', (c) => c.notNull())
      .addColumn('process', 'text', (c) => c.notNull())
      .addColumn('calls', 'integer', (c) => c.notNull())
      .addColumn('until', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('leases_key', ['key', 'process'])
      .execute();
  },
];

/** Longer than a call counts, and than a process needs to come round to renewing it. */
const LEASE_MS = 90_000;

export interface Ask {
  readonly key: number;
  /** Of the key, for all processes together. */
  readonly limit: number;
  /** What this process may let through from now on, those that count already included; less than before gives back. */
  readonly wanted: number;
}

export interface Ledger {
  /** Of the hashes of keys: secret, and the same for all processes on the folder. */
  readonly seed: number;
  /** In one transaction. @returns for each what it got: at most `wanted`, as much as the others leave */
  lease(asks: readonly Ask[], now: number): readonly number[];
  close(): Promise<void>;
}

/**
 * @param now milliseconds on a clock that all processes of this machine share and that never goes back
 * @throws StoreError when limits.db is newer than the code or no database
 */
export async function openLedger(dataDir: string, now: number): Promise<Ledger> {
  const store = await openStore<LimitTables>({ file: path.join(dataDir, 'limits.db'), migrations });
  const { connection, db } = store;
  const own = randomUUID();
  const seed = store.transaction(() => {
    const read = prepare<{ value: number }>(connection, db.selectFrom('seed').select('value').compile());
    // The machine was started anew since: its clock began again.
    prepare(connection, db.deleteFrom('leases').where('until', '>', 0).compile()).run(now + LEASE_MS);
    prepare(connection, db.deleteFrom('leases').where('until', '<', 0).compile()).run(now);
    const known = read.get();
    if (known !== undefined) return known.value;
    const value = randomInt(2 ** 32);
    prepare(connection, db.insertInto('seed').values({ id: 1, value }).compile()).run(1, value);
    return value;
  });
  const others = prepare<{ calls: number | null }>(
    connection,
    db
      .selectFrom('leases')
      .select((e) => e.fn.sum<number>('calls').as('calls'))
      .where('key', '=', 0)
      .where('process', '!=', '')
      .where('until', '>', 0)
      .compile(),
  );
  const put = prepare(
    connection,
    db
      .insertInto('leases')
      .values({ key: 0, process: '', calls: 0, until: 0 })
      .onConflict((c) =>
        c
          .columns(['key', 'process'])
          .doUpdateSet((e) => ({ calls: e.ref('excluded.calls'), until: e.ref('excluded.until') })),
      )
      .compile(),
  );
  const drop = prepare(connection, db.deleteFrom('leases').where('key', '=', 0).where('process', '=', '').compile());
  return {
    seed,
    lease: (asks, at) =>
      store.transaction(() =>
        asks.map(({ key, limit, wanted }) => {
          if (wanted === 0) {
            drop.run(key, own);
            return 0;
          }
          const taken = others.get(key, own, at)?.calls ?? 0;
          const calls = Math.max(0, Math.min(wanted, limit - taken));
          put.run(key, own, calls, at + LEASE_MS);
          return calls;
        }),
      ),
    close: () => store.close(),
  };
}
