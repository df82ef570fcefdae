/**
 * The marketplace: standing offers, requests matched by price then fit, leases with escrow, settlement by what was metered,
 * disputes. Each function is one transaction with the movements of money in it. Knows no process and no tool.
 */
import type { EconomyRules } from '../../../shared/economy-rules.ts';
import { AppError } from '../../../shared/errors.ts';
import { formatFog, type Micro } from '../../../shared/fog-amount.ts';
import type { Contract, ContractStatus } from '../store/contracts.ts';
import type { Leasable } from '../store/leasable.ts';
import type { MarketStore } from '../store/market.ts';
import type { Offer } from '../store/offers.ts';
import type { Ledger } from './ledger.ts';
import { type Candidate, type Requirements, rank } from './matching.ts';
import { costOf, type Used } from './price.ts';

export interface NewOffer extends Omit<Leasable, 'provider'> {
  readonly durationMs: number;
  readonly isHarvested: boolean;
}

export interface ServiceRequest {
  /** Unique for the consumer: the same request gives the same contract. */
  readonly key: string;
  readonly requirements: Requirements;
  readonly durationMs: number;
  readonly maxPrice: Micro;
}

/** A contract with what was metered on it so far. */
export interface ContractState extends Contract {
  readonly used: Used & { readonly runs: number };
  /** What its settlement by now would pay. */
  readonly cost: Micro;
}

/** Every function throws AppError: UNKNOWN_NAME for what is not there or not the agent's, CONFLICT for what is not possible now. */
export interface Market {
  offer(provider: string, offer: NewOffer): Offer;
  withdraw(provider: string, offerId: string): Offer;
  /** Open offers with what is free of each. */
  offers(): (Offer & Candidate)[];
  request(consumer: string, request: ServiceRequest): ContractState;
  /** Of one agent, or of all when `agentId` is undefined. The newest first. */
  contracts(filter: {
    agentId?: string | undefined;
    status?: ContractStatus | undefined;
    limit: number;
  }): ContractState[];
  /** @param agentId undefined: whoever's it is */
  contract(agentId: string | undefined, id: string): ContractState;
  /** The consumer settles at once; for the provider the lease ends, and is settled when nobody can dispute it any more. */
  finish(agentId: string, id: string): ContractState;
  /** Nothing is paid until it is resolved. */
  dispute(agentId: string, id: string, reason: string): ContractState;
  noteProposal(id: string, proposalId: string): void;
  /** @param providerPercent of the escrow; the rest goes back to the consumer */
  resolve(id: string, providerPercent: number, reason: string): ContractState;
  /** Settles what is due. @returns the contracts that it settled */
  sweep(): string[];
  /** How much may be unstaked by now. */
  unstakeable(agentId: string): Micro;
}

export interface MarketDeps {
  readonly store: MarketStore;
  readonly ledger: Ledger;
  readonly transaction: <T>(work: () => T) => T;
  readonly rules: () => EconomyRules;
  readonly nowMs: () => number;
  readonly newId: () => string;
}

const MAX_OPEN_OFFERS = 100;

const escrowOf = (contractId: string): string => `contract:${contractId}`;

