/** Owns the tables of one person's store and their numbered migrations. */
import { type CounterTables, createCounterTables } from '../../../shared/counters.ts';
import { createIndexTables, type IndexTables } from '../../../shared/retrieval/kept/index-tables.ts';
import type { Migration } from '../../../shared/store.ts';

/** `knowledge` is of the world, `personal` about the person, `preference` a topic and what the person wants there. */
export const FACT_KINDS = ['knowledge', 'personal', 'preference'] as const;
export type FactKind = (typeof FACT_KINDS)[number];

/** What the owner may allow (T5). */
export const PURPOSES = ['knowledge_elevation', 'people_patterns'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** `sending` was recorded before anything left; without an outcome it is `outcome_unknown`. */
export type SendingStatus = 'sending' | 'sent' | 'refused' | 'outcome_unknown' | 'stopped';

/** Facts are what the index tables call passages. */
export interface Tables extends CounterTables, IndexTables {
  facts: {
    /** Grows with each fact that is written or rewritten, and is never used again. */
    key: number;
    fact_id: string;
    kind: FactKind;
    domain: string;
    /** Of a preference; empty for the others. */
    topic: string;
    content: string;
    /** SHA-256 of the content without differences of case and spaces. */
    digest: string;
    source: string;
    /** How often it held and how often not, the first statement included; and the sum of its squared errors (learning/record.ts). */
    hits: number;
    misses: number;
    squared: number;
    /** The last day (since the epoch, UTC) that counted for or against it. */
    last_day: number;
    created_at: number;
    /** Stated, confirmed, or found by a question. */
    used_at: number;
  };
  events: { id: number; topic: string; note: string; at: number; stored_at: number };
  consents: { position: number; purpose: Purpose; granted: number; at: number };
  /** What left, or was about to. */
  elevations: {
    elevation_id: string;
    candidate_id: string;
    content: string;
    domain: string;
    confidence: number;
    privacy_level: string;
    status: SendingStatus;
    knowledge_id: string | null;
    at: number;
  };
  /** What being counted has cost this person's privacy; `noised` is null until the count was made. */
  spendings: { position: number; pattern: string; epsilon: number; noised: number | null; at: number };
  /** Single values: the key of pseudonyms, the time of the last entry. */
  settings: { name: string; value: Uint8Array };
}

export const migrations: readonly Migration[] = [
  async (db) => {
    const { schema } = db;
    await schema
      .createTable('facts')
      .addColumn('key', 'bigint', (c) => c.primaryKey())
      .addColumn('fact_id', 'text', (c) => c.notNull().unique())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('domain', 'text', (c) => c.notNull())
      .addColumn('topic', 'text', (c) => c.notNull())
      .addColumn('content', 'text', (c) => c.notNull())
      .addColumn('digest', 'text', (c) => c.notNull())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('hits', 'integer', (c) => c.notNull())
      .addColumn('misses', 'integer', (c) => c.notNull())
      .addColumn('squared', 'real', (c) => c.notNull())
      .addColumn('last_day', 'integer', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('used_at', 'bigint', (c) => c.notNull())
      .addUniqueConstraint('facts_digest', ['kind', 'digest'])
      .execute();
    await schema.createIndex('facts_used').on('facts').column('used_at').execute();
    await schema.createIndex('facts_topic').on('facts').columns(['kind', 'topic']).execute();
    await schema
      .createTable('events')
      .addColumn('id', 'bigint', (c) => c.primaryKey())
      .addColumn('topic', 'text', (c) => c.notNull())
      .addColumn('note', 'text', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('stored_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createIndex('events_topic').on('events').columns(['topic', 'at']).execute();
    await schema
      .createTable('consents')
      .addColumn('position', 'bigint', (c) => c.primaryKey())
      .addColumn('purpose', 'text', (c) => c.notNull())
      .addColumn('granted', 'integer', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .execute();
    await schema
      .createTable('elevations')
      .addColumn('elevation_id', 'text', (c) => c.primaryKey())
      .addColumn('candidate_id', 'text', (c) => c.notNull())
      .addColumn('content', 'text', (c) => c.notNull())
      .addColumn('domain', 'text', (c) => c.notNull())
      .addColumn('confidence', 'real', (c) => c.notNull())
      .addColumn('privacy_level', 'text', (c) => c.notNull())
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('knowledge_id', 'text')
      .addColumn('at', 'bigint', (c) => c.notNull())
      .execute();
    await schema
      .createTable('spendings')
      .addColumn('position', 'bigint', (c) => c.primaryKey())
      .addColumn('pattern', 'text', (c) => c.notNull())
      .addColumn('epsilon', 'real', (c) => c.notNull())
      .addColumn('noised', 'integer')
      .addColumn('at', 'bigint', (c) => c.notNull())
      .execute();
    await createCounterTables(db);
    await schema
      .createTable('settings')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('value', 'blob', (c) => c.notNull())
      .execute();
  },
  async (db) => {
    // The first stores had these in another form; what they held only spared making the index anew.
    await db.schema.dropTable('removals').ifExists().execute();
    await db.schema.dropTable('snapshots').ifExists().execute();
    await createIndexTables(db);
  },
];
