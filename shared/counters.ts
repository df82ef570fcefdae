/** Numbers in a store that only grow, whichever process takes them. Knows no other table. */
import type { Kysely } from 'kysely';
import type { Queries } from './queries.ts';

export interface CounterTables {
  counters: { name: string; value: number };
}

export interface Counters<Name extends string> {
  /** The next `count` numbers of a counter, for use inside a transaction; gives the first. Numbers begin at 1. */
  take(counter: Name, count?: number): number;
  /** The last number that was taken; 0 before the first. */
  last(counter: Name): number;
}

/** A part of a migration. */
export async function createCounterTables({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('counters')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('value', 'bigint', (c) => c.notNull())
    .execute();
}

export function createCounters<Name extends string>({ db, first, run }: Queries<CounterTables>): Counters<Name> {
  const last = (counter: Name): number =>
    first(db.selectFrom('counters').select('value').where('name', '=', counter))?.value ?? 0;
  return {
    take(counter, count = 1) {
      const before = last(counter);
      const value = before + count;
      const insert = db.insertInto('counters').values({ name: counter, value });
      run(insert.onConflict((c) => c.column('name').doUpdateSet({ value })));
      return before + 1;
    },
    last,
  };
}