export function createMarket({ store, ledger, transaction, rules, nowMs, newId }: MarketDeps): Market {
  function stateOf(contract: Contract): ContractState {
    const used = store.usageOf(contract.id);
    const cost = costOf(used, { cpuHour: contract.cpuHourPrice, gbHour: contract.gbHourPrice });
    return { ...contract, used, cost: atMost(cost, contract.escrow) };
  }

  function find(agentId: string | undefined, id: string): Contract {
    const contract = store.contract(id);
    const isParty = contract !== undefined && (contract.consumer === agentId || contract.provider === agentId);
    if (contract === undefined || (agentId !== undefined && !isParty)) {
      throw new AppError('UNKNOWN_NAME', { text: `Unknown contract: ${id}` });
    }
    return contract;
  }

  function expect(contract: Contract, status: ContractStatus): void {
    if (contract.status === status) return;
    throw new AppError('CONFLICT', {
      text: `The contract is ${contract.status}; this is possible only while it is ${status}`,
      data: { status: contract.status },
    });
  }

  function settle(contract: Contract, cost: Micro, reason: string): ContractState {
    const paid = ledger.pay(escrowOf(contract.id), contract.provider, cost, 'settlement');
    ledger.refund(escrowOf(contract.id));
    const now = nowMs();
    store.change(contract.id, {
      status: 'settled',
      paid,
      reason,
      settledAt: now,
      endsAt: Math.min(contract.endsAt, now),
    });
    return stateOf(find(undefined, contract.id));
  }

  function openOffers(now: number): (Offer & Candidate)[] {
    return store.openOffers(now).map((offer) => {
      const { cores, memoryMb } = store.held(offer.id, now);
      const staked = ledger.holdings(offer.provider).staked;
      return { ...offer, freeCores: offer.cpuCores - cores, freeMemoryMb: offer.memoryMb - memoryMb, staked };
    });
  }

  function unstakeable(agentId: string): Micro {
    const { staked } = ledger.holdings(agentId);
    const now = nowMs();
    const isBound =
      store.openOffers(now).some(({ provider }) => provider === agentId) ||
      store
        .contracts({ agentId, limit: 1_000 })
        .some(({ provider, status }) => provider === agentId && status !== 'settled');
    const kept = isBound ? rules().minStake : 0n;
    return staked > kept ? staked - kept : 0n;
  }

  return {
    offer: (provider, offer) =>
      transaction(() => {
        const { minStake } = rules();
        const { staked } = ledger.holdings(provider);
        if (staked < minStake) {
          throw new AppError('CONFLICT', {
            text: `To offer, ${formatFog(minStake)} FOG must be staked, and ${formatFog(staked)} are; use fog_stake first`,
            data: { status: 'stake_too_small' },
          });
        }
        const now = nowMs();
        if (store.openOffers(now).filter((each) => each.provider === provider).length >= MAX_OPEN_OFFERS) {
          throw new AppError('CONFLICT', {
            text: `An agent may have ${MAX_OPEN_OFFERS} open offers; withdraw one first`,
          });
        }
        const { durationMs, ...terms } = offer;
        const made: Offer = {
          ...terms,
          id: `offer_${newId()}`,
          provider,
          status: 'open',
          expiresAt: now + durationMs,
          createdAt: now,
        };
        store.addOffer(made);
        return made;
      }),
    withdraw: (provider, offerId) =>
      transaction(() => {
        const offer = store.offer(offerId);
        if (offer?.provider !== provider) throw new AppError('UNKNOWN_NAME', { text: `Unknown offer: ${offerId}` });
        store.withdraw(offerId);
        return { ...offer, status: 'withdrawn' as const };
      }),
    offers: () => openOffers(nowMs()),
    request: (consumer, { key, requirements, durationMs, maxPrice }) =>
      transaction(() => {
        const requestKey = `${consumer.length}:${consumer}/${key}`;
        const earlier = store.contractOf(requestKey);
        if (earlier !== undefined) return stateOf(earlier);
        const now = nowMs();
        const [best] = rank({ consumer, requirements, durationMs, maxPrice }, openOffers(now), now);
        if (best === undefined) {
          throw new AppError('CONFLICT', {
            text: 'No offer of another agent has this much free for this long. Look at fog_market, ask for less, or ask later.',
            data: { status: 'no_offer' },
          });
        }
        if (best.cost > maxPrice) {
          throw new AppError('CONFLICT', {
            text: `The cheapest offer that fits costs up to ${formatFog(best.cost)} FOG, more than max_price. Nothing was locked.`,
            data: { status: 'too_expensive' },
          });
        }
        const { offer, cost } = best;
        const contract: Contract = {
          id: `contract_${newId()}`,
          requestKey,
          offerId: offer.id,
          consumer,
          provider: offer.provider,
          nodeId: offer.nodeId,
          ...requirements,
          cpuHourPrice: offer.cpuHourPrice,
          gbHourPrice: offer.gbHourPrice,
          escrow: cost,
          startsAt: now,
          endsAt: now + durationMs,
          status: 'active',
          reason: '',
          proposalId: null,
          paid: 0n,
          settledAt: null,
        };
        if (cost > 0n) ledger.lock(escrowOf(contract.id), consumer, cost);
        store.addContract(contract);
        return stateOf(contract);
      }),
    contracts: (filter) => store.contracts(filter).map(stateOf),
    contract: (agentId, id) => stateOf(find(agentId, id)),
    finish: (agentId, id) =>
      transaction(() => {
        const contract = find(agentId, id);
        expect(contract, 'active');
        if (contract.consumer === agentId) return settle(contract, stateOf(contract).cost, 'ended by the consumer');
        store.change(id, { endsAt: Math.min(contract.endsAt, nowMs()), reason: 'ended by the provider' });
        return stateOf(find(agentId, id));
      }),
    dispute: (agentId, id, reason) =>
      transaction(() => {
        const contract = find(agentId, id);
        // A dispute whose proposal could not be made may be sent again.
        if (contract.status === 'disputed' && contract.proposalId === null) return stateOf(contract);
        expect(contract, 'active');
        store.change(id, { status: 'disputed', reason });
        return stateOf(find(agentId, id));
      }),
    noteProposal(id, proposalId) {
      transaction(() => store.change(id, { proposalId }));
    },
    resolve: (id, providerPercent, reason) =>
      transaction(() => {
        const contract = find(undefined, id);
        expect(contract, 'disputed');
        return settle(contract, (contract.escrow * BigInt(providerPercent)) / 100n, reason);
      }),
    sweep() {
      const until = nowMs() - rules().disputeWindowMs;
      // Most sweeps find nothing: those must not take the write lock.
      if (store.endedBefore(until).length === 0) return [];
      return transaction(() => {
        const due = store.endedBefore(until);
        for (const contract of due) settle(contract, stateOf(contract).cost, contract.reason || 'the lease ended');
        return due.map(({ id }) => id);
      });
    },
    unstakeable,
  };
}

function atMost(cost: Micro, limit: Micro): Micro {
  if (cost <= limit) return cost;
  return limit;
}
