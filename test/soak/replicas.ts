/**
 * D3: a server with three copies under 200 calls a second for `--seconds S` (60), one killed every 5 s; the same with one that hangs;
 * E05: twenty servers that crash, hang or babble among five. `--seed N` (1).
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { hangCopy, killCopies } from '../e2e/lib/copies.ts';
import { healthyAmongBroken } from '../e2e/lib/healthy-among-broken.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
const seconds = Number(values.seconds);
const common = { perSecond: 200, seconds, seed: Number(values.seed) };

const killed = await killCopies({ ...common, strategy: 'least-connections', everyMs: 5_000 });
const hung = await hangCopy({ ...common, strategy: 'round-robin', rounds: 5 });
const broken = await healthyAmongBroken();
console.log(JSON.stringify({ killed, hung, broken, loadAverage: os.loadavg()[0] }));
process.exitCode = killed.faults.length === 0 && hung.failures === 0 && broken.failures === 0 ? 0 : 1;
