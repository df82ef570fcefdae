/** The rows that the marketplace works on, together: offers, contracts, usage. */
import type { Queries } from '../../../shared/queries.ts';
import { type ContractStore, createContractStore } from './contracts.ts';
import type { MoneyTables } from './money-tables.ts';
import { createOfferStore, type OfferStore } from './offers.ts';
import { createUsageStore, type UsageStore } from './usage.ts';

export interface MarketStore extends OfferStore, ContractStore, UsageStore {}

export function createMarketStore(store: Queries<MoneyTables>): MarketStore {
  return { ...createOfferStore(store), ...createContractStore(store), ...createUsageStore(store) };
}
