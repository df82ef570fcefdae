/** The benchmarks that documents name run from end to end, on a hundredth of their work; how fast anything is, is not judged here. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ROOT } from '../lib/village.ts';

const run = promisify(execFile);
const LIMIT_MS = 120_000;

/** A bench that fails ends with another code than 0, which throws. */
async function printed(...args: string[]): Promise<string> {
  return (await run(process.execPath, args, { cwd: ROOT, timeout: LIMIT_MS })).stdout;
}

it.each([
  ['audit', '"recordsPerSecond"'],
  ['circuits', '"goal"'],
  ['fog', '"placement'],
  ['governance', '"vote_p99_ms"'],
  ['hyperrag', '"all_answers_in_5"'],
  ['ledger', '"sums_agree":true'],
  ['matrix', 'decide_us'],
  ['privacy', 'held-out sentences'],
  ['tokens', 'verify_new_us'],
  ['twin', '"found_in_10": 1'],
  ['upstream-http', '"cpuMicrosPerCall"'],
  ['watching', 'core'],
])('node test/bench/%s.ts prints its figures', { timeout: LIMIT_MS }, async (name, words) => {
  expect(await printed(`test/bench/${name}.ts`, '--quick')).toContain(words);
});

it.each(['routing'])(
  'node test/bench/%s.ts prints its figures of the parts alone',
  { timeout: LIMIT_MS },
  async (name) => {
    expect(await printed(`test/bench/${name}.ts`, '--quick', '--repeats', '0')).toContain('"keep_an_answer"');
  },
);

it('node test/bench/profile.ts says where the CPU of a call goes', { timeout: LIMIT_MS }, async () => {
  expect(await printed('test/bench/profile.ts', '--seconds', '0.2')).toContain('us a call');
});

it('node test/bench/compare.ts FOLDER FOLDER compares two checkouts', { timeout: LIMIT_MS }, async () => {
  expect(await printed('test/bench/compare.ts', ROOT, ROOT, '--watch-b', '--repeats', '1')).toContain(
    'errors and lost: 0',
  );
});

it('npm run soak runs one of its trials and prints what was missed: nothing', { timeout: LIMIT_MS }, async () => {
  expect(await printed('test/soak/run.ts', 'audit-tamper', '--rounds', '20')).toContain('"missed":[]');
});
