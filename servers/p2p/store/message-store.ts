/**
 * Owns p2p.db: what was received, what waits to be carried on, what was seen already, where peers were met. Synchronous, so that
 * taking a message in is one transaction. Decides nothing.
 */
import path from 'node:path';
import { openStore, prepare } from '../../../shared/store.ts';
import { migrations, type Tables } from './schema.ts';

export interface Received {
  readonly id: string;
  readonly kind: 'message' | 'broadcast' | 'circuit';
  readonly fromPeer: string;
  readonly fromAgent: string;
  readonly content: string;
  readonly priority: string;
  readonly sentAt: number;
  readonly receivedAt: number;
}
export interface InboxRow extends Received {
  /** Grows with each message that is received. */
  readonly position: number;
}
export interface SentRow {
  readonly id: string;
  readonly toPeer: string;
  readonly sentAt: number;
  readonly expiresAt: number;
  readonly deliveredAt: number | null;
}
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

export interface MessageStore {
  /** One synchronous transaction. */
  transaction<T>(work: () => T): T;
  isSeen(id: string): boolean;
  markSeen(id: string, expiresAt: number): void;

  receive(message: Received): void;
  receivedFrom(peer: string, since: number): number;
  /** Oldest first. @param after a position @param kind undefined for both */
  inbox(after: number, limit: number, kind: Received['kind'] | undefined): InboxRow[];
  /** The position before the newest so many. */
  positionBefore(newest: number): number;
  inboxCount(): number;

  putSent(row: Omit<SentRow, 'deliveredAt'>): void;
  /** Notes the recipient's word. @returns whether it was waited for */
  markDelivered(id: string, toPeer: string, at: number): boolean;
  /** Newest first. */
  sent(limit: number): SentRow[];
  findSent(id: string): SentRow | undefined;

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
  counts(now: number): { readonly waiting: number; readonly carried: number };

  putMet(peer: string, addresses: readonly string[], at: number): void;
  met(since: number, limit: number): { readonly peer: string; readonly addresses: readonly string[] }[];

  /** Removes what has run out; keeps at most this much of the inbox. */
  prune(now: number, keep: { readonly inbox: number; readonly forMs: number }): void;
  close(): Promise<void>;
}

