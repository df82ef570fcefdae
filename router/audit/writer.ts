/**
 * Owns the writing end of the chain: batches become linked, sealed rows in one transaction each, and checkpoints follow.
 * Synchronous; belongs to the writer's thread. Several processes may each have one: the write lock keeps the chain one.
 */
import fs from 'node:fs';
import { GENESIS, type Head, linkHash, recordStart, recordTime, sealHash } from './chain.ts';
import { type Checkpoint, CheckpointFiles } from './checkpoints.ts';
import { type AuditKeys, AuditSetupError, keyedDigest, openKeys } from './keys.ts';
import { type Batch, RECORD_END, UNIT_END, type WriterOptions } from './protocol.ts';
import { type AuditTable, auditFile, openAuditTable, ROWS_PER_INSERT } from './table.ts';

/** How long a write waits for another process's write, so that waiting callers hear within a second. */
const BUSY_TIMEOUT_MS = 500;
/** By the records' own clock: no record is added once the oldest one without a checkpoint is older than this. */
const MAX_UNCOVERED_MS = 1_000;

/** Opens the file, the keys and the checkpoints. Throws AuditSetupError or StoreError with a text fit for the user. */
export async function openWriter(options: WriterOptions, notice: (text: string) => void): Promise<Writer> {
  const { dataDir, checkpointDir, durability } = options;
  const table = await openAuditTable({
    dataDir,
    durability: durability === 'strict' ? 'full' : 'normal',
    busyTimeoutMs: BUSY_TIMEOUT_MS,
  });
  try {
    const writer = table.store.transaction(() => {
      const keys = openKeys(dataDir, checkpointDir, table.head.get(1) !== undefined);
      return new Writer(table, keys, options);
    });
    writer.begin(notice);
    return writer;
  } catch (error) {
    await table.store.close();
    throw error;
  }
}

export class Writer {
  readonly table: AuditTable;
  readonly keys: AuditKeys;
  readonly #checkpoints: CheckpointFiles;
  readonly #strict: boolean;
  readonly #file: string;
  readonly #inode: number;
  readonly #wal: number;
  #head: Head = GENESIS;
  #dataVersion = -1;
  /** The time of the oldest record that no checkpoint covers yet. */
  #uncoveredSince: number | undefined;

  constructor(table: AuditTable, keys: AuditKeys, { dataDir, checkpointDir, durability }: WriterOptions) {
    this.table = table;
    this.keys = keys;
    this.#strict = durability === 'strict';
    this.#checkpoints = new CheckpointFiles({ folder: checkpointDir, dataDir, keys, sync: this.#strict });
    this.#file = auditFile(dataDir);
    this.#inode = fs.statSync(this.#file).ino;
    this.#wal = fs.openSync(`${this.#file}-wal`, 'r');
  }

  get isCovered(): boolean {
    return this.#uncoveredSince === undefined;
  }

  /** Signs where the chain stands at the start, and says so when the last checkpoint tells another story. */
  begin(notice: (text: string) => void): void {
    this.table.store.transaction(() => {
      this.#readHead();
      const last = this.#checkpoints.last();
      if (last !== undefined && !this.agrees(last)) {
        notice(
          `The audit's records do not agree with their last checkpoint, which vouches for record ${last.seq}. ` +
            'They were rolled back, cut or changed. Run "aivillage audit verify".',
        );
      }
      this.#appendCheckpoint(this.#head, {});
    });
  }

