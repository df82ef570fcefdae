/** D7: `--sessions N` (100,000) that come and go for `--minutes M` (60). */
import { parseArgs } from 'node:util';
import { churn } from '../e2e/lib/churn.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, sessions: { type: 'string', default: '100000' } },
});
const report = await churn({
  seconds: Number(values.minutes) * 60,
  sessions: Number(values.sessions),
  idleSeconds: 10,
  rehearsed: 500,
});
console.log(JSON.stringify({ ...report, filesGrowth: report.filesAfter - report.filesBefore }));
process.exitCode = report.faults.length === 0 ? 0 : 1;
