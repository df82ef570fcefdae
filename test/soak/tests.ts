/** Runs test files as a trial: `node tests.ts FILE…`. Its report is whether all of them passed, and how many there were. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../..');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'soak-tests-'));
const file = path.join(folder, 'report.json');
const child = spawn(
  process.execPath,
  [
    path.join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=json',
    `--outputFile=${file}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
);
await once(child, 'exit');
const { numPassedTests: passed, numTotalTests: tests } = JSON.parse(fs.readFileSync(file, 'utf8')) as {
  numPassedTests: number;
  numTotalTests: number;
};
fs.rmSync(folder, { recursive: true });
console.log(JSON.stringify({ tests, passed, failed: tests - passed }));
process.exitCode = tests > 0 && passed === tests ? 0 : 1;
