/** Owns the tables of what was received and of what was sent from here. Synchronous; decides nothing. */
import type { CompiledQuery } from 'kysely';
import { prepare, type Store } from '../../../shared/store.ts';
import type { Tables } from './schema.ts';

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
export interface Inbox {
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
  /** Own messages that no recipient has confirmed and that have not run out. */
  waiting(now: number): number;
  /** Keeps the newest so many of what is younger than this. */
  pruneInbox(now: number, keep: { readonly inbox: number; readonly forMs: number }): void;
}

export function createInbox({ db, connection }: Store<Tables>): Inbox {
  const one = <Row>(query: { compile(): CompiledQuery }) => prepare<Row>(connection, query.compile());
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

  const countSent = one<{ n: number }>(
    db
      .selectFrom('sent')
      .select((e) => e.fn.countAll<number>().as('n'))
      .where('delivered_at', 'is', null)
      .where('expires_at', '>', 0),
  );
  const oldSent = one<never>(db.deleteFrom('sent').where('expires_at', '<=', 0));
  const oldInbox = one<never>(db.deleteFrom('inbox').where('received_at', '<=', 0));
  const surplus = one<never>(
    db
      .deleteFrom('inbox')
      .where('position', 'not in', (e) =>
        e.selectFrom('inbox').select('inbox.position').orderBy('inbox.position', 'desc').limit(1),
      ),
  );

  return {
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

    waiting: (now) => countSent.get(now)?.n ?? 0,
    pruneInbox(now, { inbox, forMs }) {
      oldSent.run(now - forMs);
      oldInbox.run(now - forMs);
      surplus.run(inbox);
    },
  };
}
