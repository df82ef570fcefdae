/**
 * Runs what Kysely compiled on an open store, synchronously, each statement prepared once. Knows no table.
 */
import type BetterSqlite3 from 'better-sqlite3';
import type { Compilable, Kysely } from 'kysely';
import type { Store } from './store.ts';

export interface Queries<Tables> {
  /** For building queries; run them with the functions below. */
  readonly db: Kysely<Tables>;
  all<Row>(query: Compilable<Row>): Row[];
  first<Row>(query: Compilable<Row>): Row | undefined;
  /** @returns how many rows it changed */
  run(query: Compilable): number;
  /** For hot paths: compiled and prepared once, its parameters given in the query's order. Whole numbers come back as bigint. */
  prepare<Row>(query: Compilable): BetterSqlite3.Statement<unknown[], Row>;
  /** Takes the write lock at once; rolls back when `work` throws. Inside another one it is a part of that. */
  transaction<T>(work: () => T): T;
  /** Another text as soon as anything was written, by this process or another. */
  stamp(): string;
  close(): Promise<void>;
}

/** Statements kept prepared; queries whose text differs by the number of values they list count each. */
const MOST_STATEMENTS = 500;

export function createQueries<Tables>(store: Store<Tables>): Queries<Tables> {
  const { db, connection } = store;
  const statements = new Map<string, BetterSqlite3.Statement<unknown[]>>();
  const totalChanges = connection.prepare<[], number>('SELECT total_changes()').pluck();
  const dataVersion = connection.prepare<[], number>('PRAGMA data_version').pluck();

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

  return {
    db,
    all,
    first: <Row>(query: Compilable<Row>): Row | undefined => all(query)[0],
    run(query) {
      const { sql, parameters } = query.compile();
      return prepared(sql).run(...parameters).changes;
    },
    prepare: <Row>(query: Compilable) => connection.prepare<unknown[], Row>(query.compile().sql).safeIntegers(true),
    transaction: (work) => (connection.inTransaction ? work() : store.transaction(work)),
    stamp: () => `${dataVersion.get()}:${totalChanges.get()}`,
    close: () => store.close(),
  };
}
