/** Owns the rows of offers: reads them as the domain has them, writes them. Decides nothing. */
import type { Selectable } from 'kysely';
import type { Queries } from '../../../shared/queries.ts';
import { type Leasable, leasableRow, toLeasable } from './leasable.ts';
import type { MoneyTables } from './money-tables.ts';

export interface Offer extends Leasable {
  readonly id: string;
  readonly status: 'open' | 'withdrawn';
  /** Whether harvesting made it. */
  readonly isHarvested: boolean;
  readonly expiresAt: number;
  readonly createdAt: number;
}

export interface OfferStore {
  addOffer(offer: Offer): void;
  offer(id: string): Offer | undefined;
  /** Open ones that have not expired, the oldest first. */
  openOffers(now: number): Offer[];
  withdraw(id: string): void;
  /** Cores and megabytes of an offer that running contracts hold. */
  held(offerId: string, now: number): { cores: number; memoryMb: number };
}

export function createOfferStore(store: Queries<MoneyTables>): OfferStore {
  const { db } = store;
  const offers = db.selectFrom('offers').selectAll();

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
  };
}

function offerRow(offer: Offer) {
  return {
    id: offer.id,
    ...leasableRow(offer),
    status: offer.status,
    harvested: offer.isHarvested ? 1 : 0,
    expires_at: offer.expiresAt,
    created_at: offer.createdAt,
  };
}

function toOffer(row: Selectable<MoneyTables['offers']>): Offer {
  return {
    id: row.id,
    ...toLeasable(row),
    status: row.status === 'open' ? 'open' : 'withdrawn',
    isHarvested: row.harvested === 1,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
  };
}
