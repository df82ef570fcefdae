/** Owns the rows of usage: what was metered and what was rewarded for it, each once. Decides nothing. */
import type { Micro } from '../../../shared/fog-amount.ts';
import type { Queries } from '../../../shared/queries.ts';
import type { Used } from '../money/price.ts';
import { MINUTE_MS, type MoneyTables } from './money-tables.ts';

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

export interface UsageStore {
  hasUsage(id: string): boolean;
  addUsage(usage: UsageRecord): void;
  usageOf(contractId: string): Used & { readonly runs: number };
  earned(provider: string, isHarvested: boolean): Earned;
  /** What the treasury paid to it for work from this time on. */
  rewardedSince(provider: string, time: number): Micro;
}

export function createUsageStore(store: Queries<MoneyTables>): UsageStore {
  const { db } = store;
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
      if (usage.rewardPaid === 0n) return;
      const minute = usage.at - (usage.at % MINUTE_MS);
      store.run(
        db
          .insertInto('rewarded_minutes')
          .values({ provider: usage.provider, minute, paid: usage.rewardPaid })
          .onConflict((c) =>
            c
              .columns(['provider', 'minute'])
              .doUpdateSet((e) => ({ paid: e('rewarded_minutes.paid', '+', e.ref('excluded.paid')) })),
          ),
      );
    },
    rewardedSince(provider, time) {
      // The minute that `time` lies in counts from there on only, the later ones whole.
      const next = Math.ceil(time / MINUTE_MS) * MINUTE_MS;
      const begun = store.first(
        db
          .selectFrom('usage')
          .select((e) => e.fn.coalesce(e.fn.sum<number>('reward_paid'), e.lit(0)).as('paid'))
          .where('provider', '=', provider)
          .where('at', '>=', time)
          .where('at', '<', next),
      )!;
      const whole = store.first(
        db
          .selectFrom('rewarded_minutes')
          .select((e) => e.fn.coalesce(e.fn.sum<number>('paid'), e.lit(0)).as('paid'))
          .where('provider', '=', provider)
          .where('minute', '>=', next),
      )!;
      return BigInt(begun.paid) + BigInt(whole.paid);
    },
    usageOf: (contractId) => sums('contract_id', contractId),
    earned(provider, isHarvested) {
      const { paid, due, ...used } = sums('provider', provider, isHarvested);
      return { ...used, paid: BigInt(paid), due: BigInt(due) };
    },
  };
}
