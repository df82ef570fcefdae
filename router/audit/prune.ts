/**
 * Owns retention: drops records from the old end, in small steps between the commits of others. What it drops was checked
 * first; it stops before a bad record, which stays as evidence.
 */
import { setImmediate as pause } from 'node:timers/promises';
import { ChainWalk, recordTime } from './chain.ts';
import { encodeEntry } from './entry.ts';
import { unitOf } from './protocol.ts';
import type { Writer } from './writer.ts';

const DAY_MS = 86_400_000;
/** Rows for which the thread is held at a time: some milliseconds. */
const STEP = 500;

export interface PruneResult {
  readonly dropped: number;
  /** The record before which it had to stop, and why. */
  readonly bad: { readonly seq: number; readonly why: string } | undefined;
}

/**
 * Drops what is older than `retentionDays` at `now`. First records that it will, then signs the new anchor, then
 * deletes; cut off in between, the next run goes on.
 */
export async function prune(
  writer: Writer,
  retentionDays: number,
  now: number,
  signal?: AbortSignal,
): Promise<PruneResult> {
  const anchor = writer.anchor();
  // What an earlier run had signed away but not deleted when it was cut off.
  await deleteUpTo(writer, anchor.seq, signal);
  const end = lastBefore(writer, anchor.seq, now - retentionDays * DAY_MS);
  const wanted = new Map<number, string>();
  for (const checkpoints of end > anchor.seq ? writer.checkpoints() : []) {
    for (const { seq, hash } of checkpoints) if (seq <= end) wanted.set(seq, hash);
    await pause();
  }
  const walk = new ChainWalk(anchor, writer.keys.seal);
  let why: string | undefined;
  while (walk.head.seq < end && why === undefined && !signal?.aborted) {
    for (const row of writer.table.found.all(walk.head.seq, Math.min(STEP, end - walk.head.seq))) {
      const before = walk.head;
      why = walk.step(row);
      const hash = wanted.get(walk.head.seq);
      if (why === undefined && hash !== undefined && hash !== walk.head.hash) {
        why = 'it does not agree with a checkpoint';
        walk.head = before;
      }
      if (why !== undefined) break;
    }
    await pause();
  }
  // Another process may have dropped the same records meanwhile.
  if (signal?.aborted || writer.anchor().seq !== anchor.seq) return { dropped: 0, bad: undefined };
  const bad = why === undefined ? undefined : { seq: walk.head.seq + 1, why };
  const dropped = walk.head.seq - anchor.seq;
  if (dropped === 0) return { dropped, bad };
  const details = { through: walk.head.seq, records: dropped, retentionDays };
  const text = unitOf(encodeEntry({ kind: 'audit_pruned', outcome: 'ok', details }, 0, []));
  writer.append([{ type: 'batch', time: now, count: 1, text, long: undefined }]);
  writer.moveAnchor(walk.head);
  await deleteUpTo(writer, walk.head.seq, signal);
  return { dropped, bad };
}

async function deleteUpTo(writer: Writer, end: number, signal: AbortSignal | undefined): Promise<void> {
  const { from, deleteUpTo, store } = writer.table;
  for (;;) {
    const first = from.get(0, 1)?.seq;
    if (first === undefined || first > end || signal?.aborted) return;
    store.transaction(() => deleteUpTo.run(Math.min(end, first + STEP - 1)));
    await pause();
  }
}

/** The last record after `anchor` with a time below `cutoff`, or `anchor`; times never fall along the chain. */
function lastBefore(writer: Writer, anchor: number, cutoff: number): number {
  const { head, from } = writer.table;
  let good = anchor;
  let beyond = (head.get(1)?.seq ?? anchor) + 1;
  while (beyond - good > 1) {
    const middle = Math.floor((good + beyond) / 2);
    const row = from.get(middle, 1);
    if (row !== undefined && (recordTime(row.record) ?? 0) < cutoff) good = middle;
    else beyond = middle;
  }
  return good;
}
