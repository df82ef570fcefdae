/**
 * Owns this process's index of all passages: loads it at the first question from the last snapshot, takes in what came and went
 * in the file since, whoever wrote it, and saves it again. Never blocks for longer than one step; decides nothing of who may see.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../../shared/log.ts';
import { createRetriever, type Retriever } from '../../shared/retrieval/retriever.ts';
import { SnapshotError } from '../../shared/retrieval/snapshot.ts';
import type { Documents, StoredPassage } from './store/documents.ts';
import type { HyperragStore } from './store/open.ts';
import type { Kind } from './store/schema.ts';
import type { Snapshots } from './store/snapshots.ts';
import type { Vectors } from './store/vectors.ts';

const PAGE = 200;
/** After so long the event loop gets its turn. */
const SLICE_MS = 8;
/** A snapshot is due after so many changes, and after this share of all. */
const DUE_CHANGES = 2_000;
const DUE_SHARE = 0.2;
/** Quiet before what is not urgent begins: learning, saving. */
const QUIET_MS = 1_500;

export interface SearchIndex {
  /** The retriever with everything in it that was committed before this call. */
  ready(): Promise<Retriever>;
  /** The same, with vectors that know most of it. */
  learnt(): Promise<Retriever>;
  /** Saves what would have to be indexed anew. */
  save(): Promise<void>;
  /** Passages in the index now; undefined while it is not loaded. */
  readonly size: number | undefined;
  close(): Promise<void>;
}

/** Searches are confined to these: one kind of things in one namespace. */
export function groupOf(kind: Kind, namespace: string): string {
  return `${kind}:${namespace}`;
}

export function createSearchIndex(
  store: HyperragStore,
  documents: Documents,
  snapshots: Snapshots,
  log: Log,
  embedded: () => Vectors | undefined = () => undefined,
): SearchIndex {
  let retriever: Retriever | undefined;
  let passageSeen = 0;
  let removalSeen = 0;
  let vectorSeen = 0;
  let stamp = '';
  let sinceSnapshot = 0;
  let syncing: Promise<Retriever> | undefined;
  let learning: Promise<void> | undefined;
  let quiet: NodeJS.Timeout | undefined;
  let isClosed = false;

  function load(): Retriever {
    const saved = snapshots.newest();
    if (saved) {
      try {
        const loaded = createRetriever({ snapshot: saved.octets });
        passageSeen = saved.passageKey;
        removalSeen = saved.removal;
        return loaded;
      } catch (cause) {
        if (!(cause instanceof SnapshotError)) throw cause;
        log.warn({ cause }, 'the saved index cannot be read; it is built anew');
      }
    }
    passageSeen = 0;
    removalSeen = 0;
    return createRetriever();
  }

  async function sync(): Promise<Retriever> {
    retriever ??= load();
    const into = retriever;
    const seen = store.stamp();
    if (seen !== stamp) {
      // Only what was there at the beginning: somebody may be writing on without end.
      const vectors = embedded();
      const vector = vectors?.last() ?? 0;
      const [removal, passage] = [store.last('removal'), store.last('passage')];
      await takeRemovals(into, removal);
      await takeAdditions(into, passage);
      if (vectors) await takeVectors(into, vectors, vector);
      if (!isClosed) stamp = seen;
    }
    if (into.needsLearning || isSnapshotDue(into)) rest();
    return into;
  }

  async function takeRemovals(into: Retriever, until: number): Promise<void> {
    let began = performance.now();
    while (removalSeen < until && !isClosed) {
      const rows = documents.removedSince(removalSeen, PAGE);
      if (rows.length === 0) return;
      for (const { position, passage_key } of rows) {
        if (into.remove(String(passage_key))) sinceSnapshot++;
        removalSeen = position;
      }
      if (performance.now() - began < SLICE_MS) continue;
      await nextTurn();
      began = performance.now();
    }
  }

  async function takeAdditions(into: Retriever, until: number): Promise<void> {
    let began = performance.now();
    while (passageSeen < until && !isClosed) {
      const passages = documents.addedSince(passageSeen, PAGE);
      for (const passage of passages) {
        into.add(toIndexed(passage));
        passageSeen = passage.key;
        sinceSnapshot++;
        if (performance.now() - began < SLICE_MS) continue;
        await nextTurn();
        began = performance.now();
      }
      if (passages.length < PAGE) return;
    }
  }

  /** After the additions, so that each has its passage, or that is gone. */
  async function takeVectors(into: Retriever, from: Vectors, until: number): Promise<void> {
    const { dimensions } = from;
    if (dimensions === undefined) return;
    into.expectVectors(dimensions);
    while (vectorSeen < until && !isClosed) {
      const rows = from.since(vectorSeen, PAGE);
      for (const { passageKey, vector } of rows) {
        if (into.has(String(passageKey))) into.setVector(String(passageKey), vector);
      }
      vectorSeen = rows.at(-1)?.position ?? until;
      await nextTurn();
    }
  }

  function isSnapshotDue(of: Retriever): boolean {
    return sinceSnapshot > Math.max(DUE_CHANGES, of.size * DUE_SHARE);
  }

  /** Does the slow work when nothing new has come for a while. */
  function rest(): void {
    clearTimeout(quiet);
    if (isClosed) return;
    quiet = setTimeout(() => {
      settle().catch((cause: unknown) => log.error({ cause }, 'the index could not be brought up to date'));
    }, QUIET_MS);
    quiet.unref();
  }

  async function settle(): Promise<void> {
    await learn();
    if (retriever && isSnapshotDue(retriever)) await save();
  }

  function learn(): Promise<void> {
    learning ??= learnInSlices().finally(() => {
      learning = undefined;
    });
    return learning;
  }

  async function learnInSlices(): Promise<void> {
    if (!retriever?.needsLearning) return;
    for (const steps = retriever.learning(); !isClosed && steps.next().done !== true; ) await nextTurn();
  }

  async function save(): Promise<void> {
    if (!retriever || isClosed || sinceSnapshot === 0) return;
    const of = retriever;
    // Another process may have saved the same already; then its snapshot is as good.
    if ((snapshots.newestSeen()?.passageKey ?? -1) < passageSeen || isSnapshotDue(of)) {
      snapshots.save({ passageKey: passageSeen, removal: removalSeen, octets: of.snapshot() });
    }
    sinceSnapshot = 0;
  }

  function ready(): Promise<Retriever> {
    if (retriever && syncing === undefined && store.stamp() === stamp) return Promise.resolve(retriever);
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
    async save() {
      await ready();
      await learn();
      await save();
    },
    get size() {
      return retriever?.size;
    },
    async close() {
      isClosed = true;
      clearTimeout(quiet);
      await Promise.allSettled([syncing, learning]);
    },
  };
}

function toIndexed({ key, ordinal, heading, text, document }: StoredPassage) {
  return {
    id: String(key),
    title: document.title,
    text: heading === '' ? text : `${heading}\n${text}`,
    group: groupOf(document.kind, document.namespace),
    sequence: { id: String(document.key), order: ordinal },
  };
}
