/** The thread of one verification: it hashes every record, and nobody else's work waits for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { verifyAudit } from './verify.ts';

parentPort!.postMessage(await verifyAudit(workerData as Parameters<typeof verifyAudit>[0]));
