/**
 * Says what of hyperrag.db is in this process's index: all passages, by groups, and the embedder's vectors. Decides nothing of who
 * may see; how the index is kept is shared/retrieval/kept's matter.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../../shared/log.ts';
import { createKeptIndex, type KeptIndex } from '../../shared/retrieval/kept/kept-index.ts';
import type { Retriever } from '../../shared/retrieval/retriever.ts';
import type { Documents, StoredPassage } from './store/documents.ts';
import type { HyperragStore } from './store/open.ts';
import type { Kind } from './store/schema.ts';
import type { Vectors } from './store/vectors.ts';

const PAGE = 200;
/** The index is to be saved after so many changes, and after this share of all. */
const DUE_CHANGES = 2_000;
const DUE_SHARE = 0.2;

export type SearchIndex = KeptIndex;

/** Searches are confined to these: one kind of things in one namespace. */
export function groupOf(kind: Kind, namespace: string): string {
  return `${kind}:${namespace}`;
}

export function createSearchIndex(
  store: HyperragStore,
  documents: Documents,
  log: Log,
  embedded: () => Vectors | undefined = () => undefined,
): SearchIndex {
  return createKeptIndex({
    passages: {
      stamp: store.stamp,
      lastKey: () => store.last('passage'),
      after: (key, limit) =>
        documents.addedSince(key, limit).map((stored) => ({ key: stored.key, passage: toIndexed(stored) })),
    },
    saved: store.index,
    isLearning: true,
    isSaveDue: (changes, size) => changes > Math.max(DUE_CHANGES, size * DUE_SHARE),
    beside: createVectorIntake(embedded),
    log,
  });
}

/** Brings the embedder's vectors into the index after the additions, so that each has its passage, or that is gone. */
function createVectorIntake(embedded: () => Vectors | undefined) {
  let seen = 0;

  async function take(into: Retriever): Promise<void> {
    const from = embedded();
    const until = from?.last() ?? 0;
    if (from?.dimensions === undefined) return;
    into.expectVectors(from.dimensions);
    while (seen < until) {
      const rows = from.since(seen, PAGE);
      for (const { passageKey, vector } of rows) {
        if (into.has(String(passageKey))) into.setVector(String(passageKey), vector);
      }
      seen = rows.at(-1)?.position ?? until;
      await nextTurn();
    }
  }

  return { isCurrent: () => true, take };
}

function toIndexed({ ordinal, heading, text, document }: StoredPassage) {
  return {
    title: document.title,
    text: heading === '' ? text : `${heading}\n${text}`,
    group: groupOf(document.kind, document.namespace),
    sequence: { id: String(document.key), order: ordinal },
  };
}
