/** Composes ledger, market, harvesting and what work asks of them, on an open fog.db. */
import { type EconomyRules, readEconomyRules } from '../../../shared/economy-rules.ts';
import type { Log } from '../../../shared/log.ts';
import type { FogBase, MoneyDeps } from '../deps.ts';
import { createJournal } from '../store/journal.ts';
import { createMarketStore } from '../store/market.ts';
import type { Rewards } from '../work/metering.ts';
import { deviceReader, deviceSize, type ReadDevice } from './device.ts';
import { type CallVillage, createDisputes } from './disputes.ts';
import { createHarvester } from './harvester.ts';
import { createLedger } from './ledger.ts';
import { createMarket } from './market.ts';
import { createRewards } from './rewards.ts';

export interface MoneyParts {
  /** The rules of now; a changed configuration gives another object. Undefined: the defaults, and nothing is issued. */
  readonly rules: (() => EconomyRules) | undefined;
  /** Undefined without a router. */
  readonly call: CallVillage | undefined;
  readonly log: Log;
  readonly readDevice?: ReadDevice;
}

export interface Money {
  readonly deps: MoneyDeps;
  readonly rewards: Rewards;
  close(): void;
}

const SWEEP_EVERY_MS = 1_000;

export function openMoney(base: FogBase, { rules: given, call, log, readDevice }: MoneyParts): Money {
  const { store, nowMs, newId } = base;
  const defaults = readEconomyRules(undefined);
  const economy = given ?? (() => defaults);
  const { transaction } = store;
  const ledger = createLedger({ journal: createJournal(store), transaction, nowMs });
  const marketStore = createMarketStore(store);
  const market = createMarket({ store: marketStore, ledger, transaction, rules: economy, nowMs, newId });
  const harvester = createHarvester({
    store,
    market,
    rules: economy,
    readDevice: readDevice ?? deviceReader(nowMs),
    size: deviceSize(),
    nowMs,
    log,
  });
  let issued: EconomyRules | undefined;

  /** What the configuration names is issued once; naming it again, or reading it again, issues nothing. */
  function issue(): void {
    const rules = economy();
    if (rules === issued) return;
    issued = rules;
    for (const issuance of rules.issuance) {
      try {
        const { isNew } = ledger.issue(issuance);
        if (isNew) log.info({ issuance: issuance.id }, 'FOG was issued, as the configuration says');
      } catch (cause) {
        log.error(
          { cause, issuance: issuance.id },
          'an issuance of the configuration was refused; nothing was issued for it',
        );
      }
    }
  }

  const sweep = (): void => {
    try {
      issue();
      market.sweep();
    } catch (cause) {
      log.error({ cause }, 'the sweep of the market failed; it is tried again in a second');
    }
  };
  sweep();
  const timer = setInterval(sweep, SWEEP_EVERY_MS).unref();
  return {
    deps: { ...base, ledger, market, marketStore, disputes: createDisputes(market, call), harvester, economy },
    rewards: createRewards({ store: marketStore, ledger, rules: economy, isHarvesting: harvester.isHarvesting }),
    close() {
      clearInterval(timer);
      harvester.close();
    },
  };
}
