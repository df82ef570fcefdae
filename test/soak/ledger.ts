/** Random operations on the ledger by processes that are killed. `--operations N` (1,000,000), `--seed N`. */
import { parseArgs } from 'node:util';
import { ledgerKills } from './ledger-kills.ts';

const { values } = parseArgs({
  options: { operations: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
const operations = Number(values.operations);
const report = await ledgerKills({
  operations,
  longestLife: 20_000,
  leastKills: Math.floor(operations / 20_000),
  seed: Number(values.seed),
});
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exitCode = report.faults.length === 0 ? 0 : 1;
