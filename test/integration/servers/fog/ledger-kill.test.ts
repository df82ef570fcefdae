import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { newFolder, openLedger } from '../../../fixtures/fog/money.ts';
import { ledgerKills } from '../../../soak/ledger-kills.ts';

const CONTENDER = path.resolve(import.meta.dirname, '../../../fixtures/fog/ledger-writer.ts');

it('[F6] loses and makes no money when the process that writes is killed again and again', async () => {
  const report = await ledgerKills({ operations: 6_000, longestLife: 1_500, leastKills: 4, seed: 7 });
  expect(report.faults).toEqual([]);
  expect(report.sum).toBe('0');
  expect(report.kills).toBeGreaterThanOrEqual(4);
  // Each kill is a process more to start, on a machine that may be busy.
}, 120_000);

it('[F6] two processes that send the same movements at the same time move each of them once', async () => {
  const dataDir = newFolder();
  onTestFinished(() => fs.rmSync(dataDir, { recursive: true, force: true }));
  const run = async () => {
    const child = spawn(process.execPath, [CONTENDER, dataDir, '3', '0', '1500'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  };
  expect(await Promise.all([run(), run()])).toEqual([0, 0]);
  const { ledger, store } = await openLedger(dataDir);
  onTestFinished(() => store.close());
  const { sum, firstBad, postings } = ledger.verify();
  expect({ sum, firstBad }).toEqual({ sum: 0n, firstBad: undefined });
  expect(postings).toBeGreaterThan(500);
});
