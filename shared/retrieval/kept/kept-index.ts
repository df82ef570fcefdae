/**
 * Keeps one process's retriever in step with passages that any process stores: loads the saved index at the first question, takes in
 * what came and went since, and saves again when it is quiet. Never blocks for longer than one step; knows no table.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import { createRetriever, type Passage, type Retriever } from '../retriever.ts';
import { SnapshotError } from '../snapshot.ts';
import type { IndexStore } from './index-tables.ts';

const PAGE = 200;
/** After so long the event loop gets its turn. */
const SLICE_MS = 8;
/** Quiet before what is not urgent begins: learning, saving. */
const QUIET_MS = 1_500;

/** The passages of a store by their keys, which only grow and are never used again. */
export interface StoredPassages {
  /** Another text as soon as anything was written. */
  stamp(): string;
  lastKey(): number;
  /** Ascending. */
  after(key: number, limit: number): readonly { readonly key: number; readonly passage: Omit<Passage, 'id'> }[];
}

/** What is in the index beside the passages. */
export interface Beside {
  /** Whether nothing of it has changed but what the stamp of the store tells. */
  isCurrent(): boolean;
  /** Brings it up to date; called when the passages are. */
  take(into: Retriever): void | Promise<void>;
  /** Takes out what no saved index may hold; it is brought in again by `take`. */
  withdraw?(from: Retriever): void;
}

export interface KeptIndexOptions {
  readonly passages: StoredPassages;
  readonly saved: IndexStore;
  /** Whether the built-in vectors are wanted. */
  readonly isLearning: boolean;
  /** Whether an index of `size` passages is worth saving after so many changes. */
  readonly isSaveDue: (changes: number, size: number) => boolean;
  readonly beside?: Beside;
  readonly log: Log;
}

export interface KeptIndex {
  /** The retriever with everything in it that was committed before this call. */
  ready(): Promise<Retriever>;
  /** The same, with vectors that know most of it. */
  learnt(): Promise<Retriever>;
  /** Learns what there is to learn, and saves what would have to be indexed anew. */
  save(): Promise<void>;
  /** Passages in the index now; undefined while it is not loaded. */
  readonly size: number | undefined;
  close(): Promise<void>;
}

export function createKeptIndex({ passages, saved, isLearning, isSaveDue, beside, log }: KeptIndexOptions): KeptIndex {
  let retriever: Retriever | undefined;
  let keySeen = 0;
  let removalSeen = 0;
  let stamp = '';
  let changes = 0;
  let syncing: Promise<Retriever> | undefined;
  let learning: Promise<void> | undefined;
  let saving: Promise<void> | undefined;
  let quiet: NodeJS.Timeout | undefined;
  let isClosed = false;

  function load(): Retriever {
    const newest = saved.newest();
    if (newest) {
      try {
        const loaded = createRetriever({ snapshot: newest.octets });
        keySeen = newest.passageKey;
        removalSeen = newest.removal;
        return loaded;
      } catch (cause) {
        if (!(cause instanceof SnapshotError)) throw cause;
        log.warn({ cause }, 'a saved index cannot be read; it is built anew');
      }
    }
    return createRetriever();
  }

  async function sync(): Promise<Retriever> {
    retriever ??= load();
    const into = retriever;
    const seen = passages.stamp();
    const isChanged = seen !== stamp;
    if (isChanged) {
      // Only what was there at the beginning: somebody may be writing on without end.
      const [removal, key] = [saved.lastRemoval(), passages.lastKey()];
      await takeRemovals(into, removal);
      await takeAdditions(into, key);
    }
    await beside?.take(into);
    if (isChanged && !isClosed) stamp = seen;
    if (isRestDue(into)) rest();
    return into;
  }

  async function takeRemovals(into: Retriever, until: number): Promise<void> {
    let began = performance.now();
    while (removalSeen < until && !isClosed) {
      const rows = saved.removedAfter(removalSeen, PAGE);
      if (rows.length === 0) return;
      for (const { position, passage_key } of rows) {
        if (into.remove(String(passage_key))) changes++;
        removalSeen = position;
      }
      if (performance.now() - began < SLICE_MS) continue;
      await nextTurn();
      began = performance.now();
    }
  }

  async function takeAdditions(into: Retriever, until: number): Promise<void> {
    let began = performance.now();
    while (keySeen < until && !isClosed) {
      const page = passages.after(keySeen, PAGE);
      for (const { key, passage } of page) {
        into.add({ id: String(key), ...passage });
        keySeen = key;
        changes++;
        if (performance.now() - began < SLICE_MS) continue;
        await nextTurn();
        began = performance.now();
      }
      if (page.length < PAGE) return;
    }
  }

  function isRestDue(of: Retriever): boolean {
    return (isLearning && of.needsLearning) || isSaveDue(changes, of.size);
  }

  /** Does the slow work when nothing new has come for a while. */
  function rest(): void {
    clearTimeout(quiet);
    if (isClosed) return;
    quiet = setTimeout(() => {
      settle().catch((cause: unknown) => log.error({ cause }, 'an index could not be brought up to date'));
    }, QUIET_MS);
    quiet.unref();
  }

  async function settle(): Promise<void> {
    await learn();
    if (retriever && isSaveDue(changes, retriever.size)) await save();
  }

  async function learn(): Promise<void> {
    if (!isLearning) return;
    learning ??= learnInSlices().finally(() => {
      learning = undefined;
    });
    return learning;
  }

  async function learnInSlices(): Promise<void> {
    if (!retriever?.needsLearning) return;
    for (const steps = retriever.learning(); !isClosed && steps.next().done !== true; ) await nextTurn();
  }

  function save(): Promise<void> {
    saving ??= saveNow().finally(() => {
      saving = undefined;
    });
    return saving;
  }

  async function saveNow(): Promise<void> {
    const of = await ready();
    await learn();
    if (isClosed || changes === 0) return;
    // Without a pause from here on: nothing comes in between what is taken out and what is saved.
    beside?.withdraw?.(of);
    const index = { passageKey: keySeen, removal: removalSeen, octets: of.snapshot() };
    const covered = changes;
    if (await saved.save(index)) changes -= covered;
  }

  function ready(): Promise<Retriever> {
    if (retriever && syncing === undefined && passages.stamp() === stamp && beside?.isCurrent() !== false) {
      return Promise.resolve(retriever);
    }
    // What runs already may have passed what was committed just now: so it is looked again after it.
    const again = syncing === undefined ? sync() : syncing.then(sync, sync);
    syncing = again;
    const done = () => {
      if (syncing === again) syncing = undefined;
    };
    again.then(done, done);
    return again;
  }

  return {
    ready,
    async learnt() {
      const loaded = await ready();
      await learn();
      return loaded;
    },
    save,
    get size() {
      return retriever?.size;
    },
    async close() {
      isClosed = true;
      clearTimeout(quiet);
      await Promise.allSettled([syncing, learning, saving]);
    },
  };
}