  /** Writes all batches in one transaction; returns the first seq. When it throws nothing was written. */
  append(batches: readonly Batch[]): number {
    return this.#transaction(() => {
      this.#readHead();
      this.#coverBefore(batches[0]!.time);
      const first = this.#head.seq + 1;
      let head = this.#head;
      for (const batch of batches) head = this.#insert(batch, head);
      this.#uncoveredSince ??= Math.max(this.#head.time, batches[0]!.time);
      return { head, result: first };
    });
  }

  /** Signs the head, when no newer checkpoint exists. */
  checkpoint(): void {
    if (this.#uncoveredSince === undefined) return;
    const head = this.#head;
    this.table.store.transaction(() => this.#cover(head));
    this.#uncoveredSince = undefined;
    // Only after signing what this writer knows to have been written: the new file must not pass for all there was.
    if (fs.statSync(this.#file, { throwIfNoEntry: false })?.ino !== this.#inode) {
      throw new AuditSetupError('audit.db was replaced while it was in use');
    }
  }

  /** Whether the records still are what this checkpoint vouched for. Records dropped by retention were compared then. */
  agrees(checkpoint: Checkpoint): boolean {
    const anchor = this.anchor();
    if (checkpoint.seq < anchor.seq || checkpoint.seq === 0) return true;
    if (checkpoint.seq === anchor.seq) return checkpoint.hash === anchor.hash;
    const row = this.table.from.get(checkpoint.seq, 1);
    return row?.seq === checkpoint.seq && row.hash === checkpoint.hash;
  }

  /** The place up to which records were dropped. */
  anchor(): Head {
    const last = this.#checkpoints.last();
    return last === undefined ? GENESIS : { seq: last.anchorSeq, hash: last.anchorHash, time: 0 };
  }

  /** Every checkpoint that is still there, one segment at a time: each costs a signature's check per line. */
  checkpoints(): Iterable<Checkpoint[]> {
    return this.#checkpoints.read();
  }

  /** Signs that records up to `anchor` are given up; they may be deleted after this. Never moves back. */
  moveAnchor(anchor: Head): void {
    this.table.store.transaction(() => {
      this.#readHead();
      if (anchor.seq <= this.anchor().seq) return;
      this.#appendCheckpoint(this.#head, { anchorSeq: anchor.seq, anchorHash: anchor.hash });
    });
  }

  /** Signs what is not signed yet and lets go of the file. */
  async close(): Promise<void> {
    try {
      this.checkpoint();
    } finally {
      await this.abandon();
    }
  }

  /** Lets go of the file after a failure. */
  async abandon(): Promise<void> {
    fs.closeSync(this.#wal);
    await this.table.store.close();
  }

  #transaction<T>(work: () => { head: Head; result: T }): T {
    let head: Head | undefined;
    const result = this.table.store.transaction(() => {
      const done = work();
      head = done.head;
      return done.result;
    });
    // Only now: had the commit failed, the chain would still end where it did.
    if (head !== undefined) this.#head = head;
    return result;
  }

  /** Within a transaction: where the chain ends, read anew when another connection wrote. */
  #readHead(): void {
    const dataVersion = this.table.dataVersion();
    if (dataVersion === this.#dataVersion) return;
    const row = this.table.head.get(1);
    const anchor = this.anchor();
    if (row === undefined) this.#head = anchor;
    else this.#head = { seq: row.seq, hash: row.hash, time: recordTime(row.record) ?? 0 };
    // Whoever wrote it may be gone before its checkpoint.
    if (this.#head.seq > anchor.seq) this.#uncoveredSince ??= this.#head.time;
    this.#dataVersion = dataVersion;
  }

  #insert(batch: Batch, start: Head): Head {
    const time = Math.max(start.time, batch.time);
    const { insertMany, insertOne } = this.table;
    let { seq, hash } = start;
    let values: unknown[] = [];
    let position = 0;
    for (let index = 0; index < batch.count; index += 1) {
      const unitEnd = batch.text.indexOf(UNIT_END, position);
      const end = batch.text.indexOf(RECORD_END, unitEnd);
      // Without its opening brace, which recordStart brings.
      const line = batch.text.slice(position + 1, unitEnd);
      const args = batch.text.slice(unitEnd + 1, end);
      position = end + 1;
      seq += 1;
      const record = recordStart(seq, time) + this.#digests(args, batch, index) + line;
      hash = linkHash(hash, record);
      values.push(seq, record, hash, sealHash(this.keys.seal, hash));
      if (values.length === 4 * ROWS_PER_INSERT) {
        insertMany.run(values);
        values = [];
      }
    }
    for (let at = 0; at < values.length; at += 4) insertOne.run(values.slice(at, at + 4));
    return { seq, hash, time };
  }

  #digests(args: string, batch: Batch, index: number): string {
    let text = args !== '' ? `"argsDigest":"${keyedDigest(this.keys, args)}",` : '';
    for (const value of batch.long ?? []) {
      if (value.index === index) text += `"${value.field}":"${keyedDigest(this.keys, value.octets)}",`;
    }
    return text;
  }

  /** Within a transaction, before its first insert. */
  #coverBefore(time: number): void {
    if (this.#uncoveredSince === undefined || time - this.#uncoveredSince <= MAX_UNCOVERED_MS) return;
    this.#cover(this.#head);
    this.#uncoveredSince = undefined;
  }

  /** A newer checkpoint of another process vouches for this head too: its own is one further on the same chain. */
  #cover(head: Head): void {
    const last = this.#checkpoints.last();
    if (last === undefined || last.seq < head.seq) this.#appendCheckpoint(head, {});
  }

  /** Waits for the disk first: what is signed must survive a loss of power, else it would look cut off. */
  #appendCheckpoint(head: Head, anchor: Partial<Pick<Checkpoint, 'anchorSeq' | 'anchorHash'>>): void {
    if (!this.#strict) fs.fdatasyncSync(this.#wal);
    const { seq, hash, time } = head;
    const now = this.anchor();
    const content = { seq, hash, time, anchorSeq: now.seq, anchorHash: now.hash, ...anchor };
    this.#checkpoints.append(content, (checkpoint) => this.agrees(checkpoint));
  }
}
