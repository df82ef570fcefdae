/** Kills a server with 200 calls around it, `--rounds N` (100) times over `--kind stdio|http`, and prints what went wrong. */
import { parseArgs } from 'node:util';
import { killRounds } from '../e2e/lib/kill-rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    kind: { type: 'string', default: 'stdio' },
    seed: { type: 'string', default: '1' },
  },
});
const kind = values.kind === 'http' ? 'http' : 'stdio';
const report = await killRounds({ kind, rounds: Number(values.rounds), seed: Number(values.seed), pauseMs: 6_500 });
console.log(JSON.stringify(report));
process.exitCode =
  report.faults.length === 0 && report.slowestFailureMs < 1_000 && report.slowestRestartMs < 5_000 ? 0 : 1;
