/**
 * One person's twin, opened: its store with everything that works on it, and its time, which does not go back. Knows neither whose
 * it is nor any other twin.
 */
import { AppError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { createPseudonyms, newPseudonymKey, type Pseudonyms } from '../../shared/privacy/pseudonyms.ts';
import { createFactIndex, type FactIndex } from './fact-index.ts';
import { dayOf, learn, type Pattern } from './learning/rhythm.ts';
import { type Consents, createConsents } from './store/consents.ts';
import { createElevations, type Elevations } from './store/elevations.ts';
import { createEvents, type Events } from './store/events.ts';
import { createFacts, type Facts } from './store/facts.ts';
import { openTwinStore, type TwinFile, type TwinStore } from './store/open.ts';

export interface Twin {
  readonly store: TwinStore;
  readonly facts: Facts;
  readonly events: Events;
  readonly consents: Consents;
  readonly elevations: Elevations;
  readonly index: FactIndex;
  /** The same value always gets the same name here, and another one in every other twin. */
  readonly pseudonyms: Pseudonyms;
  /** What was learnt from the events, the surest first; the same object until there is something else. */
  patterns(): readonly Pattern[];
  /**
   * One transaction with its time.
   * @throws AppError CONFLICT when the clock is behind the last entry; nothing is written
   */
  write<T>(work: (now: number) => T): T;
  /** Removes, and makes the file forget. @returns how many entries `work` says it removed */
  erase(work: (now: number) => number): number;
  close(): Promise<void>;
}

export interface TwinParts {
  readonly nowMs: () => number;
  readonly log: Log;
}

/** Clocks are set by a little now and then. */
const CLOCK_TOLERANCE_MS = 60_000;
const LAST_ENTRY = 'last_entry';

/** @throws StoreError as openTwinStore */
export async function openTwin(at: TwinFile, { nowMs, log }: TwinParts): Promise<Twin> {
  const store = await openTwinStore(at);
  const facts = createFacts(store);
  const events = createEvents(store);
  const pseudonyms = createPseudonyms(store.setting('pseudonyms', newPseudonymKey));
  let learnt: { readonly state: string; readonly patterns: readonly Pattern[] } = { state: '', patterns: [] };

  function patterns(): readonly Pattern[] {
    const today = dayOf(nowMs());
    const state = `${store.last('event')}:${events.count()}:${today}`;
    if (state !== learnt.state) learnt = { state, patterns: learn(events.occurrences(), today) };
    return learnt.patterns;
  }

  function write<T>(work: (now: number) => T): T {
    return store.transaction(() => {
      const now = nowMs();
      const last = Number(Buffer.from(store.setting(LAST_ENTRY, () => Buffer.from(String(now)))).toString());
      if (now < last - CLOCK_TOLERANCE_MS) {
        const behind = Math.round((last - now) / 1_000);
        throw new AppError('CONFLICT', {
          text: `The clock of this machine is ${behind} s behind the last entry of this twin. Nothing was written; set the clock and try again.`,
          data: { status: 'clock_set_back' },
        });
      }
      if (now > last) store.setSetting(LAST_ENTRY, Buffer.from(String(now)));
      return work(Math.max(now, last));
    });
  }

  const index = createFactIndex({ store, facts, patterns, log });
  return {
    store,
    facts,
    events,
    consents: createConsents(store),
    elevations: createElevations(store),
    index,
    pseudonyms,
    patterns,
    write,
    erase(work) {
      const removed = write((now) => {
        const gone = work(now);
        if (gone > 0) store.index.forgetSaved();
        return gone;
      });
      if (removed > 0) store.scrub(true);
      return removed;
    },
    async close() {
      await index.close();
      await store.close();
    },
  };
}
