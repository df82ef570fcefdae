/** Verifies the audit on a thread of its own, one at a time: who asks while one runs gets the result of that one. */
import { Worker } from 'node:worker_threads';
import type { Verification, verifyAudit } from './verify.ts';

type Folders = Parameters<typeof verifyAudit>[0];

export function createVerifier(folders: Folders): () => Promise<Verification> {
  let running: Promise<Verification> | undefined;
  return () => {
    running ??= verifyAside(folders).finally(() => {
      running = undefined;
    });
    return running;
  };
}

function verifyAside(folders: Folders): Promise<Verification> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./verify-worker.${extension}`, import.meta.url), { workerData: folders });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the verification ended without a result')));
  });
}
