/**
 * Opens hyperrag.db and runs what Kysely compiled on it, synchronously. Knows the file and its counters, not what the rows mean.
 */
import path from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import type { Compilable, Kysely } from 'kysely';
import { openStore } from '../../../shared/store.ts';
import { migrations, type Tables } from './schema.ts';

type Counter = 'document' | 'passage' | 'removal' | 'snapshot' | 'fit' | 'verdict' | 'context' | 'vector';

export interface HyperragStore {
  /** For building queries; run them with the functions below. */
  readonly db: Kysely<Tables>;
  all<Row>(query: Compilable<Row>): Row[];
  first<Row>(query: Compilable<Row>): Row | undefined;
  /** @returns how many rows it changed */
  run(query: Compilable): number;
  /** Takes the write lock at once; rolls back when `work` throws. Inside another one it is a part of that. */
  transaction<T>(work: () => T): T;
  /** The next `count` numbers of a counter, for use inside a transaction; gives the first. Numbers begin at 1. */
  take(counter: Counter, count: number): number;
  /** The last number that was taken; 0 before the first. */
  last(counter: Counter): number;
  /** Another text as soon as anything was written, by this process or another. */
  stamp(): string;
  close(): Promise<void>;
}

/** Statements kept prepared; queries whose text differs by the number of values they list count each. */
const MOST_STATEMENTS = 500;

/** @throws StoreError when the file is newer than the code */
export async function openHyperragStore(dataDir: string): Promise<HyperragStore> {
  const file = path.join(dataDir, 'hyperrag.db');
  const store = await openStore<Tables>({ file, migrations, busyTimeoutMs: 10_000 });
  const { db, connection } = store;
  const statements = new Map<string, BetterSqlite3.Statement<unknown[]>>();
  const totalChanges = connection.prepare<[], number>('SELECT total_changes()').pluck();

  function prepared(sql: string): BetterSqlite3.Statement<unknown[]> {
    const known = statements.get(sql);
    if (known) return known;
    if (statements.size >= MOST_STATEMENTS) statements.clear();
    const made = connection.prepare<unknown[]>(sql);
    statements.set(sql, made);
    return made;
  }

  function all<Row>(query: Compilable<Row>): Row[] {
    const { sql, parameters } = query.compile();
    return prepared(sql).all(...parameters) as Row[];
  }

  const first = <Row>(query: Compilable<Row>): Row | undefined => all(query)[0];

  function run(query: Compilable): number {
    const { sql, parameters } = query.compile();
    return prepared(sql).run(...parameters).changes;
  }

  const last = (counter: Counter): number =>
    first(db.selectFrom('counters').select('value').where('name', '=', counter))?.value ?? 0;

  return {
    db,
    all,
    first,
    run,
    transaction: (work) => (connection.inTransaction ? work() : store.transaction(work)),
    take(counter, count) {
      const before = last(counter);
      const value = before + count;
      run(
        db
          .insertInto('counters')
          .values({ name: counter, value })
          .onConflict((c) => c.column('name').doUpdateSet({ value })),
      );
      return before + 1;
    },
    last,
    stamp: () => `${connection.pragma('data_version', { simple: true })}:${totalChanges.get()}`,
    close: () => store.close(),
  };
}
