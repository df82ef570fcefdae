/**
 * The main thread's end of the audit: collects what is appended in one tick, hands it to the writer's thread and settles
 * each append when its record is committed. Touches no file and no database, and computes no digest.
 */
import { Worker } from 'node:worker_threads';
import { AppError } from '../../shared/errors.ts';
import { fileBeside } from '../../shared/file-beside.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { type AuditEntry, encodeEntry } from './entry.ts';
import { AuditSetupError } from './keys.ts';
import { type Batch, type FromWriter, type LongValue, type ToWriter, unitOf, type WriterOptions } from './protocol.ts';

export interface AuditLogOptions extends WriterOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Faults, recoveries and disagreements, for the log; sentences without secrets. */
  readonly onNotice?: (text: string) => void;
  readonly startWorker?: (options: WriterOptions) => Worker;
}

export interface AuditLog {
  /**
   * Resolves with the record's seq once it is committed. Rejects with AppError AUDIT_UNAVAILABLE, within a second, when it
   * may not have been: the caller must then not do what it wanted recorded. `args` enter the record as a keyed digest.
   */
  append(entry: AuditEntry, args?: Octets): Promise<number>;
  /** False while records cannot be written, and nothing that needs one may run. */
  readonly available: boolean;
  /** What was appended and is not committed. */
  readonly waiting: { readonly records: number; readonly oldestMs: number };
  /** Commits what waits and signs the last checkpoint. Appends that come later are refused. */
  close(): Promise<void>;
}

/** An append that waits longer is rejected, at the second tick that finds it so. */
const MAX_WAIT_MS = 800;
/** One coarse timer serves all: waiting appends, restarts and attempts to resume. */
const TICK_MS = 100;
const PROBE_EVERY_MS = 500;
const PRUNE_EVERY_MS = 3_600_000;
const CLOSE_TIMEOUT_MS = 5_000;
/** What a batch leaves behind is garbage at once: by itself V8 would let 100 MB of it come together before it looks. */
const YOUNG_GENERATION_MB = 6;
/** Bounds on what waits for the writer: records, and characters of entries and arguments. */
const MAX_WAITING = 20_000;
const MAX_WAITING_CHARACTERS = 128 * 1024 * 1024;

/** Opens the audit. Rejects with AuditSetupError, fit for the user, when the file, the keys or the second place refuse. */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const { retentionDays } = options;
  if (retentionDays !== undefined && !(Number.isFinite(retentionDays) && retentionDays > 0)) {
    throw new AuditSetupError(`The audit's retention must be a number of days above 0, not ${retentionDays}.`);
  }
  const log = new ThreadedAuditLog(options);
  await log.start();
  return log;
}

interface Waiter {
  readonly resolve: (seq: number) => void;
  readonly reject: (error: unknown) => void;
}

/** The appends of one tick. */
class PendingBatch {
  readonly waiters: Waiter[] = [];
  text = '';
  readonly long: LongValue[] = [];
  characters = 0;
  postedAt = 0;
  isRejected = false;
}

