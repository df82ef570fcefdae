/** Owns the tables of hyperrag.db and their numbered migrations. */
import { sql } from 'kysely';
import { type CounterTables, createCounterTables } from '../../../shared/counters.ts';
import { createIndexTables, type IndexTables } from '../../../shared/retrieval/kept/index-tables.ts';
import type { Migration } from '../../../shared/store.ts';

/** `document` was ingested, `memory` stored by an agent for itself, `knowledge` elevated for all. */
export type Kind = 'document' | 'memory' | 'knowledge';

export interface Tables extends CounterTables, IndexTables {
  documents: {
    key: number;
    /** namespaces.ts. */
    namespace: string;
    kind: Kind;
    /** Unique in its namespace and kind; given by whoever stored it. */
    document_id: string;
    title: string;
    /** Whom or what it is from: what trust is kept for. */
    source: string;
    /** The agent that stored it. */
    author: string;
    /** SHA-256 over everything that a later version could differ in. */
    digest: string;
    /** JSON object. */
    metadata: string;
    /** Days it lives after `updated_at`; null = as long as the retention policy says (memories), or for ever (others). */
    ttl_days: number | null;
    created_at: number;
    updated_at: number;
  };
  passages: {
    /** Grows with each passage that is written and is never used again: what is above a number is new since. */
    key: number;
    document_key: number;
    ordinal: number;
    /** Headings above it inside the document, joined. */
    heading: string;
    text: string;
    /** SHA-256 of the text: the same claim from several sources has the same one. */
    digest: string;
    /** Of its source, from 1; null where there are none. */
    page: number | null;
  };
  /** How many passages an author has in a namespace. */
  holdings: { namespace: string; author: string; passages: number };
  /** Which passages hold a name. */
  mentions: { namespace: string; folded: string; passage_key: number; name: string };
  /** Whose vectors there are, and which process makes them now. `dimensions` 0 = none yet. */
  embedders: { name: string; dimensions: number; holder: string; lease_until: number; used_at: number };
  /** 32-bit numbers, little-endian; `position` only grows. */
  vectors: { position: number; embedder: string; passage_key: number; octets: Uint8Array };
  /** What was asked and not answered well. */
  questions: { namespace: string; folded: string; question: string; times: number; best: number; last_at: number };
  /** One judgement of one witness on one claim; the newest counts. */
  verdicts: {
    namespace: string;
    claim: string;
    witness: string;
    source: string;
    supports: number;
    at: number;
  };
  /** What a caller said of how well a hit fitted its question: evidence logit and outcome. */
  fits: { namespace: string; question: string; claim: string; logit: number; fitted: number; at: number };
  contexts: {
    id: string;
    namespace: string;
    source: string;
    /** JSON of what was given. */
    content: string;
    priority: number;
    tokens: number;
    version: number;
    created_at: number;
    updated_at: number;
  };
}

