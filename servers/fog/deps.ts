/** What the fog server's tools, resources and prompts work on. Each theme has its own part, so that a tool asks only for its own. */
import type { EconomyRules } from '../../shared/economy-rules.ts';
import type { FogRules } from '../../shared/fog-rules.ts';
import type { ForgeRules } from '../../shared/forge-rules.ts';
import type { Watches } from '../../shared/watches.ts';
import type { ModelEndpoint } from './forge/chat.ts';
import type { Models } from './forge/models.ts';
import type { Trainer } from './forge/trainer.ts';
import type { Trainings } from './forge/trainings.ts';
import type { Disputes } from './money/disputes.ts';
import type { Harvester } from './money/harvester.ts';
import type { Ledger } from './money/ledger.ts';
import type { Market } from './money/market.ts';
import type { MarketStore } from './store/market.ts';
import type { FogStore } from './store/open.ts';
import type { Rewards } from './work/metering.ts';
import type { Nodes } from './work/nodes.ts';
import type { Switchboard } from './work/switchboard.ts';
import type { Work } from './work/work.ts';

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
  readonly work: Work;
  readonly nodes: Nodes;
  /** What may run, as the configuration says now. */
  readonly programs: () => FogRules;
  readonly switchboard: Pick<Switchboard, 'poke' | 'tailOf'>;
  /** Where nodes join; undefined while no process on this data folder listens. */
  readonly door: () => { readonly peerId: string; readonly addresses: readonly string[] } | undefined;
}

export interface MoneyDeps extends FogBase {
  readonly ledger: Ledger;
  readonly market: Market;
  readonly marketStore: MarketStore;
  readonly disputes: Disputes;
  readonly harvester: Harvester;
  /** The rules of now; a changed configuration gives another object. */
  readonly economy: () => EconomyRules;
}

export interface ForgeDeps extends FogBase {
  readonly trainings: Trainings;
  readonly trainer: Pick<Trainer, 'look'>;
  readonly models: Models;
  /** What the configuration lets the forge run now. */
  readonly forge: () => ForgeRules;
  /** Undefined when none is set. */
  readonly endpoint: ModelEndpoint | undefined;
}

export interface FogDeps extends WorkDeps, MoneyDeps, ForgeDeps {
  /** Ends timers, connections and the store. */
  readonly close: () => Promise<void>;
}
