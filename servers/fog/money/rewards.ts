/**
 * What work asks of money (work/metering.ts), answered from the ledger: escrow for an order, pay by contract or by price, and a
 * reward from the treasury for who did the work. Runs inside the transaction of who calls.
 */
import type { EconomyRules } from '../../../shared/economy-rules.ts';
import { AppError } from '../../../shared/errors.ts';
import type { Micro } from '../../../shared/fog-amount.ts';
import type { MarketStore } from '../store/market.ts';
import type { Metering, Rewards } from '../work/metering.ts';
import type { Ledger } from './ledger.ts';
import { costOf, rewardOf } from './price.ts';

interface RewardsDeps {
  readonly store: MarketStore;
  readonly ledger: Ledger;
  readonly rules: () => EconomyRules;
  /** Whether a node works by the rules of harvesting now. */
  readonly isHarvesting: (nodeId: string) => boolean;
}

const DAY_MS = 86_400_000;

const escrowOf = (workId: string): string => `work:${workId}`;

export function createRewards({ store, ledger, rules, isHarvesting }: RewardsDeps): Rewards {
  /** By the open offer of who works the node, else by the configuration. */
  function priceOn({ nodeId, nodeAgent, at }: Metering) {
    const offer = store.openOffers(at).find((each) => each.nodeId === nodeId && each.provider === nodeAgent);
    return offer === undefined ? rules().prices : { cpuHour: offer.cpuHourPrice, gbHour: offer.gbHourPrice };
  }

  /** What an agent may still earn today. */
  function roomOf(agent: string, at: number): Micro {
    const room = rules().rewards.mostPerDay - store.rewardedSince(agent, at - DAY_MS);
    return room > 0n ? room : 0n;
  }

  return {
    reserve({ workId, agent, maxPriceMicro }) {
      if (maxPriceMicro === undefined || maxPriceMicro === 0) return;
      if (!Number.isSafeInteger(maxPriceMicro) || maxPriceMicro < 0) {
        throw new AppError('INVALID_PARAMS', { text: 'max_price: expected an amount in FOG with at most 6 decimals' });
      }
      ledger.lock(escrowOf(workId), agent, BigInt(maxPriceMicro));
    },
    record(metering) {
      const { key, workId, nodeId, nodeAgent, agent, outcome, at } = metering;
      if (outcome === 'lost' || store.hasUsage(key)) return;
      const used = { cpuMs: whole(metering.cpuMs), mbMs: whole(metering.mbMs) };
      const contract = store.running(agent, nodeAgent, nodeId, at);
      // Whoever works for itself is paid by nobody: else any agent could draw the treasury dry with its own machine.
      const rewardDue = nodeAgent === agent ? 0n : rewardOf(used, rules().rewards);
      // What this agent earned today is summed for it: not where there is nothing to pay.
      const isRewarded = rewardDue > 0n && ledger.treasury() > 0n;
      store.addUsage({
        id: key,
        contractId: contract?.id ?? '',
        provider: nodeAgent,
        nodeId,
        ...used,
        isHarvested: isHarvesting(nodeId),
        rewardPaid: isRewarded ? ledger.reward(key, nodeAgent, atMost(rewardDue, roomOf(nodeAgent, at))) : 0n,
        rewardDue,
        at,
      });
      if (contract !== undefined || ledger.escrowed(escrowOf(workId)) === 0n) return;
      ledger.pay(escrowOf(workId), nodeAgent, costOf(used, priceOn(metering)), key);
    },
    release(workId) {
      ledger.refund(escrowOf(workId));
    },
  };
}

function whole(measured: number): number {
  return Number.isFinite(measured) && measured > 0 ? Math.min(Math.trunc(measured), 1e15) : 0;
}

function atMost(amount: Micro, limit: Micro): Micro {
  if (amount <= limit) return amount;
  return limit;
}
