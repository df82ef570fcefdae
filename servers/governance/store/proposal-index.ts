/** Owns the look-up table of proposals, derived from their events in the same transaction. Holds nothing that events do not. */
import { prepare, type Store } from '../../../shared/store.ts';
import { callKey } from '../binding.ts';
import { dueAt, type Proposal, type Status } from '../proposal.ts';
import type { Tables } from './schema.ts';

type Row = Tables['proposals'];

export interface ProposalIndex {
  /** Call it in the transaction that appended the events. @param position of the proposal's newest event */
  put(proposal: Proposal, position: number): void;
  /** Newest first. @param before only proposals made before the one with this id */
  page(status: Status | undefined, before: string | undefined, limit: number): string[];
  withStatus(status: Status): string[];
  /** Those that time has something to do with at `now`. */
  due(now: number): string[];
  /** The newest proposal about a call. */
  aboutCall(key: string): string | undefined;
  openOf(proposer: string): number;
}

export function createProposalIndex(store: Store<Tables>): ProposalIndex {
  const { db, connection } = store;
  const ids = db.selectFrom('proposals').select('id');
  const newestFirst = ids.orderBy('created_position', 'desc');
  const before = newestFirst.where((e) =>
    e(
      'created_position',
      '<',
      e.fn.coalesce(e.selectFrom('proposals').select('created_position').where('id', '=', ''), e.lit(0)),
    ),
  );
  const blank: Row = {
    id: '',
    status: '',
    proposer: '',
    call_key: null,
    due_at: null,
    ended_at: null,
    created_position: 0,
  };
  const insert = prepare<never>(connection, db.insertInto('proposals').values(blank).compile());
  const update = prepare<never>(
    connection,
    db.updateTable('proposals').set({ status: '', due_at: 0, ended_at: 0 }).where('id', '=', '').compile(),
  );
  type Id = { id: string };
  const pageAll = prepare<Id>(connection, newestFirst.limit(1).compile());
  const pageBefore = prepare<Id>(connection, before.limit(1).compile());
  const pageStatus = prepare<Id>(connection, newestFirst.where('status', '=', '').limit(1).compile());
  const pageStatusBefore = prepare<Id>(connection, before.where('status', '=', '').limit(1).compile());
  const byStatus = prepare<Id>(connection, ids.where('status', '=', '').orderBy('created_position').compile());
  const byDue = prepare<Id>(connection, ids.where('due_at', '<=', 0).orderBy('due_at').compile());
  const byCall = prepare<Id>(connection, newestFirst.where('call_key', '=', '').limit(1).compile());
  const countOpen = prepare<{ n: number }>(
    connection,
    db
      .selectFrom('proposals')
      .select((e) => e.fn.countAll<number>().as('n'))
      .where('status', '=', '')
      .where('proposer', '=', '')
      .compile(),
  );
  const idsOf = (rows: Id[]) => rows.map(({ id }) => id);

  return {
    put(proposal, position) {
      const { id, status, proposer, action, endedAt } = proposal;
      if (update.run(status, dueAt(proposal), endedAt, id).changes === 1) return;
      const key = action === null ? null : callKey(action.binding);
      insert.run(id, status, proposer, key, dueAt(proposal), endedAt, position);
    },
    page(status, from, limit) {
      if (status === undefined) return idsOf(from === undefined ? pageAll.all(limit) : pageBefore.all(from, limit));
      return idsOf(from === undefined ? pageStatus.all(status, limit) : pageStatusBefore.all(from, status, limit));
    },
    withStatus: (status) => idsOf(byStatus.all(status)),
    due: (now) => idsOf(byDue.all(now)),
    aboutCall: (key) => byCall.get(key, 1)?.id,
    openOf: (proposer) => countOpen.get('open', proposer)?.n ?? 0,
  };
}
