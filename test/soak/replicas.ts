/**
 * `npm run soak -- replicas [--seconds 60] [--seed 1]`: a server with three copies under 200 calls a second, one killed every
 * 5 s; the same with one that hangs; twenty servers that crash, hang or babble among five. Prints the figures and their gates.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { hangCopy, killCopies } from '../e2e/lib/copies.ts';
import { healthyAmongBroken } from '../e2e/lib/healthy-among-broken.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
const seconds = Number(values.seconds);
const common = { strategy: 'least-connections', perSecond: 200, seed: Number(values.seed) };
let missed = 0;

function gate(what: string, value: number, holds: boolean, goal: string): void {
  if (!holds) missed++;
  console.log(`${holds ? 'ok    ' : 'MISSED'} ${what}: ${Number(value.toFixed(3))} (${goal})`);
}

const killed = await killCopies({ ...common, seconds, everyMs: 5_000 });
console.log(JSON.stringify(killed));
gate(
  'read-only calls that succeed, %',
  killed.readOnlySuccessPercent,
  killed.readOnlySuccessPercent >= 99.9,
  '>= 99.9',
);
gate('side effects that ran twice, or otherwise than told', killed.faults.length, killed.faults.length === 0, '0');
gate('p99 of calls that moved, ms', killed.movedP99Ms, killed.movedP99Ms <= 2_000, '<= 2,000');

const hung = await hangCopy({ ...common, seconds, strategy: 'round-robin', rounds: 5 });
console.log(JSON.stringify(hung));
gate('p99 of the others while one hangs, by before', hung.ratio, hung.ratio <= 1.5, '<= 1.5');
gate('calls that failed', hung.failures, hung.failures === 0, '0');
gate('the copy is back', Number(hung.isBack), hung.isBack, '1');

console.log(`load of the machine: ${os.loadavg()[0]!.toFixed(1)} on ${os.availableParallelism()} cores`);

const broken = await healthyAmongBroken();
console.log(JSON.stringify(broken));
gate('ready, ms', broken.readyMs, broken.readyMs <= 5_000, '<= 5,000');
gate('calls of healthy servers that failed', broken.failures, broken.failures === 0, '0');
gate('p50 of healthy servers beside broken ones, by alone', broken.p50Ratio, broken.p50Ratio <= 1.5, '<= 1.5');
// Twenty processes that start and talk take CPU from the healthy servers themselves: of two cores that shows here.
console.log(`       p99 of the same: ${broken.p99Ratio.toFixed(3)} (no gate)`);
gate('CPU of the router, %', broken.cpuPercent, broken.cpuPercent <= 5, '<= 5');

process.exitCode = missed === 0 ? 0 : 1;
