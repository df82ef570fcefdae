/** The engines that are compared: the product's retriever, and plain SQLite FTS5. Each takes documents and answers queries. */
import Database from 'better-sqlite3';
import { createRetriever } from '../../../shared/retrieval/retriever.ts';
import type { Document, Query } from './question-set.ts';

export interface Engine {
  add(document: Document): void;
  /** Called once when all documents are in. */
  finish(): void;
  /** Ids, the best first. */
  search(query: Query, limit: number): string[];
}

export const ENGINES: Readonly<Record<'retriever' | 'fts5', () => Engine>> = {
  retriever: openRetriever,
  fts5: openFts5,
};

/** The documents of a group are the turns of one conversation, in the order of the file. */
function openRetriever(): Engine {
  const retriever = createRetriever();
  const turns = new Map<string, number>();
  return {
    add({ id, title, text, group }) {
      if (group === undefined) return retriever.add({ id, title, text });
      const order = turns.get(group) ?? 0;
      turns.set(group, order + 1);
      retriever.add({ id, title, text, group, sequence: { id: group, order } });
    },
    finish() {
      retriever.learn();
      retriever.search('');
    },
    search({ text, group }, limit) {
      const hits = retriever.search(text, { limit, ...(group !== undefined && { groups: [group] }) });
      return hits.map(({ id }) => id);
    },
  };
}

/** BM25 as FTS5 has it, with its Porter stemmer: every term of the query quoted, any of them enough. */
function openFts5(): Engine {
  const db = new Database(':memory:');
  db.exec(
    `CREATE VIRTUAL TABLE passages USING fts5(id UNINDEXED, grp UNINDEXED, title, text, tokenize='porter unicode61')`,
  );
  const insert = db.prepare('INSERT INTO passages (id, grp, title, text) VALUES (?, ?, ?, ?)');
  const inAll = db.prepare('SELECT id FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT ?').pluck();
  const inGroup = db
    .prepare('SELECT id FROM passages WHERE passages MATCH ? AND grp = ? ORDER BY rank LIMIT ?')
    .pluck();
  db.exec('BEGIN');
  return {
    add({ id, title, text, group }) {
      insert.run(id, group ?? null, title, text);
    },
    finish() {
      db.exec('COMMIT');
    },
    search({ text, group }, limit) {
      const terms = new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu));
      if (terms.size === 0) return [];
      const match = [...terms].map((term) => `"${term}"`).join(' OR ');
      return (group === undefined ? inAll.all(match, limit) : inGroup.all(match, group, limit)) as string[];
    },
  };
}