/** @throws StoreError when the file is newer than the code */
export async function openMessageStore(dataDir: string): Promise<MessageStore> {
  const store = await openStore<Tables>({ file: path.join(dataDir, 'p2p.db'), migrations, busyTimeoutMs: 10_000 });
  const { db, connection } = store;
  const one = <Row>(query: { compile(): Parameters<typeof prepare>[1] }) => prepare<Row>(connection, query.compile());

  const seen = one<{ id: string }>(db.selectFrom('seen').select('id').where('id', '=', ''));
  const addSeen = one<never>(
    db
      .insertInto('seen')
      .values({ id: '', expires_at: 0 })
      .onConflict((c) => c.doNothing()),
  );
  const inboxColumns = [
    'position',
    'id',
    'kind',
    'from_peer as fromPeer',
    'from_agent as fromAgent',
    'content',
    'priority',
    'sent_at as sentAt',
    'received_at as receivedAt',
  ] as const;
  const addInbox = one<never>(
    db.insertInto('inbox').values({
      id: '',
      kind: '',
      from_peer: '',
      from_agent: '',
      content: '',
      priority: '',
      sent_at: 0,
      received_at: 0,
    } as Tables['inbox']),
  );
  const inboxAfter = db.selectFrom('inbox').select(inboxColumns).where('position', '>', 0).orderBy('position');
  const inboxAll = one<InboxRow>(inboxAfter.limit(1));
  const inboxKind = one<InboxRow>(inboxAfter.where('kind', '=', '').limit(1));
  const inboxFrom = one<{ n: number }>(
    db
      .selectFrom('inbox')
      .select((e) => e.fn.countAll<number>().as('n'))
      .where('from_peer', '=', '')
      .where('received_at', '>', 0),
  );
  const beforeNewest = one<{ position: number }>(
    db
      .selectFrom('inbox')
      .select('position')
      .orderBy('position', 'desc')
      .limit(1)
      .offset(1)
      .$castTo<{ position: number }>(),
  );
  const inboxSize = one<{ n: number }>(db.selectFrom('inbox').select((e) => e.fn.countAll<number>().as('n')));

  const sentColumns = [
    'id',
    'to_peer as toPeer',
    'sent_at as sentAt',
    'expires_at as expiresAt',
    'delivered_at as deliveredAt',
  ] as const;
  const addSent = one<never>(
    db.insertInto('sent').values({ id: '', to_peer: '', sent_at: 0, expires_at: 0, delivered_at: null }),
  );
  const deliver = one<never>(
    db
      .updateTable('sent')
      .set({ delivered_at: 0 })
      .where('id', '=', '')
      .where('to_peer', '=', '')
      .where('delivered_at', 'is', null),
  );
  const sentNewest = one<SentRow>(db.selectFrom('sent').select(sentColumns).orderBy('sent_at', 'desc').limit(1));
  const sentById = one<SentRow>(db.selectFrom('sent').select(sentColumns).where('id', '=', ''));

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
  const countSent = one<{ n: number }>(
    db
      .selectFrom('sent')
      .select((e) => e.fn.countAll<number>().as('n'))
      .where('delivered_at', 'is', null)
      .where('expires_at', '>', 0),
  );
  const nothing: Usage = { count: 0, bytes: 0 };

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
  const metSince = one<{ peer: string; addresses: string }>(
    db.selectFrom('met').select(['peer', 'addresses']).where('at', '>', 0).orderBy('at', 'desc').limit(1),
  );

  const prunes = [
    one<never>(db.deleteFrom('seen').where('expires_at', '<=', 0)),
    one<never>(db.deleteFrom('carried').where('expires_at', '<=', 0)),
    one<never>(db.deleteFrom('sent').where('expires_at', '<=', 0)),
    one<never>(db.deleteFrom('inbox').where('received_at', '<=', 0)),
    one<never>(db.deleteFrom('met').where('at', '<=', 0)),
  ] as const;
  const pruneHanded = one<never>(
    db.deleteFrom('handed').where('id', 'not in', (e) => e.selectFrom('carried').select('carried.id')),
  );
  const pruneInbox = one<never>(
    db
      .deleteFrom('inbox')
      .where('position', 'not in', (e) =>
        e.selectFrom('inbox').select('inbox.position').orderBy('inbox.position', 'desc').limit(1),
      ),
  );

  return {
    transaction: (work) => store.transaction(work),
    isSeen: (id) => seen.get(id) !== undefined,
    markSeen: (id, expiresAt) => void addSeen.run(id, expiresAt),

    receive(m) {
      addInbox.run(m.id, m.kind, m.fromPeer, m.fromAgent, m.content, m.priority, m.sentAt, m.receivedAt);
    },
    receivedFrom: (peer, since) => inboxFrom.get(peer, since)?.n ?? 0,
    inbox: (after, limit, kind) =>
      kind === undefined ? inboxAll.all(after, limit) : inboxKind.all(after, kind, limit),
    positionBefore: (newest) => beforeNewest.get(1, newest)?.position ?? 0,
    inboxCount: () => inboxSize.get()?.n ?? 0,

    putSent: ({ id, toPeer, sentAt, expiresAt }) => void addSent.run(id, toPeer, sentAt, expiresAt, null),
    markDelivered: (id, toPeer, at) => deliver.run(at, id, toPeer).changes === 1,
    sent: (limit) => sentNewest.all(limit),
    findSent: (id) => sentById.get(id),

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
    counts: (now) => ({ waiting: countSent.get(now)?.n ?? 0, carried: (usageAll.get(0) ?? nothing).count }),

    putMet: (peer, addresses, at) => void putMet.run(peer, JSON.stringify(addresses), at),
    met: (since, limit) =>
      metSince.all(since, limit).map(({ peer, addresses }) => ({ peer, addresses: JSON.parse(addresses) as string[] })),

    prune(now, { inbox, forMs }) {
      store.transaction(() => {
        const [seenRows, carriedRows, sentRows, inboxRows, metRows] = prunes;
        seenRows.run(now);
        carriedRows.run(now);
        sentRows.run(now - forMs);
        inboxRows.run(now - forMs);
        metRows.run(now - forMs);
        pruneHanded.run();
        pruneInbox.run(inbox);
      });
    },
    close: () => store.close(),
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
