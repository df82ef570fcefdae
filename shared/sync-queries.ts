/** Runs what Kysely compiled on the connection itself, synchronously, with statements kept prepared. Owns no transaction. */
import type BetterSqlite3 from 'better-sqlite3';
import type { Compilable } from 'kysely';

export interface SyncQueries {
  all<Row>(query: Compilable<Row>): Row[];
  first<Row>(query: Compilable<Row>): Row | undefined;
  /** @returns how many rows it changed */
  run(query: Compilable): number;
}

/** Statements kept prepared; queries whose text differs by the number of values they list count each. */
const MOST_STATEMENTS = 500;

export function createSyncQueries(connection: BetterSqlite3.Database): SyncQueries {
  const statements = new Map<string, BetterSqlite3.Statement<unknown[]>>();

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
    all,
    first: <Row>(query: Compilable<Row>): Row | undefined => all(query)[0],
    run(query) {
      const { sql, parameters } = query.compile();
      return prepared(sql).run(...parameters).changes;
    },
  };
}
