/** What the fog server's tools, resources and prompts work on. Each theme has its own part, so that a tool asks only for its own. */
import type { EconomyRules } from '../../shared/economy-rules.ts';
import type { Watches } from '../../shared/watches.ts';
import type { Disputes } from './money/disputes.ts';
import type { Harvester } from './money/harvester.ts';
import type { Ledger } from './money/ledger.ts';
import type { Market } from './money/market.ts';
import type { MarketStore } from './store/market.ts';
import type { FogStore } from './store/open.ts';
import type { Rewards } from './work/metering.ts';

export interface FogBase {
  readonly store: FogStore;
  readonly watches: Watches;
  /** Milliseconds since the epoch; never goes back. */
  readonly nowMs: () => number;
  /** A text that nobody can guess. */
  readonly newId: () => string;
}

export interface WorkDeps extends FogBase {
  readonly rewards: Rewards;
}

export interface MoneyDeps extends FogBase {
  readonly ledger: Ledger;
  readonly market: Market;
  readonly marketStore: MarketStore;
  readonly disputes: Disputes;
  readonly harvester: Harvester;
  /** The rules of now; a changed configuration gives another object. */
  readonly rules: () => EconomyRules;
}

export interface ForgeDeps extends FogBase {}

export interface FogDeps extends WorkDeps, MoneyDeps, ForgeDeps {
  /** Ends timers, connections and the store. */
  readonly close: () => Promise<void>;
}
