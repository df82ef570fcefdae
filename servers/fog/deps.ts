/** What the fog server's tools, resources and prompts work on. Each theme has its own part, so that a tool asks only for its own. */
import type { Watches } from '../../shared/watches.ts';
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

export interface MoneyDeps extends FogBase {}

export interface ForgeDeps extends FogBase {}

export interface FogDeps extends WorkDeps, MoneyDeps, ForgeDeps {
  /** Ends timers, connections and the store. */
  readonly close: () => Promise<void>;
}
