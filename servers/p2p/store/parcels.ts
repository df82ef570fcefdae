/** Owns the tables of envelopes that wait to be carried on, to whom they were handed, and of ids that were seen. Synchronous; decides nothing. */
import type { CompiledQuery } from 'kysely';
import { prepare, type Store } from '../../../shared/store.ts';
import type { Tables } from './schema.ts';

export interface Carried {
  readonly id: string;
  readonly isOwn: boolean;
  readonly fromPeer: string;
  readonly toPeer: string;
  readonly byPeer: string;
  readonly envelope: Uint8Array;
  readonly hopsLeft: number;
  readonly receivedAt: number;
  readonly expiresAt: number;
}
export type Parcel = Pick<Carried, 'id' | 'toPeer' | 'envelope' | 'hopsLeft'>;
export interface Usage {
  readonly count: number;
  readonly bytes: number;
}

export interface Parcels {
  isSeen(id: string): boolean;
  markSeen(id: string, expiresAt: number): void;

  carry(parcel: Carried): void;
  findCarried(id: string): Carried | undefined;
  setHops(id: string, hopsLeft: number): void;
  drop(id: string): void;
  /** What may be handed to a peer now, what is for that peer itself first. @param copies handed at most to this many others */
  parcelsFor(peer: string, now: number, copies: number, limit: number): Parcel[];
  markHanded(id: string, peer: string, at: number): void;
  timesHanded(id: string): number;
  /** Own envelopes that were handed on before this and are still carried may be handed again to the same peers. */
  offerOwnAgain(before: number): void;
  /** Recipients of own envelopes. */
  awaited(now: number): string[];
  /** Of others' envelopes: all, by sender, by who handed them. */
  carriedForOthers(): Usage;
  carriedFrom(peer: string): Usage;
  carriedBy(peer: string): Usage;
  pruneParcels(now: number): void;
}