export const migrations: readonly Migration[] = [
  async (db) => {
    const { schema } = db;
    await schema
      .createTable('documents')
      .addColumn('key', 'bigint', (c) => c.primaryKey())
      .addColumn('namespace', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('document_id', 'text', (c) => c.notNull())
      .addColumn('title', 'text', (c) => c.notNull())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('author', 'text', (c) => c.notNull())
      .addColumn('digest', 'text', (c) => c.notNull())
      .addColumn('metadata', 'text', (c) => c.notNull())
      .addColumn('ttl_days', 'integer')
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .addUniqueConstraint('documents_id', ['namespace', 'kind', 'document_id'])
      .execute();
    await schema.createIndex('documents_updated').on('documents').columns(['kind', 'updated_at']).execute();
    await schema.createIndex('documents_by_id').on('documents').column('document_id').execute();
    await schema.createIndex('documents_digest').on('documents').columns(['namespace', 'digest']).execute();
    await schema
      .createTable('passages')
      .addColumn('key', 'bigint', (c) => c.primaryKey())
      .addColumn('document_key', 'bigint', (c) => c.notNull())
      .addColumn('ordinal', 'integer', (c) => c.notNull())
      .addColumn('heading', 'text', (c) => c.notNull())
      .addColumn('text', 'text', (c) => c.notNull())
      .addColumn('digest', 'text', (c) => c.notNull())
      .execute();
    await schema.createIndex('passages_document').on('passages').columns(['document_key', 'ordinal']).execute();
    await schema.createIndex('passages_digest').on('passages').column('digest').execute();
    await schema
      .createTable('mentions')
      .addColumn('namespace', 'text', (c) => c.notNull())
      .addColumn('folded', 'text', (c) => c.notNull())
      .addColumn('passage_key', 'bigint', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('mentions_key', ['namespace', 'folded', 'passage_key'])
      .execute();
    await schema.createIndex('mentions_folded').on('mentions').column('folded').execute();
    await schema.createIndex('mentions_passage').on('mentions').column('passage_key').execute();
    await createCounterTables(db);
    await createIndexTables(db);
    await schema
      .createTable('questions')
      .addColumn('namespace', 'text', (c) => c.notNull())
      .addColumn('folded', 'text', (c) => c.notNull())
      .addColumn('question', 'text', (c) => c.notNull())
      .addColumn('times', 'integer', (c) => c.notNull())
      .addColumn('best', 'real', (c) => c.notNull())
      .addColumn('last_at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('questions_key', ['namespace', 'folded'])
      .execute();
    await schema
      .createTable('verdicts')
      .addColumn('namespace', 'text', (c) => c.notNull())
      .addColumn('claim', 'text', (c) => c.notNull())
      .addColumn('witness', 'text', (c) => c.notNull())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('supports', 'integer', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('verdicts_key', ['namespace', 'claim', 'witness', 'source'])
      .execute();
    await schema.createIndex('verdicts_source').on('verdicts').columns(['namespace', 'source']).execute();
    await schema
      .createTable('fits')
      .addColumn('namespace', 'text', (c) => c.notNull())
      .addColumn('question', 'text', (c) => c.notNull())
      .addColumn('claim', 'text', (c) => c.notNull())
      .addColumn('logit', 'real', (c) => c.notNull())
      .addColumn('fitted', 'integer', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('fits_key', ['namespace', 'question', 'claim'])
      .execute();
    await schema
      .createTable('contexts')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('namespace', 'text', (c) => c.notNull())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('content', 'text', (c) => c.notNull())
      .addColumn('priority', 'integer', (c) => c.notNull())
      .addColumn('tokens', 'integer', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema.createIndex('contexts_namespace').on('contexts').columns(['namespace', 'source']).execute();
  },
  async ({ schema }) => {
    await schema.alterTable('passages').addColumn('page', 'integer').execute();
    await schema
      .createTable('embedders')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('dimensions', 'integer', (c) => c.notNull())
      .addColumn('holder', 'text', (c) => c.notNull())
      .addColumn('lease_until', 'bigint', (c) => c.notNull())
      .addColumn('used_at', 'bigint', (c) => c.notNull())
      .execute();
    await schema
      .createTable('vectors')
      .addColumn('position', 'bigint', (c) => c.primaryKey())
      .addColumn('embedder', 'text', (c) => c.notNull())
      .addColumn('passage_key', 'bigint', (c) => c.notNull())
      .addColumn('octets', 'blob', (c) => c.notNull())
      .addUniqueConstraint('vectors_passage', ['embedder', 'passage_key'])
      .execute();
    await schema.createIndex('vectors_by_passage').on('vectors').column('passage_key').execute();
    await schema.createIndex('vectors_order').on('vectors').columns(['embedder', 'position']).execute();
  },
  async (db) => {
    await db.schema
      .createTable('holdings')
      .addColumn('namespace', 'text', (c) => c.notNull())
      .addColumn('author', 'text', (c) => c.notNull())
      .addColumn('passages', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('holdings_key', ['namespace', 'author'])
      .execute();
    await sql`
      INSERT INTO holdings (namespace, author, passages)
      SELECT d.namespace, d.author, count(*) FROM passages p JOIN documents d ON d.key = p.document_key
      GROUP BY d.namespace, d.author`.execute(db);
  },
];
