/** Owns the tables of money, market and harvesting in fog.db and the migration that makes them. */
import { type ColumnType, type CreateTableBuilder, sql } from 'kysely';
import type { Migration } from '../../../shared/store.ts';

export const MINUTE_MS = 60_000;

/** Micro-FOG, exact as a number too (MAX_SUPPLY); written as bigint, and a bigint again as soon as it is read. */
type Money = ColumnType<number, bigint, bigint>;

interface LeasableColumns {
  cpu_cores: number;
  memory_mb: number;
  gpu: number;
  cpu_hour_price: Money;
  gb_hour_price: Money;
}

export interface MoneyTables {
  /** One row for each posting, in order. Appended, never changed; `hash` covers the row, its entries and the hash before it. */
  postings: {
    position: number;
    key: string;
    kind: string;
    reference: string;
    memo: string;
    /** Milliseconds since the epoch. */
    at: number;
    hash: string;
  };
  /** Appended with their posting. The newest `balance` of an account is its kept sum. */
  entries: {
    position: number;
    line: number;
    account: string;
    /** 1, 2, 3 … within the account. */
    ordinal: number;
    amount: Money;
    /** Of the account, behind this entry. */
    balance: Money;
  };
  offers: LeasableColumns & {
    id: string;
    provider: string;
    node_id: string;
    /** `open` or `withdrawn`. */
    status: string;
    /** 1 when harvesting made it, which then withdraws it too. */
    harvested: number;
    expires_at: number;
    created_at: number;
  };
  contracts: LeasableColumns & {
    id: string;
    /** `<consumer>/<key>`: the same request gives the same contract. */
    request_key: string;
    offer_id: string;
    consumer: string;
    provider: string;
    node_id: string;
    /** What was locked for it. */
    escrow: Money;
    starts_at: number;
    ends_at: number;
    /** contract.ts. */
    status: string;
    reason: string;
    proposal_id: string | null;
    /** What the provider got, once it is settled. */
    paid: Money;
    settled_at: number | null;
  };
  /** What was measured; a meter reading counts once, by its id. */
  usage: {
    id: string;
    /** Of a contract, else empty: work that only a reward pays. */
    contract_id: string;
    provider: string;
    node_id: string;
    cpu_ms: number;
    /** Megabyte-milliseconds. */
    mb_ms: number;
    harvested: number;
    /** What the treasury paid for it, and what it should have. */
    reward_paid: Money;
    reward_due: Money;
    at: number;
  };
  /** What the treasury paid to each in each minute: the sum over a day does not walk every run of it. */
  rewarded_minutes: {
    provider: string;
    /** Its beginning, in milliseconds since the epoch. */
    minute: number;
    paid: Money;
  };
  /** Whose device harvests, and what its last reading decided. */
  harvests: {
    node_id: string;
    owner: string;
    is_enabled: number;
    /** 1 while the rules let it work. */
    is_harvesting: number;
    reason: string;
    offer_id: string;
    changed_at: number;
  };
}

/** What an offer and a contract on it both say of the machine and its price. */
function leasable<Table extends string, Columns extends string>(table: CreateTableBuilder<Table, Columns>) {
  return table
    .addColumn('cpu_cores', 'integer', (c) => c.notNull())
    .addColumn('memory_mb', 'bigint', (c) => c.notNull())
    .addColumn('gpu', 'integer', (c) => c.notNull())
    .addColumn('cpu_hour_price', 'bigint', (c) => c.notNull())
    .addColumn('gb_hour_price', 'bigint', (c) => c.notNull());
}

export const moneyMigration: Migration = async ({ schema }) => {
  await schema
    .createTable('postings')
    .addColumn('position', 'bigint', (c) => c.primaryKey())
    .addColumn('key', 'text', (c) => c.notNull().unique())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('reference', 'text', (c) => c.notNull())
    .addColumn('memo', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .execute();
  await schema
    .createTable('entries')
    .addColumn('position', 'bigint', (c) => c.notNull())
    .addColumn('line', 'integer', (c) => c.notNull())
    .addColumn('account', 'text', (c) => c.notNull())
    .addColumn('ordinal', 'bigint', (c) => c.notNull())
    .addColumn('amount', 'bigint', (c) => c.notNull())
    .addColumn('balance', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('entries_key', ['position', 'line'])
    .addUniqueConstraint('entries_account', ['account', 'ordinal'])
    .execute();
  await schema
    .createTable('offers')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('node_id', 'text', (c) => c.notNull())
    .$call(leasable)
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('harvested', 'integer', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema.createIndex('offers_status').on('offers').columns(['status', 'expires_at']).execute();
  await schema.createIndex('offers_provider').on('offers').columns(['provider', 'created_at']).execute();
  await schema
    .createTable('contracts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('request_key', 'text', (c) => c.notNull().unique())
    .addColumn('offer_id', 'text', (c) => c.notNull())
    .addColumn('consumer', 'text', (c) => c.notNull())
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('node_id', 'text', (c) => c.notNull())
    .$call(leasable)
    .addColumn('escrow', 'bigint', (c) => c.notNull())
    .addColumn('starts_at', 'bigint', (c) => c.notNull())
    .addColumn('ends_at', 'bigint', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('proposal_id', 'text')
    .addColumn('paid', 'bigint', (c) => c.notNull())
    .addColumn('settled_at', 'bigint')
    .execute();
  await schema.createIndex('contracts_offer').on('contracts').columns(['offer_id', 'status']).execute();
  await schema.createIndex('contracts_consumer').on('contracts').columns(['consumer', 'starts_at']).execute();
  await schema.createIndex('contracts_provider').on('contracts').columns(['provider', 'starts_at']).execute();
  await schema.createIndex('contracts_due').on('contracts').columns(['status', 'ends_at']).execute();
  await schema
    .createTable('usage')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('contract_id', 'text', (c) => c.notNull())
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('node_id', 'text', (c) => c.notNull())
    .addColumn('cpu_ms', 'bigint', (c) => c.notNull())
    .addColumn('mb_ms', 'bigint', (c) => c.notNull())
    .addColumn('harvested', 'integer', (c) => c.notNull())
    .addColumn('reward_paid', 'bigint', (c) => c.notNull())
    .addColumn('reward_due', 'bigint', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .execute();
  await schema.createIndex('usage_contract').on('usage').column('contract_id').execute();
  await schema.createIndex('usage_provider').on('usage').columns(['provider', 'harvested']).execute();
  await schema.createIndex('usage_time').on('usage').columns(['provider', 'at']).execute();
  await schema
    .createTable('harvests')
    .addColumn('node_id', 'text', (c) => c.primaryKey())
    .addColumn('owner', 'text', (c) => c.notNull())
    .addColumn('is_enabled', 'integer', (c) => c.notNull())
    .addColumn('is_harvesting', 'integer', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('offer_id', 'text', (c) => c.notNull())
    .addColumn('changed_at', 'bigint', (c) => c.notNull())
    .execute();
};

export const rewardedMinutesMigration: Migration = async (db) => {
  await db.schema
    .createTable('rewarded_minutes')
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('minute', 'bigint', (c) => c.notNull())
    .addColumn('paid', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('rewarded_minutes_key', ['provider', 'minute'])
    .execute();
  await sql`
    INSERT INTO rewarded_minutes (provider, minute, paid)
    SELECT provider, at - at % ${sql.lit(MINUTE_MS)}, SUM(reward_paid) FROM usage
    WHERE reward_paid > 0 GROUP BY provider, at - at % ${sql.lit(MINUTE_MS)}
  `.execute(db);
};
