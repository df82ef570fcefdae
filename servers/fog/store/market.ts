/** Owns the rows of offers, contracts and usage: reads them as the domain has them, writes them. Decides nothing. */
import type { Selectable } from 'kysely';
import type { Micro } from '../../../shared/fog-amount.ts';
import type { Queries } from '../../../shared/queries.ts';
import type { Used } from '../money/price.ts';
import type { MoneyTables } from './money-tables.ts';

export interface Offer {
  readonly id: string;
  readonly provider: string;
  readonly nodeId: string;
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly gpu: boolean;
  readonly cpuHourPrice: Micro;
  readonly gbHourPrice: Micro;
  readonly status: 'open' | 'withdrawn';
  /** Whether harvesting made it. */
  readonly isHarvested: boolean;
  readonly expiresAt: number;
  readonly createdAt: number;
}

export const CONTRACT_STATUSES = ['active', 'disputed', 'settled'] as const;
export type ContractStatus = (typeof CONTRACT_STATUSES)[number];

export interface Contract {
  readonly id: string;
  readonly requestKey: string;
  readonly offerId: string;
  readonly consumer: string;
  readonly provider: string;
  readonly nodeId: string;
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly gpu: boolean;
  readonly cpuHourPrice: Micro;
  readonly gbHourPrice: Micro;
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

export interface UsageRecord extends Used {
  readonly id: string;
  /** Empty: under no contract. */
  readonly contractId: string;
  readonly provider: string;
  readonly nodeId: string;
  readonly isHarvested: boolean;
  readonly rewardPaid: Micro;
  readonly rewardDue: Micro;
  readonly at: number;
}

export interface Earned extends Used {
  readonly runs: number;
  readonly paid: Micro;
  readonly due: Micro;
}

export interface MarketStore {
  addOffer(offer: Offer): void;
  offer(id: string): Offer | undefined;
  /** Open ones that have not expired, the oldest first. */
  openOffers(now: number): Offer[];
  withdraw(id: string): void;
  /** Cores and megabytes of an offer that running contracts hold. */
  held(offerId: string, now: number): { cores: number; memoryMb: number };
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
  hasUsage(id: string): boolean;
  addUsage(usage: UsageRecord): void;
  usageOf(contractId: string): Used & { readonly runs: number };
  earned(provider: string, isHarvested: boolean): Earned;
  /** What the treasury paid to it for work from this time on. */
  rewardedSince(provider: string, time: number): Micro;
}

export function createMarketStore(store: Queries<MoneyTables>): MarketStore {
  const { db } = store;
  const contracts = db.selectFrom('contracts').selectAll();
  const offers = db.selectFrom('offers').selectAll();
  const sums = (column: 'contract_id' | 'provider', value: string, isHarvested?: boolean) => {
    let query = db
      .selectFrom('usage')
      .select((e) => [
        e.fn.countAll<number>().as('runs'),
        e.fn.coalesce(e.fn.sum<number>('cpu_ms'), e.lit(0)).as('cpuMs'),
        e.fn.coalesce(e.fn.sum<number>('mb_ms'), e.lit(0)).as('mbMs'),
        e.fn.coalesce(e.fn.sum<number>('reward_paid'), e.lit(0)).as('paid'),
        e.fn.coalesce(e.fn.sum<number>('reward_due'), e.lit(0)).as('due'),
      ])
      .where(column, '=', value);
    if (isHarvested !== undefined) query = query.where('harvested', '=', isHarvested ? 1 : 0);
    return store.first(query)!;
  };

  return {
    addOffer(offer) {
      store.run(db.insertInto('offers').values(offerRow(offer)));
    },
    offer(id) {
      const row = store.first(offers.where('id', '=', id));
      return row && toOffer(row);
    },
    openOffers: (now) =>
      store
        .all(offers.where('status', '=', 'open').where('expires_at', '>', now).orderBy('created_at').orderBy('id'))
        .map(toOffer),
    withdraw(id) {
      store.run(db.updateTable('offers').set({ status: 'withdrawn' }).where('id', '=', id));
    },
    held(offerId, now) {
      return store.first(
        db
          .selectFrom('contracts')
          .select((e) => [
            e.fn.coalesce(e.fn.sum<number>('cpu_cores'), e.lit(0)).as('cores'),
            e.fn.coalesce(e.fn.sum<number>('memory_mb'), e.lit(0)).as('memoryMb'),
          ])
          .where('offer_id', '=', offerId)
          .where('status', '=', 'active')
          .where('ends_at', '>', now),
      )!;
    },
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
    hasUsage: (id) => store.first(db.selectFrom('usage').select('id').where('id', '=', id)) !== undefined,
    addUsage(usage) {
      store.run(
        db.insertInto('usage').values({
          id: usage.id,
          contract_id: usage.contractId,
          provider: usage.provider,
          node_id: usage.nodeId,
          cpu_ms: usage.cpuMs,
          mb_ms: usage.mbMs,
          harvested: usage.isHarvested ? 1 : 0,
          reward_paid: usage.rewardPaid,
          reward_due: usage.rewardDue,
          at: usage.at,
        }),
      );
    },
    rewardedSince: (provider, time) =>
      BigInt(
        store.first(
          db
            .selectFrom('usage')
            .select((e) => e.fn.coalesce(e.fn.sum<number>('reward_paid'), e.lit(0)).as('paid'))
            .where('provider', '=', provider)
            .where('at', '>=', time),
        )!.paid,
      ),
    usageOf: (contractId) => sums('contract_id', contractId),
    earned(provider, isHarvested) {
      const { paid, due, ...used } = sums('provider', provider, isHarvested);
      return { ...used, paid: BigInt(paid), due: BigInt(due) };
    },
  };
}

function offerRow(offer: Offer) {
  return {
    id: offer.id,
    provider: offer.provider,
    node_id: offer.nodeId,
    cpu_cores: offer.cpuCores,
    memory_mb: offer.memoryMb,
    gpu: offer.gpu ? 1 : 0,
    cpu_hour_price: offer.cpuHourPrice,
    gb_hour_price: offer.gbHourPrice,
    status: offer.status,
    harvested: offer.isHarvested ? 1 : 0,
    expires_at: offer.expiresAt,
    created_at: offer.createdAt,
  };
}

function toOffer(row: Selectable<MoneyTables['offers']>): Offer {
  return {
    id: row.id,
    provider: row.provider,
    nodeId: row.node_id,
    cpuCores: row.cpu_cores,
    memoryMb: row.memory_mb,
    gpu: row.gpu === 1,
    cpuHourPrice: BigInt(row.cpu_hour_price),
    gbHourPrice: BigInt(row.gb_hour_price),
    status: row.status === 'open' ? 'open' : 'withdrawn',
    isHarvested: row.harvested === 1,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
  };
}

function contractRow(contract: Contract) {
  return {
    id: contract.id,
    request_key: contract.requestKey,
    offer_id: contract.offerId,
    consumer: contract.consumer,
    provider: contract.provider,
    node_id: contract.nodeId,
    cpu_cores: contract.cpuCores,
    memory_mb: contract.memoryMb,
    gpu: contract.gpu ? 1 : 0,
    cpu_hour_price: contract.cpuHourPrice,
    gb_hour_price: contract.gbHourPrice,
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
    provider: row.provider,
    nodeId: row.node_id,
    cpuCores: row.cpu_cores,
    memoryMb: row.memory_mb,
    gpu: row.gpu === 1,
    cpuHourPrice: BigInt(row.cpu_hour_price),
    gbHourPrice: BigInt(row.gb_hour_price),
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
