/**
 * Owns the proof that the records are all there and unchanged: walks the chain against the checkpoints, in constant memory
 * and beside a running router. Only reads.
 */
import type { KeyObject } from 'node:crypto';
import fs from 'node:fs';
import { setTimeout as delay, setImmediate as pause } from 'node:timers/promises';
import { ChainWalk, GENESIS, type Head } from './chain.ts';
import {
  type Checkpoint,
  type CheckpointLine,
  hasSegments,
  localCopyFile,
  readCheckpointLines,
  readLocalCopy,
} from './checkpoints.ts';
import { readKeys } from './keys.ts';
import { type AuditTable, auditFile, openAuditTable } from './table.ts';

export type Verification =
  | { readonly ok: true; readonly records: number }
  /** `seq` is the first record that is bad, missing or no longer vouched for. */
  | { readonly ok: false; readonly seq: number; readonly why: string };

interface Fault {
  readonly seq: number;
  readonly why: string;
}

/** Rows read at a time; between two reads other work of this thread goes on. */
const STEP = 1_000;
/** The writer signs within 250 ms of a record and adds none after a second; more unsigned records mean lost checkpoints. */
const MAX_UNCOVERED_MS = 5_000;

/** Told after each piece: how many records were looked at, of how many. */
export type OnVerified = (done: number, total: number) => void;

/** Verifies the whole audit. Throws only when it cannot be read at all (rights, a newer version). */
export async function verifyAudit(
  { dataDir, checkpointDir }: { readonly dataDir: string; readonly checkpointDir: string },
  onVerified: OnVerified = () => {},
): Promise<Verification> {
  const hasTable = fs.existsSync(auditFile(dataDir));
  if (!hasTable && !hasSegments(checkpointDir) && !fs.existsSync(localCopyFile(dataDir)))
    return { ok: true, records: 0 };
  const keys = readKeys(dataDir, checkpointDir);
  if (typeof keys === 'string') return { ok: false, seq: 1, why: keys };
  // In this order, each vouches for what is read after it: the copy, the checkpoints, the records.
  const local = await readSettledCopy(dataDir, keys.verifying);
  const { good, fault } = judgeCheckpoints(readCheckpointLines(checkpointDir, keys.verifying), local);
  if (!hasTable) return { ok: false, seq: anchorOf(good.at(-1)).seq + 1, why: 'audit.db is missing' };
  let table: AuditTable | undefined;
  let walk: ChainWalk | undefined;
  try {
    table = await openAuditTable({ dataDir, readonly: true });
    table.store.connection.exec('BEGIN');
    const foreign = findForeign(table);
    // Retention signs the anchor before it deletes, so an anchor read within the snapshot explains every row it lacks.
    const newest = readCheckpointLines(checkpointDir, keys.verifying).findLast((line) => line.checkpoint)?.checkpoint;
    const anchor = anchorOf(newest);
    if (foreign !== undefined) return { ok: false, seq: anchor.seq + 1, why: foreign };
    walk = new ChainWalk(anchor, keys.seal);
    const bad = await findBad(table, walk, good, fault, onVerified);
    return bad === undefined ? { ok: true, records: walk.head.seq - anchor.seq } : { ok: false, ...bad };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const seq = (walk?.head ?? anchorOf(good.at(-1))).seq + 1;
    return { ok: false, seq, why: `audit.db is damaged: ${error.message}` };
  } finally {
    await table?.store.close();
  }
}

/** A running router writes the copy in place; what looks damaged is looked at again. */
async function readSettledCopy(dataDir: string, key: KeyObject): Promise<CheckpointLine | undefined> {
  let local = readLocalCopy(dataDir, key);
  for (let attempt = 1; attempt <= 3 && local !== undefined && local.checkpoint === undefined; attempt += 1) {
    await delay(5);
    local = readLocalCopy(dataDir, key);
  }
  return local;
}

function anchorOf(checkpoint: Checkpoint | undefined): Head {
  return checkpoint === undefined ? GENESIS : { seq: checkpoint.anchorSeq, hash: checkpoint.anchorHash, time: 0 };
}

/** Sorts out the genuine checkpoints and names the first record that a missing, edited or backward one no longer covers. */
function judgeCheckpoints(
  lines: readonly CheckpointLine[],
  local: CheckpointLine | undefined,
): { readonly good: readonly Checkpoint[]; readonly fault: Fault | undefined } {
  const good = lines.flatMap((line) => line.checkpoint ?? []);
  return { good, fault: lineFault(lines, good) ?? localFault(lines.at(-1), good.at(-1), local) };
}

