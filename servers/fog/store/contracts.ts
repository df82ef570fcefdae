/** Owns the rows of contracts: reads them as the domain has them, writes them. Decides nothing. */
import type { Selectable } from 'kysely';
import type { Micro } from '../../../shared/fog-amount.ts';
import type { Queries } from '../../../shared/queries.ts';
import { type Leasable, leasableRow, toLeasable } from './leasable.ts';
import type { MoneyTables } from './money-tables.ts';

export const CONTRACT_STATUSES = ['active', 'disputed', 'settled'] as const;
export type ContractStatus = (typeof CONTRACT_STATUSES)[number];

export interface Contract extends Leasable {
  readonly id: string;
  readonly requestKey: string;
  readonly offerId: string;
  readonly consumer: string;
  readonly escrow: Micro;
  readonly startsAt: number;
  readonly endsAt: number;
  readonly status: ContractStatus;
  /** Of a dispute, or of its decision. */
  readonly reason: string;
  readonly proposalId: string | null;
  readonly paid: Micro;
  readonly settledAt: number | null;
}

export interface ContractStore {
  addContract(contract: Contract): void;
  contract(id: string): Contract | undefined;
  contractOf(requestKey: string): Contract | undefined;
  change(
    id: string,
    change: Partial<Pick<Contract, 'status' | 'reason' | 'proposalId' | 'paid' | 'settledAt' | 'endsAt'>>,
  ): void;
  /** The newest first; of one party unless `agentId` is undefined. */
  contracts(filter: { agentId?: string | undefined; status?: ContractStatus | undefined; limit: number }): Contract[];
  /** Active ones whose end is not after this. */
  endedBefore(time: number): Contract[];
  /** The running contract between these two about this node. */
  running(consumer: string, provider: string, nodeId: string, at: number): Contract | undefined;
}

export function createContractStore(store: Queries<MoneyTables>): ContractStore {
  const { db } = store;
  const contracts = db.selectFrom('contracts').selectAll();

  return {
    addContract(contract) {
      store.run(db.insertInto('contracts').values(contractRow(contract)));
    },
    contract(id) {
      const row = store.first(contracts.where('id', '=', id));
      return row && toContract(row);
    },
    contractOf(requestKey) {
      const row = store.first(contracts.where('request_key', '=', requestKey));
      return row && toContract(row);
    },
    change(id, { status, reason, proposalId, paid, settledAt, endsAt }) {
      const set = {
        ...(status !== undefined && { status }),
        ...(reason !== undefined && { reason }),
        ...(proposalId !== undefined && { proposal_id: proposalId }),
        ...(paid !== undefined && { paid }),
        ...(settledAt !== undefined && { settled_at: settledAt }),
        ...(endsAt !== undefined && { ends_at: endsAt }),
      };
      store.run(db.updateTable('contracts').set(set).where('id', '=', id));
    },
    contracts({ agentId, status, limit }) {
      let query = contracts;
      if (agentId !== undefined)
        query = query.where((e) => e.or([e('consumer', '=', agentId), e('provider', '=', agentId)]));
      if (status !== undefined) query = query.where('status', '=', status);
      return store.all(query.orderBy('starts_at', 'desc').orderBy('id').limit(limit)).map(toContract);
    },
    endedBefore: (time) =>
      store
        .all(contracts.where('status', '=', 'active').where('ends_at', '<=', time).orderBy('ends_at'))
        .map(toContract),
    running(consumer, provider, nodeId, at) {
      const row = store.first(
        contracts
          .where('consumer', '=', consumer)
          .where('provider', '=', provider)
          .where('node_id', '=', nodeId)
          .where('status', '=', 'active')
          .where('starts_at', '<=', at)
          .where('ends_at', '>=', at)
          .orderBy('starts_at')
          .orderBy('id')
          .limit(1),
      );
      return row && toContract(row);
    },
  };
}

function contractRow(contract: Contract) {
  return {
    id: contract.id,
    request_key: contract.requestKey,
    offer_id: contract.offerId,
    consumer: contract.consumer,
    ...leasableRow(contract),
    escrow: contract.escrow,
    starts_at: contract.startsAt,
    ends_at: contract.endsAt,
    status: contract.status,
    reason: contract.reason,
    proposal_id: contract.proposalId,
    paid: contract.paid,
    settled_at: contract.settledAt,
  };
}

function toContract(row: Selectable<MoneyTables['contracts']>): Contract {
  return {
    id: row.id,
    requestKey: row.request_key,
    offerId: row.offer_id,
    consumer: row.consumer,
    ...toLeasable(row),
    escrow: BigInt(row.escrow),
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    status: CONTRACT_STATUSES.find((status) => status === row.status) ?? 'disputed',
    reason: row.reason,
    proposalId: row.proposal_id,
    paid: BigInt(row.paid),
    settledAt: row.settled_at,
  };
}
