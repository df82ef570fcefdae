/** Tampers with copies of an audit, one change each, and prints what verification missed. `--rounds N` (10,000). */
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { makePlace } from '../fixtures/audit.ts';
import { TAMPER_NAMES, tamperBench } from '../fixtures/audit-tamper.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10000' } } });
const rounds = Number(values.rounds);
const { root } = makePlace();
const missed: string[] = [];
try {
  const bench = await tamperBench(root, 60);
  for (let round = 0; round < rounds; round += 1) {
    const sentence = await bench.round(TAMPER_NAMES[round % TAMPER_NAMES.length]!, 1_000_000 + round);
    if (sentence !== undefined) missed.push(sentence);
  }
} finally {
  fs.rmSync(root, { recursive: true });
}
console.log(JSON.stringify({ rounds, forms: TAMPER_NAMES.length, missed }));
process.exitCode = missed.length === 0 ? 0 : 1;