function lineFault(lines: readonly CheckpointLine[], good: readonly Checkpoint[]): Fault | undefined {
  const last = good.at(-1);
  if (last === undefined) return { seq: 1, why: 'there is no genuine checkpoint in the second place' };
  let before: Checkpoint | undefined;
  for (const { checkpoint } of lines) {
    const seq = (before?.seq ?? last.anchorSeq) + 1;
    if (checkpoint === undefined) return { seq, why: 'a checkpoint was changed or signed with a foreign key' };
    const { n } = checkpoint;
    const expected = before === undefined ? Math.min(n, last.from) : before.n + 1;
    if (n !== expected) return { seq, why: `checkpoint ${expected} is missing; the next one found is ${n}` };
    if (n === 1 && checkpoint.seq !== 0) {
      return { seq: 1, why: `the first checkpoint begins at record ${checkpoint.seq}: earlier ones were removed` };
    }
    if (before !== undefined && checkpoint.seq < before.seq) {
      const why = `the records were rolled back from ${before.seq} to ${checkpoint.seq}`;
      return { seq: checkpoint.seq + 1, why };
    }
    before = checkpoint;
  }
  return undefined;
}

/** The copy in the data folder is written after the line, so it may be one behind it, never ahead. */
function localFault(
  lastLine: CheckpointLine | undefined,
  last: Checkpoint | undefined,
  local: CheckpointLine | undefined,
): Fault | undefined {
  const seq = (last?.seq ?? 0) + 1;
  // The very first checkpoint may have been cut off before its copy.
  if (local === undefined && last?.n === 1) return undefined;
  if (local === undefined) return { seq, why: 'the copy of the last checkpoint in the data folder is missing' };
  if (local.checkpoint === undefined)
    return { seq, why: 'the copy of the last checkpoint in the data folder was changed' };
  if (last === undefined || local.checkpoint.n > last.n) {
    return { seq, why: `checkpoint ${local.checkpoint.n} is missing in the second place` };
  }
  if (local.checkpoint.n === last.n && local.text !== lastLine?.text) {
    return { seq, why: `checkpoint ${last.n} is not the one that the data folder remembers` };
  }
  return undefined;
}

/** Anything in the file beside the one table could change what is written, as a trigger does. */
function findForeign(table: AuditTable): string | undefined {
  const names = table.store.connection
    .prepare<unknown[], { name: string; type: string }>("SELECT name, type FROM sqlite_schema WHERE name <> 'audit'")
    .all();
  const found = names[0];
  return found && `audit.db holds a foreign ${found.type}, ${JSON.stringify(found.name)}`;
}

/** The first record that is bad in itself, contradicts a checkpoint, is missing, or is no longer covered because of `fault`. */
async function findBad(
  table: AuditTable,
  walk: ChainWalk,
  checkpoints: readonly Checkpoint[],
  fault: Fault | undefined,
  onVerified: OnVerified,
): Promise<Fault | undefined> {
  const start = walk.head.seq;
  const faultSeq = Math.max(fault?.seq ?? 0, start + 1);
  const wanted = checkpoints.filter((checkpoint) => checkpoint.seq > start).sort((a, b) => a.seq - b.seq);
  const lastCovered = wanted.at(-1)?.seq ?? start;
  let next = 0;
  let agreed = start;
  let uncoveredSince: number | undefined;
  for (;;) {
    const rows = table.found.all(walk.head.seq, STEP);
    if (rows.length === 0) break;
    for (const row of rows) {
      const seq = walk.head.seq + 1;
      const why = walk.step(row);
      if (why !== undefined) return { seq, why };
      for (; wanted[next]?.seq === seq; next += 1) {
        if (wanted[next]?.hash !== walk.head.hash) {
          const [first, last] = [agreed + 1, seq];
          return { seq: first, why: `records ${first} to ${last} are not those that a checkpoint vouches for` };
        }
      }
      if (wanted[next - 1]?.seq === seq) agreed = seq;
      if (fault !== undefined && seq === faultSeq) return { seq, why: fault.why };
      if (seq > lastCovered) uncoveredSince ??= walk.head.time;
    }
    onVerified(walk.head.seq - start, Math.max(walk.head.seq, lastCovered) - start);
    await pause();
  }
  if (wanted[next] !== undefined) {
    const why = `the record is missing; a checkpoint vouches for all up to ${lastCovered}`;
    return { seq: walk.head.seq + 1, why };
  }
  if (fault !== undefined) return { seq: faultSeq, why: fault.why };
  if (uncoveredSince !== undefined && walk.head.time - uncoveredSince > MAX_UNCOVERED_MS) {
    return { seq: lastCovered + 1, why: 'no checkpoint vouches for this record and those after it' };
  }
  return undefined;
}

function isDamage(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return ['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_ERROR'].some((code) => String(error.code).startsWith(code));
}
