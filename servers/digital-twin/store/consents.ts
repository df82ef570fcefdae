/** Owns what a person allowed, for which purpose and since when (T5). Nothing is allowed that was not granted. */
import type { TwinStore } from './open.ts';
import { PURPOSES, type Purpose, type Tables } from './schema.ts';

export interface Consent {
  readonly purpose: Purpose;
  readonly granted: boolean;
  /** Of the last change; null while it was never granted. */
  readonly at: number | null;
}

export interface Consents {
  /** As it is now. Inside a transaction no other process can change it before that ends. */
  isGranted(purpose: Purpose): boolean;
  /** @returns whether it changed anything */
  set(purpose: Purpose, granted: boolean, now: number): boolean;
  list(): Consent[];
  /** Every grant and withdrawal, oldest first. */
  history(): Tables['consents'][];
}

export function createConsents(store: TwinStore): Consents {
  const { db, all, first, run } = store;
  const from = () => db.selectFrom('consents').selectAll();
  const latest = (purpose: Purpose) =>
    first<Tables['consents']>(from().where('purpose', '=', purpose).orderBy('position', 'desc').limit(1));
  const isGranted = (purpose: Purpose) => latest(purpose)?.granted === 1;

  return {
    isGranted,
    set: (purpose, granted, now) =>
      store.transaction(() => {
        if (isGranted(purpose) === granted) return false;
        const row = { position: store.take('consent'), purpose, granted: granted ? 1 : 0, at: now };
        run(db.insertInto('consents').values(row));
        return true;
      }),
    list: () =>
      PURPOSES.map((purpose) => {
        const found = latest(purpose);
        return { purpose, granted: found?.granted === 1, at: found?.at ?? null };
      }),
    history: () => all<Tables['consents']>(from().orderBy('position')),
  };
}
