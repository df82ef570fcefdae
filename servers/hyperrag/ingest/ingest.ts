/**
 * Takes drafts into the store, one transaction for each document, so that an end at any moment leaves whole documents only and
 * the same call again goes on where it ended. Reads no files itself.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Caller } from '../../../shared/identity/caller.ts';
import { mayChange } from '../namespaces.ts';
import type { Documents } from '../store/documents.ts';
import type { Read, Skipped } from './draft.ts';

export interface IngestResult {
  /** Documents added or updated, and their passages. */
  readonly documents: number;
  readonly passages: number;
  /** Documents that were there already as they are. */
  readonly unchanged: number;
  /** The first MOST_TOLD; `skippedCount` has all. */
  readonly skipped: readonly Skipped[];
  readonly skippedCount: number;
}

export interface IngestOptions {
  readonly documents: Documents;
  readonly caller: Caller;
  readonly namespace: string;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Called now and then with how many documents were looked at. */
  readonly onProgress: (done: number) => void;
}

export const MOST_TOLD = 1_000;
/** After so long the event loop gets its turn, for a cancellation to come in. */
const SLICE_MS = 8;

/** Ends early, without an error, when the signal aborts: what is in stays. */
export async function ingest(
  reads: AsyncIterable<Read> | Iterable<Read>,
  options: IngestOptions,
): Promise<IngestResult> {
  const { documents, caller, namespace, nowMs, signal, onProgress } = options;
  let [taken, passages, unchanged, skippedCount, looked] = [0, 0, 0, 0, 0];
  const skipped: Skipped[] = [];
  const leave = (id: string, reason: string) => {
    skippedCount++;
    if (skipped.length < MOST_TOLD) skipped.push({ id, reason });
  };
  let began = performance.now();
  for await (const read of reads) {
    if (signal.aborted) break;
    looked++;
    if ('skipped' in read) leave(read.skipped.id, read.skipped.reason);
    else {
      const { draft } = read;
      const source = draft.source || caller.agentId;
      const document = {
        ...draft,
        namespace,
        kind: 'document',
        source,
        author: caller.agentId,
        ttlDays: null,
      } as const;
      const put = documents.put(document, nowMs(), (old) => mayChange(caller, old));
      if (put.outcome === 'unchanged') unchanged++;
      else if (put.outcome === 'duplicate') leave(draft.id, `It says the very same as ${put.of}.`);
      else if (put.outcome === 'refused')
        leave(draft.id, 'Another agent ingested a document with this id; choose another id.');
      else {
        taken++;
        passages += put.passages;
      }
    }
    if (performance.now() - began < SLICE_MS) continue;
    onProgress(looked);
    await nextTurn();
    began = performance.now();
  }
  return { documents: taken, passages, unchanged, skipped, skippedCount };
}
