/**
 * Which approvals were used, for all routers on the data folder and for good: the call of a proposal leaves once, whatever the
 * governance server says (G4).
 */
import { AppError } from '../../shared/errors.ts';
import { prepare, type Store } from '../../shared/store.ts';
import type { RouterTables } from '../router-tables.ts';

export interface UsedApprovals {
  /** On the disk when it returns. Throws AppError CONFLICT when the proposal's call was let go before. */
  use(proposalId: string, fence: number, now: number): void;
}

export function createUsedApprovals({ db, connection }: Pick<Store<RouterTables>, 'db' | 'connection'>): UsedApprovals {
  const insert = prepare(
    connection,
    db
      .insertInto('used_approvals')
      .values({ proposal_id: '', fence: 0, at: 0 })
      .onConflict((conflict) => conflict.column('proposal_id').doNothing())
      .compile(),
  );
  return {
    use(proposalId, fence, now) {
      if (insert.run(proposalId, fence, now).changes === 1) return;
      throw new AppError('CONFLICT', {
        text: 'The call of this proposal was made before; an approval holds for one call',
        data: { proposal_id: proposalId, status: 'used' },
      });
    },
  };
}
