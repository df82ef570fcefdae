/**
 * Says what of one person's store is in its search index: all facts, and the patterns that were learnt. What is removed is in no
 * later saved copy, and patterns are in none; how the index is kept is shared/retrieval/kept's matter.
 */
import type { Log } from '../../shared/log.ts';
import { createKeptIndex, type KeptIndex } from '../../shared/retrieval/kept/kept-index.ts';
import type { Hit, Retriever } from '../../shared/retrieval/retriever.ts';
import { patternId, patternText } from './learning/pattern-name.ts';
import type { Pattern } from './learning/rhythm.ts';
import type { Facts } from './store/facts.ts';
import type { TwinStore } from './store/open.ts';

/** The index is to be saved after so many changes. */
const DUE_CHANGES = 1_000;

export type Found =
  | { readonly kind: 'fact'; readonly key: number; readonly hit: Hit }
  | { readonly kind: 'pattern'; readonly id: string; readonly hit: Hit };

export interface FactIndex extends Pick<KeptIndex, 'save' | 'close'> {
  search(question: string, limit: number): Promise<Found[]>;
}

export interface FactIndexParts {
  readonly store: TwinStore;
  readonly facts: Facts;
  readonly patterns: () => readonly Pattern[];
  readonly log: Log;
}

export function createFactIndex({ store, facts, patterns, log }: FactIndexParts): FactIndex {
  const index = createKeptIndex({
    passages: {
      stamp: store.stamp,
      lastKey: () => store.last('fact'),
      after: (after, limit) =>
        facts.after(after, limit).map(({ key, topic, content }) => ({ key, passage: { title: topic, text: content } })),
    },
    saved: store.index,
    isLearning: false,
    isSaveDue: (changes) => changes > DUE_CHANGES,
    beside: createPatternIntake(patterns),
    log,
  });
  return {
    async search(question, limit) {
      const hits = (await index.ready()).search(question, { limit, mode: 'graph' });
      return hits.map((hit) =>
        hit.id.startsWith('p') ? { kind: 'pattern', id: hit.id, hit } : { kind: 'fact', key: Number(hit.id), hit },
      );
    },
    save: index.save,
    close: index.close,
  };
}

/** Patterns follow from events, and with the day. */
function createPatternIntake(patterns: () => readonly Pattern[]) {
  let listed: readonly Pattern[] = [];

  function withdraw(from: Retriever): void {
    for (const pattern of listed) from.remove(patternId(pattern));
    listed = [];
  }

  function take(into: Retriever): void {
    const now = patterns();
    if (now === listed) return;
    withdraw(into);
    for (const pattern of now) into.add({ id: patternId(pattern), title: pattern.topic, text: patternText(pattern) });
    listed = now;
  }

  return { isCurrent: () => patterns() === listed, take, withdraw };
}
