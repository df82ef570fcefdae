/**
 * Owns the search index of one person: all facts and learnt patterns, in memory, brought up to date before each question with what
 * any process wrote. A saved copy in the encrypted store makes opening quick; what is removed is in no later copy.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../../shared/log.ts';
import { createRetriever, type Hit, type Retriever } from '../../shared/retrieval/retriever.ts';
import { SnapshotError } from '../../shared/retrieval/snapshot.ts';
import { patternId, patternText } from './learning/pattern-name.ts';
import type { Pattern } from './learning/rhythm.ts';
import type { Facts } from './store/facts.ts';
import type { TwinStore } from './store/open.ts';
import type { Tables } from './store/schema.ts';

const PAGE = 500;
/** After so long the event loop gets its turn. */
const SLICE_MS = 8;
/** A saved copy is due after so many changes. */
const DUE_CHANGES = 1_000;
const QUIET_MS = 1_500;

export type Found =
  | { readonly kind: 'fact'; readonly key: number; readonly hit: Hit }
  | { readonly kind: 'pattern'; readonly id: string; readonly hit: Hit };

export interface FactIndex {
  search(question: string, limit: number): Promise<Found[]>;
  /** Takes the saved copy away: for when something must be forgotten. Inside the transaction that removes it. */
  forgetSaved(): void;
  save(): Promise<void>;
  close(): Promise<void>;
}

export interface FactIndexParts {
  readonly store: TwinStore;
  readonly facts: Facts;
  readonly patterns: () => readonly Pattern[];
  readonly log: Log;
}

export function createFactIndex({ store, facts, patterns, log }: FactIndexParts): FactIndex {
  let retriever: Retriever | undefined;
  let keySeen = 0;
  let removalSeen = 0;
  let stamp = '';
  let unsaved = 0;
  let listed: readonly Pattern[] = [];
  let syncing: Promise<Retriever> | undefined;
  let quiet: NodeJS.Timeout | undefined;
  let isClosed = false;

  function load(): Retriever {
    const select = store.db.selectFrom('snapshots').selectAll().orderBy('id', 'desc').limit(1);
    const saved = store.first<Tables['snapshots']>(select);
    if (saved) {
      try {
        const loaded = createRetriever({ snapshot: saved.octets });
        keySeen = saved.fact_key;
        removalSeen = saved.removal;
        return loaded;
      } catch (cause) {
        if (!(cause instanceof SnapshotError)) throw cause;
        log.warn({}, 'a saved index of a twin cannot be read; it is built anew');
      }
    }
    keySeen = 0;
    removalSeen = 0;
    return createRetriever();
  }

  async function sync(): Promise<Retriever> {
    retriever ??= load();
    const into = retriever;
    const seen = store.stamp();
    if (seen !== stamp) {
      takeRemovals(into);
      await takeAdditions(into);
      stamp = seen;
      if (unsaved > DUE_CHANGES) saveSoon();
    }
    takePatterns(into);
    return into;
  }

  function takeRemovals(into: Retriever): void {
    for (
      let rows = facts.removedAfter(removalSeen, PAGE);
      rows.length > 0;
      rows = facts.removedAfter(removalSeen, PAGE)
    ) {
      for (const { position, fact_key } of rows) {
        if (into.remove(String(fact_key))) unsaved++;
        removalSeen = position;
      }
    }
  }

  async function takeAdditions(into: Retriever): Promise<void> {
    let began = performance.now();
    for (let rows = facts.after(keySeen, PAGE); rows.length > 0 && !isClosed; rows = facts.after(keySeen, PAGE)) {
      for (const { key, topic, content } of rows) {
        into.add({ id: String(key), title: topic, text: content });
        keySeen = key;
        unsaved++;
      }
      if (performance.now() - began < SLICE_MS) continue;
      await nextTurn();
      began = performance.now();
    }
  }

  function takePatterns(into: Retriever): void {
    const now = patterns();
    if (now === listed) return;
    for (const pattern of listed) into.remove(patternId(pattern));
    for (const pattern of now) into.add({ id: patternId(pattern), title: pattern.topic, text: patternText(pattern) });
    listed = now;
  }

  function ready(): Promise<Retriever> {
    const again = syncing === undefined ? sync() : syncing.then(sync, sync);
    syncing = again;
    const done = () => {
      if (syncing === again) syncing = undefined;
    };
    again.then(done, done);
    return again;
  }

  function saveSoon(): void {
    clearTimeout(quiet);
    if (isClosed) return;
    quiet = setTimeout(() => {
      save().catch((cause: unknown) => log.error({ cause }, 'the index of a twin could not be saved'));
    }, QUIET_MS);
    quiet.unref();
  }

  async function save(): Promise<void> {
    const of = await ready();
    // Patterns follow from events and are no part of what is saved.
    for (const pattern of listed) of.remove(patternId(pattern));
    listed = [];
    const octets = of.snapshot();
    store.transaction(() => {
      // What another process removed meanwhile must not come back by this copy.
      if (store.last('removal') !== removalSeen) return;
      store.run(store.db.deleteFrom('snapshots'));
      store.run(store.db.insertInto('snapshots').values({ id: 1, fact_key: keySeen, removal: removalSeen, octets }));
    });
    unsaved = 0;
  }

  return {
    async search(question, limit) {
      const hits = (await ready()).search(question, { limit, mode: 'graph' });
      return hits.map((hit) =>
        hit.id.startsWith('p') ? { kind: 'pattern', id: hit.id, hit } : { kind: 'fact', key: Number(hit.id), hit },
      );
    },
    forgetSaved() {
      store.run(store.db.deleteFrom('snapshots'));
    },
    save,
    async close() {
      isClosed = true;
      clearTimeout(quiet);
      await syncing?.catch(() => undefined);
    },
  };
}