export function createParcels({ db, connection }: Store<Tables>): Parcels {
  const one = <Row>(query: { compile(): CompiledQuery }) => prepare<Row>(connection, query.compile());
  const seen = one<{ id: string }>(db.selectFrom('seen').select('id').where('id', '=', ''));
  const addSeen = one<never>(
    db
      .insertInto('seen')
      .values({ id: '', expires_at: 0 })
      .onConflict((c) => c.doNothing()),
  );
  const addCarried = one<never>(
    db.insertInto('carried').values({
      id: '',
      is_own: 0,
      from_peer: '',
      to_peer: '',
      by_peer: '',
      envelope: Buffer.alloc(0),
      bytes: 0,
      hops_left: 0,
      received_at: 0,
      expires_at: 0,
    }),
  );
  const carriedById = one<Tables['carried']>(db.selectFrom('carried').selectAll().where('id', '=', ''));
  const updateHops = one<never>(db.updateTable('carried').set({ hops_left: 0 }).where('id', '=', ''));
  const dropCarried = one<never>(db.deleteFrom('carried').where('id', '=', ''));
  const dropHanded = one<never>(db.deleteFrom('handed').where('id', '=', ''));
  const addHanded = one<never>(
    db
      .insertInto('handed')
      .values({ id: '', peer: '', at: 0 })
      .onConflict((c) => c.doNothing()),
  );
  const countHanded = one<{ n: number }>(
    db
      .selectFrom('handed')
      .select((e) => e.fn.countAll<number>().as('n'))
      .where('id', '=', ''),
  );
  const parcels = one<Parcel>(
    db
      .selectFrom('carried')
      .select(['id', 'to_peer as toPeer', 'envelope', 'hops_left as hopsLeft'])
      .where('expires_at', '>', 0)
      .where('hops_left', '>', 0)
      .where('from_peer', '<>', '')
      .where('by_peer', '<>', '')
      .where((e) =>
        e.not(
          e.exists(
            e.selectFrom('handed').select('handed.id').whereRef('handed.id', '=', 'carried.id').where('peer', '=', ''),
          ),
        ),
      )
      .where((e) =>
        e.or([
          e('to_peer', '=', ''),
          e(
            e
              .selectFrom('handed')
              .select((h) => h.fn.countAll<number>().as('n'))
              .whereRef('handed.id', '=', 'carried.id'),
            '<',
            1,
          ),
        ]),
      )
      .orderBy((e) => e.case().when('to_peer', '=', '').then(e.lit(0)).else(e.lit(1)).end())
      .orderBy('received_at')
      .limit(1),
  );
  const again = one<never>(
    db
      .deleteFrom('handed')
      .where('at', '<', 0)
      .where('id', 'in', (e) => e.selectFrom('carried').select('carried.id').where('is_own', '=', 1)),
  );
  const awaitedPeers = one<{ peer: string }>(
    db
      .selectFrom('carried')
      .select('to_peer as peer')
      .distinct()
      .where('is_own', '=', 1)
      .where('expires_at', '>', 0)
      .limit(1_000),
  );
  const usage = db
    .selectFrom('carried')
    .select((e) => [
      e.fn.countAll<number>().as('count'),
      e.fn.coalesce(e.fn.sum<number>('bytes'), e.lit(0)).as('bytes'),
    ])
    .where('is_own', '=', 0);
  const usageAll = one<Usage>(usage);
  const usageFrom = one<Usage>(usage.where('from_peer', '=', ''));
  const usageBy = one<Usage>(usage.where('by_peer', '=', ''));
  const nothing: Usage = { count: 0, bytes: 0 };

  const oldSeen = one<never>(db.deleteFrom('seen').where('expires_at', '<=', 0));
  const oldCarried = one<never>(db.deleteFrom('carried').where('expires_at', '<=', 0));
  const oldHanded = one<never>(
    db.deleteFrom('handed').where('id', 'not in', (e) => e.selectFrom('carried').select('carried.id')),
  );

  return {
    isSeen: (id) => seen.get(id) !== undefined,
    markSeen: (id, expiresAt) => void addSeen.run(id, expiresAt),

    carry(c) {
      addCarried.run(
        c.id,
        c.isOwn ? 1 : 0,
        c.fromPeer,
        c.toPeer,
        c.byPeer,
        c.envelope,
        c.envelope.length,
        c.hopsLeft,
        c.receivedAt,
        c.expiresAt,
      );
    },
    findCarried(id) {
      const row = carriedById.get(id);
      return row === undefined ? undefined : toCarried(row);
    },
    setHops(id, hopsLeft) {
      updateHops.run(hopsLeft, id);
      dropHanded.run(id);
    },
    drop(id) {
      dropCarried.run(id);
      dropHanded.run(id);
    },
    parcelsFor: (peer, now, copies, limit) => parcels.all(now, 0, peer, peer, peer, peer, copies, peer, limit),
    markHanded: (id, peer, at) => void addHanded.run(id, peer, at),
    timesHanded: (id) => countHanded.get(id)?.n ?? 0,
    offerOwnAgain: (before) => void again.run(before, 1),
    awaited: (now) => awaitedPeers.all(1, now, 1_000).map(({ peer }) => peer),
    carriedForOthers: () => usageAll.get(0) ?? nothing,
    carriedFrom: (peer) => usageFrom.get(0, peer) ?? nothing,
    carriedBy: (peer) => usageBy.get(0, peer) ?? nothing,
    pruneParcels(now) {
      oldSeen.run(now);
      oldCarried.run(now);
      oldHanded.run();
    },
  };
}

function toCarried(row: Tables['carried']): Carried {
  return {
    id: row.id,
    isOwn: row.is_own === 1,
    fromPeer: row.from_peer,
    toPeer: row.to_peer,
    byPeer: row.by_peer,
    envelope: row.envelope,
    hopsLeft: row.hops_left,
    receivedAt: row.received_at,
    expiresAt: row.expires_at,
  };
}
