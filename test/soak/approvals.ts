/** Kills routers and governance servers between the call of an approved action and the record of it. `--rounds N` (1,000). */
import { parseArgs } from 'node:util';
import { startGoverned } from '../e2e/lib/governed.ts';
import { killRound, VICTIMS } from '../e2e/lib/kill-round.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '1000' } } });
const rounds = Number(values.rounds);
const failures: string[] = [];
let governed = await startGoverned();
try {
  for (let round = 0; round < rounds; round++) {
    try {
      await killRound(governed, round, VICTIMS[round % VICTIMS.length]!);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
      await governed.remove();
      governed = await startGoverned();
    }
    if ((round + 1) % 50 === 0) process.stderr.write(`${round + 1} rounds, ${failures.length} failures\n`);
  }
} finally {
  await governed.remove();
}
process.stdout.write(`${JSON.stringify({ rounds, failures })}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
