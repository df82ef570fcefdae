/**
 * The writer's thread: takes every batch that waits, commits them together, answers, and signs a checkpoint a little
 * later. It never retries: a failure is answered at once, and the next batch opens the file anew.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { AuditSetupError } from './keys.ts';
import type { Batch, FromWriter, ToWriter, WriterOptions } from './protocol.ts';
import { prune } from './prune.ts';
import { openWriter, type Writer } from './writer.ts';

const CHECKPOINT_MS = 250;

const port = parentPort!;
const options = workerData as WriterOptions;
const say = (message: FromWriter) => port.postMessage(message);
const notice = (text: string) => say({ type: 'notice', text });

let writer: Writer | undefined;
let timer: NodeJS.Timeout | undefined;
let pruning: Promise<void> | undefined;
const queue: ToWriter[] = [];
let isDraining = false;
const ending = new AbortController();

port.on('message', (message: ToWriter) => {
  queue.push(message);
  if (!isDraining) void drain();
});

async function drain(): Promise<void> {
  isDraining = true;
  for (;;) {
    takeWaiting();
    const message = queue.shift();
    if (message === undefined) break;
    if (message.type === 'batch') await commit(message);
    else if (message.type === 'prune') startPruning(message.now);
    else await close();
  }
  isDraining = false;
}

/** Whatever has arrived while this thread was busy. */
function takeWaiting(): void {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    queue.push(next.message as ToWriter);
  }
}

function takeBatches(): Batch[] {
  const end = queue.findIndex((message) => message.type !== 'batch');
  return queue.splice(0, end === -1 ? queue.length : end) as Batch[];
}

async function commit(first: Batch): Promise<void> {
  const batches = [first, ...takeBatches()];
  try {
    writer ??= await openWriter(options, notice);
    const firstSeq = writer.append(batches);
    say({ type: 'committed', batches: batches.length, firstSeq });
    timer ??= setTimeout(checkpoint, CHECKPOINT_MS);
  } catch (error) {
    // Those who came meanwhile would only wait as long again.
    takeWaiting();
    const more = takeBatches();
    await giveUp();
    say({ type: 'failed', batches: batches.length + more.length, why: describe(error) });
  }
}

/** A checkpoint that cannot be written stops the audit as a record would: what nobody vouches for may be cut off unseen. */
function checkpoint(): void {
  timer = undefined;
  try {
    writer?.checkpoint();
  } catch (error) {
    void giveUp();
    say({ type: 'failed', batches: 0, why: `checkpoint: ${describe(error)}` });
  }
}

function startPruning(now: number): void {
  const days = options.retentionDays;
  if (writer === undefined || days === undefined || pruning !== undefined) return;
  pruning = prune(writer, days, now, ending.signal)
    .then(({ bad }) => {
      if (bad) notice(`Retention stopped before record ${bad.seq}: ${bad.why}. Run "aivillage audit verify".`);
      timer ??= setTimeout(checkpoint, CHECKPOINT_MS);
    })
    .catch((error: unknown) => notice(`Retention could not run and will be tried again: ${describe(error)}`))
    .finally(() => {
      pruning = undefined;
    });
}

async function giveUp(): Promise<void> {
  const failed = writer;
  writer = undefined;
  clearTimeout(timer);
  timer = undefined;
  // It failed already; that it cannot be closed either adds nothing.
  await failed?.abandon().catch(() => undefined);
}

async function close(): Promise<void> {
  ending.abort();
  await pruning;
  clearTimeout(timer);
  try {
    await writer?.close();
  } catch (error) {
    notice(`The last checkpoint could not be written: ${describe(error)}`);
  }
  say({ type: 'closed' });
  port.close();
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? `${String(error.code)}: ` : '';
  return code + error.message;
}

isDraining = true;
try {
  writer = await openWriter(options, notice);
  say({ type: 'ready' });
} catch (error) {
  const isOurs = error instanceof AuditSetupError || (error instanceof Error && error.name === 'StoreError');
  say({
    type: 'refused',
    why: isOurs ? error.message : `The audit in ${options.dataDir} cannot be opened: ${describe(error)}`,
  });
}
await drain();
