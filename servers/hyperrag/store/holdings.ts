/** Counts the passages that each author has in each namespace, in the transaction that changes them, so that there can be a bound. */
import type { HyperragStore } from './open.ts';

/** Whose passages, and where. */
export interface Owner {
  readonly namespace: string;
  readonly author: string;
}

export interface Holdings {
  of(owner: Owner): number;
  /** Inside a transaction. */
  change(owner: Owner, passages: number): void;
}

export function createHoldings({ db, first, run }: HyperragStore): Holdings {
  function of({ namespace, author }: Owner): number {
    const row = first(
      db.selectFrom('holdings').select('passages').where('namespace', '=', namespace).where('author', '=', author),
    );
    return row?.passages ?? 0;
  }

  return {
    of,
    change(owner, passages) {
      if (passages === 0) return;
      const held = of(owner) + passages;
      const { namespace, author } = owner;
      run(
        db
          .insertInto('holdings')
          .values({ namespace, author, passages: held })
          .onConflict((c) => c.columns(['namespace', 'author']).doUpdateSet({ passages: held })),
      );
    },
  };
}
