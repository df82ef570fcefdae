/**
 * Opens p2p.db: what was received, what waits to be carried on, where peers were met. Synchronous, so that taking a message in is
 * one transaction. Decides nothing.
 */
import path from 'node:path';
import type { CompiledQuery } from 'kysely';
import { openStore, prepare } from '../../../shared/store.ts';
import { createInbox, type Inbox } from './inbox.ts';
import { createParcels, type Parcels } from './parcels.ts';
import { migrations, type Tables } from './schema.ts';

export interface MessageStore extends Inbox, Parcels {
  /** One synchronous transaction. */
  transaction<T>(work: () => T): T;
  putMet(peer: string, addresses: readonly string[], at: number): void;
  met(
    since: number,
    limit: number,
  ): { readonly peer: string; readonly addresses: readonly string[]; readonly at: number }[];
  /** Removes what has run out; keeps at most this much of the inbox. */
  prune(now: number, keep: { readonly inbox: number; readonly forMs: number }): void;
  close(): Promise<void>;
}

/** @throws StoreError when the file is newer than the code */
export async function openMessageStore(dataDir: string): Promise<MessageStore> {
  const store = await openStore<Tables>({ file: path.join(dataDir, 'p2p.db'), migrations, busyTimeoutMs: 10_000 });
  const { db, connection } = store;
  const [inbox, parcels] = [createInbox(store), createParcels(store)];
  const one = <Row>(query: { compile(): CompiledQuery }) => prepare<Row>(connection, query.compile());
  const putMet = one<never>(
    db
      .insertInto('met')
      .values({ peer: '', addresses: '', at: 0 })
      .onConflict((c) =>
        c
          .column('peer')
          .doUpdateSet({ addresses: (e) => e.ref('excluded.addresses'), at: (e) => e.ref('excluded.at') }),
      ),
  );
  const metSince = one<{ peer: string; addresses: string; at: number }>(
    db.selectFrom('met').select(['peer', 'addresses', 'at']).where('at', '>', 0).orderBy('at', 'desc').limit(1),
  );
  const oldMet = one<never>(db.deleteFrom('met').where('at', '<=', 0));

  return {
    ...inbox,
    ...parcels,
    transaction: (work) => store.transaction(work),
    putMet: (peer, addresses, at) => void putMet.run(peer, JSON.stringify(addresses), at),
    met: (since, limit) =>
      metSince
        .all(since, limit)
        .map(({ peer, addresses, at }) => ({ peer, at, addresses: JSON.parse(addresses) as string[] })),

    prune(now, keep) {
      store.transaction(() => {
        parcels.pruneParcels(now);
        inbox.pruneInbox(now, keep);
        oldMet.run(now - keep.forMs);
      });
    },
    close: () => store.close(),
  };
}
