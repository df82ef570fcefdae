/**
 * Takes drafts into the store, a few whole documents in one transaction, so that an end at any moment leaves whole documents
 * only and the same call again goes on where it ended. Reads no files itself.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Caller } from '../../../shared/identity/caller.ts';
import { fullText, mayChange } from '../namespaces.ts';
import type { Documents, NewDocument, Put } from '../store/documents.ts';
import type { Draft, Read, Skipped } from './draft.ts';

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

/** Documents in one transaction: a commit costs more than a small document. */
const MOST_TOGETHER = 50;
const MOST_PIECES_TOGETHER = 500;

/** Ends early, without an error, when the signal aborts: what is committed stays. */
export async function ingest(
  reads: AsyncIterable<Read> | Iterable<Read>,
  options: IngestOptions,
): Promise<IngestResult> {
  const { signal, onProgress } = options;
  const tally: Tally = { documents: 0, passages: 0, unchanged: 0, skipped: [], skippedCount: 0 };
  let waiting: Read[] = [];
  let pieces = 0;
  let looked = 0;
  let began = performance.now();
  for await (const read of reads) {
    if (signal.aborted) break;
    looked++;
    waiting.push(read);
    if ('draft' in read) pieces += read.draft.pieces.length;
    if (waiting.length >= MOST_TOGETHER || pieces >= MOST_PIECES_TOGETHER) {
      commit(waiting, tally, options);
      waiting = [];
      pieces = 0;
    }
    if (performance.now() - began < SLICE_MS) continue;
    onProgress(looked);
    await nextTurn();
    began = performance.now();
  }
  if (!signal.aborted) commit(waiting, tally, options);
  return tally;
}

interface Tally extends IngestResult {
  documents: number;
  passages: number;
  unchanged: number;
  readonly skipped: Skipped[];
  skippedCount: number;
}

function commit(reads: readonly Read[], tally: Tally, { documents, caller, namespace, nowMs }: IngestOptions): void {
  const author = caller.agentId;
  const toDocument = (draft: Draft): NewDocument => {
    return { ...draft, namespace, kind: 'document', source: draft.source || author, author, ttlDays: null };
  };
  const drafts = reads.flatMap((read) => ('draft' in read ? [toDocument(read.draft)] : []));
  const puts = documents.putAll(drafts, nowMs(), (old) => mayChange(caller, old)).values();
  for (const read of reads) {
    if ('skipped' in read) leave(tally, read.skipped);
    else count(tally, read.draft.id, puts.next().value!);
  }
}

function count(tally: Tally, id: string, put: Put): void {
  switch (put.outcome) {
    case 'unchanged':
      tally.unchanged++;
      break;
    case 'duplicate':
      leave(tally, { id, reason: `It says the very same as ${put.of}.` });
      break;
    case 'refused':
      leave(tally, { id, reason: 'Another agent ingested a document with this id; choose another id.' });
      break;
    case 'full':
      leave(tally, { id, reason: fullText(put) });
      break;
    default:
      tally.documents++;
      tally.passages += put.passages;
  }
}

function leave(tally: Tally, skipped: Skipped): void {
  tally.skippedCount++;
  if (tally.skipped.length < MOST_TOLD) tally.skipped.push(skipped);
}
