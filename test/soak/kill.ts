/** Kills a router at random instants and prints what was lost or done twice. `--rounds N` (1,000), `--seed N`. */
import { parseArgs } from 'node:util';
import { killRounds } from './kill-rounds.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});
const report = await killRounds({ rounds: Number(values.rounds), seed: Number(values.seed) });
console.log(JSON.stringify(report, null, 2));
process.exitCode = report.faults.length === 0 ? 0 : 1;