class ThreadedAuditLog implements AuditLog {
  readonly #options: AuditLogOptions;
  #worker: Worker | undefined;
  #collecting: PendingBatch | undefined;
  /** Posted and not answered, oldest first. */
  readonly #posted: PendingBatch[] = [];
  #waiting = 0;
  #characters = 0;
  /** Why nothing can be written at present, and since when (monotonic milliseconds). */
  #down: { readonly why: string; readonly since: number; refused: number } | undefined;
  #lastProbe = 0;
  /** What the last tick found to wait too long. */
  #overdue: PendingBatch | undefined;
  #lastPrune = 0;
  #isClosing = false;
  #onClosed: (() => void) | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  get available(): boolean {
    return this.#down === undefined && !this.#isClosing;
  }

  get waiting(): { readonly records: number; readonly oldestMs: number } {
    const oldest = this.#posted[0];
    const oldestMs = oldest === undefined ? 0 : performance.now() - oldest.postedAt;
    return { records: this.#waiting, oldestMs };
  }

  async start(): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => this.#startWorker(resolve, reject));
    } catch (error) {
      clearInterval(this.#timer);
      await this.#worker?.terminate();
      throw error;
    }
    this.#prune();
  }

  append(entry: AuditEntry, args?: Octets): Promise<number> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    const batch = this.#collect();
    const { waiters } = batch;
    const line = encodeEntry(entry, waiters.length, batch.long);
    const text = unitOf(line, args);
    batch.text += text;
    const characters = text.length;
    batch.characters += characters;
    this.#characters += characters;
    this.#waiting += 1;
    return new Promise((resolve, reject) => waiters.push({ resolve, reject }));
  }

  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#flushNow();
    this.#isClosing = true;
    const worker = this.#worker;
    if (worker !== undefined) {
      const closed = new Promise<void>((resolve) => {
        this.#onClosed = resolve;
      });
      const timeout = setTimeout(() => this.#onClosed?.(), CLOSE_TIMEOUT_MS);
      this.#post({ type: 'close' });
      await closed;
      clearTimeout(timeout);
    }
    clearInterval(this.#timer);
    this.#rejectAll(unavailable('the audit was closed'));
    await worker?.terminate();
  }

  #refusal(): AppError | undefined {
    if (this.#isClosing) return unavailable('the audit is closed');
    if (this.#down !== undefined) {
      this.#down.refused += 1;
      return unavailable(this.#down.why);
    }
    if (this.#waiting >= MAX_WAITING || this.#characters >= MAX_WAITING_CHARACTERS) {
      return unavailable('too many records wait to be written');
    }
    return undefined;
  }

  #collect(): PendingBatch {
    if (this.#collecting === undefined) {
      this.#collecting = new PendingBatch();
      // After the poll phase: everything that arrived on all sockets in this turn shares one message.
      setImmediate(() => this.#flush());
    }
    return this.#collecting;
  }

  /** One batch is under way at a time: what is appended meanwhile is committed together, and costs one commit. */
  #flush(): void {
    if (this.#posted.length === 0) this.#flushNow();
  }

  #flushNow(): void {
    const batch = this.#collecting;
    if (batch === undefined) return;
    this.#collecting = undefined;
    batch.postedAt = performance.now();
    this.#posted.push(batch);
    const message: Batch = {
      type: 'batch',
      time: Math.floor(this.#options.now()),
      count: batch.waiters.length,
      text: batch.text,
      long: batch.long.length === 0 ? undefined : batch.long,
    };
    this.#post(message);
  }

  #post(message: ToWriter): void {
    this.#worker?.postMessage(message);
  }

  #startWorker(onReady: () => void, onRefused: (error: Error) => void): void {
    const { dataDir, checkpointDir, durability, retentionDays, startWorker = startWriterThread } = this.#options;
    const worker = startWorker({ dataDir, checkpointDir, durability, retentionDays });
    this.#worker = worker;
    worker.on('message', (message: FromWriter) => {
      if (message.type === 'ready') onReady();
      else if (message.type === 'refused') onRefused(new AuditSetupError(message.why));
      else this.#hear(message);
    });
    const onEnd = (why: string) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      onRefused(new AuditSetupError(`The audit's writer did not start: ${why}`));
      this.#onClosed?.();
      this.#goDown(why);
      this.#drop(this.#posted.length);
    };
    worker.on('error', (error) => onEnd(`the writer's thread ended: ${error.message}`));
    worker.on('exit', () => onEnd("the writer's thread ended"));
  }

  #hear(message: Exclude<FromWriter, { type: 'ready' | 'refused' }>): void {
    switch (message.type) {
      case 'committed': {
        let seq = message.firstSeq;
        for (const batch of this.#drop(message.batches)) {
          if (!batch.isRejected) for (const [index, waiter] of batch.waiters.entries()) waiter.resolve(seq + index);
          seq += batch.waiters.length;
        }
        this.#flush();
        break;
      }
      case 'failed':
        this.#goDown(message.why);
        this.#drop(message.batches);
        break;
      case 'notice':
        this.#options.onNotice?.(message.text);
        break;
      case 'closed':
        this.#onClosed?.();
        break;
    }
  }

  /** Takes the oldest batches out of those posted. */
  #drop(count: number): PendingBatch[] {
    const batches = this.#posted.splice(0, count);
    for (const batch of batches) this.#forget(batch);
    return batches;
  }

  #forget(batch: PendingBatch): void {
    this.#waiting -= batch.waiters.length;
    this.#characters -= batch.characters;
  }

  #goDown(why: string): void {
    const rejected = this.#rejectAll(unavailable(why));
    if (this.#isClosing) return;
    if (this.#down === undefined) {
      this.#down = { why, since: performance.now(), refused: 0 };
      this.#lastProbe = performance.now();
      this.#options.onNotice?.(`The audit cannot write, so no call runs: ${why}`);
    }
    this.#down.refused += rejected;
  }

  /** Rejects every append that waits; those posted stay in the queue, since their answers are still to come. */
  #rejectAll(error: AppError): number {
    let rejected = 0;
    const unposted = this.#collecting;
    this.#collecting = undefined;
    if (unposted !== undefined) this.#forget(unposted);
    for (const batch of [...this.#posted, ...(unposted === undefined ? [] : [unposted])]) {
      if (batch.isRejected) continue;
      batch.isRejected = true;
      for (const waiter of batch.waiters) waiter.reject(error);
      rejected += batch.waiters.length;
    }
    return rejected;
  }

  #tick(): void {
    const now = performance.now();
    const oldest = this.#posted[0];
    // While it is down already, the attempt to write again may take what a new thread takes to start.
    const overdue = oldest !== undefined && now - oldest.postedAt > MAX_WAIT_MS ? oldest : undefined;
    // After a stall of this thread the answer may lie in its queue, which is read between two ticks.
    if (this.#down === undefined && overdue !== undefined && overdue === this.#overdue) {
      this.#goDown(`no answer from the writer within ${MAX_WAIT_MS} ms`);
    }
    this.#overdue = overdue;
    if (this.#down !== undefined && now - this.#lastProbe >= PROBE_EVERY_MS) this.#probe(now);
    if (this.#down === undefined && now - this.#lastPrune >= PRUNE_EVERY_MS) this.#prune();
  }

  #prune(): void {
    this.#lastPrune = performance.now();
    if (this.#options.retentionDays !== undefined) this.#post({ type: 'prune', now: Math.floor(this.#options.now()) });
  }

  /** Tries to write again: a real record, which tells how long nothing was written. Its commit ends the fault. */
  #probe(now: number): void {
    const down = this.#down;
    if (down === undefined || this.#isClosing) return;
    this.#lastProbe = now;
    if (this.#worker === undefined) {
      this.#startWorker(
        () => undefined,
        () => undefined,
      );
    }
    if (this.#posted.length > 0) return;
    const downMs = Math.round(now - down.since);
    const details = { downMs, refused: down.refused, why: down.why };
    const batch = this.#collect();
    batch.text = unitOf(encodeEntry({ kind: 'audit_resumed', outcome: 'ok', details }, 0, batch.long));
    this.#waiting += 1;
    const resolve = () => {
      this.#down = undefined;
      this.#options.onNotice?.(`The audit writes again after ${downMs} ms`);
    };
    batch.waiters.push({ resolve, reject: () => undefined });
    this.#flush();
  }
}

function unavailable(why: string): AppError {
  return new AppError('AUDIT_UNAVAILABLE', { cause: new Error(why) });
}

function startWriterThread(options: WriterOptions): Worker {
  return new Worker(fileBeside(import.meta, 'writer-worker'), {
    workerData: options,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
}
