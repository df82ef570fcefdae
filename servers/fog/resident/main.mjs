/**
 * What a shard runs when its agent type names no program of its own: it stays, answers pings on stdin with `pong N`, tells now and
 * then that it is there, and ends on SIGTERM or at the end of its input. Plain JavaScript: it runs alone in a sandbox.
 */
import { createInterface } from 'node:readline';

const name = process.argv[2] ?? 'agent';
const startedAt = Date.now();
let answered = 0;

process.stdout.write(`${name} is here\n`);
process.on('SIGTERM', () => {
  process.stdout.write(`${name} ends after ${Math.round((Date.now() - startedAt) / 1_000)} s and ${answered} pings\n`);
  process.exit(0);
});
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const number = /^ping (\d{1,15})$/.exec(line)?.[1];
    if (number === undefined) return;
    answered++;
    process.stdout.write(`pong ${number}\n`);
  })
  .on('close', () => process.exit(0));
