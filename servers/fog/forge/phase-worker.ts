/**
 * Does the arithmetic of one built-in phase in a thread of its own, so that the server goes on answering. What it needs from
 * outside (a score) it asks the main thread for; it reads and writes only the files that it was given.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../../../shared/errors.ts';
import { quantiseTernary } from './bitnet.ts';
import { evoMerge } from './evo-merge.ts';
import { pack, quantiseRows } from './final-compression.ts';

export type WorkerTask =
  | {
      readonly phase: 'EvoMerge';
      readonly models: readonly string[];
      readonly target: string;
      readonly candidate: string;
      readonly generations: number;
      readonly population: number;
      readonly seed: number;
    }
  | { readonly phase: 'BitNet'; readonly model: string; readonly target: string }
  | { readonly phase: 'Final Compression'; readonly model: string; readonly target: string; readonly packed: string };

export type FromWorker =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly message: string }
  | { readonly kind: 'score'; readonly file: string }
  | { readonly kind: 'done'; readonly report: object }
  /** `isFinal`: another try would end the same way. */
  | { readonly kind: 'failed'; readonly text: string; readonly isFinal: boolean };

/** The answer to a question for a score. */
export type ToWorker = { readonly score: number } | { readonly error: string };

const port = parentPort;
if (port === null) throw new Error('this runs as a worker thread only');
const say = (message: FromWorker): void => port.postMessage(message);

function askScore(file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    port?.once('message', (answer: ToWorker) => {
      if ('score' in answer) resolve(answer.score);
      else reject(new AppError('CONFLICT', { text: answer.error }));
    });
    say({ kind: 'score', file });
  });
}

async function run(task: WorkerTask): Promise<object> {
  const onTensor = (done: number, total: number) => say({ kind: 'progress', done, total, message: `${done} tensors` });
  switch (task.phase) {
    case 'EvoMerge':
      return evoMerge({
        ...task,
        score: askScore,
        onGeneration: (done, best) =>
          say({ kind: 'progress', done, total: task.generations, message: `best score ${best}` }),
      });
    case 'BitNet':
      return quantiseTernary(task.model, task.target, onTensor);
    case 'Final Compression': {
      const report = quantiseRows(task.model, task.target, onTensor);
      return { ...report, packedBytes: await pack(task.target, task.packed) };
    }
  }
}

try {
  say({ kind: 'done', report: await run(workerData as WorkerTask) });
} catch (error) {
  const isKnown = error instanceof AppError;
  say({
    kind: 'failed',
    text: isKnown ? error.message : 'the phase ended with a fault of this program',
    isFinal: isKnown && error.kind === 'INVALID_PARAMS',
  });
}
port.close();
