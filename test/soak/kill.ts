/**
 * Kills routers at random instants and prints what was lost or done twice: `--rounds N` (1,000) in parts of 100, each on a data
 * folder of its own, `--lanes N` (2) of them at a time; `--seed N` (1).
 */
import { parseArgs } from 'node:util';
import { type KillReport, killRounds } from './kill-rounds.ts';

const ROUNDS_PER_FOLDER = 100;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    lanes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
  },
});
const rounds = Number(values.rounds);
const parts = Array.from({ length: Math.ceil(rounds / ROUNDS_PER_FOLDER) }, (_, part) => ({
  rounds: Math.min(ROUNDS_PER_FOLDER, rounds - part * ROUNDS_PER_FOLDER),
  seed: Number(values.seed) + part,
}));
const reports: KillReport[] = [];
const lane = async (): Promise<void> => {
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const report = await killRounds(part);
    reports.push(report);
    console.log(JSON.stringify({ seed: part.seed, ...report }));
  }
};
await Promise.all(Array.from({ length: Number(values.lanes) }, lane));
const sum = (of: (report: KillReport) => number) => reports.reduce((total, report) => total + of(report), 0);
const whole = {
  rounds: sum((report) => report.rounds),
  acknowledged: sum(({ calls }) => calls.ok),
  unknown: sum(({ calls }) => calls.unknown),
  records: sum((report) => report.records),
  leastInFlightAtKill: Math.min(...reports.map(({ inFlightAtKill }) => inFlightAtKill.least)),
  worstReadyMs: Math.max(...reports.map(({ readyMs }) => readyMs.worst)),
  faults: reports.flatMap(({ faults }) => faults),
};
console.log(JSON.stringify(whole));
process.exitCode = whole.faults.length === 0 && whole.rounds === rounds ? 0 : 1;
