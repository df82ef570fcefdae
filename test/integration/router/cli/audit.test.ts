import fs from 'node:fs';
import { Writable } from 'node:stream';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { auditCommand } from '../../../../router/cli/audit.ts';
import { type AuditPlace, makeAudit, makePlace, rowsOf, withDatabase } from '../../../fixtures/audit.ts';

let place: AuditPlace;
beforeEach(async () => {
  place = makePlace();
  await makeAudit(place, 30);
});
afterEach(() => fs.rmSync(place.root, { recursive: true }));

/** Collects, and takes one chunk at a time, so that back-pressure is met. */
class Sink extends Writable {
  text = '';
  constructor() {
    super({ highWaterMark: 1 });
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    setImmediate(done);
  }
}

async function run(...args: string[]): Promise<{ stdout: string; code: number }> {
  const stdout = new Sink();
  let code = 0;
  const audit = auditCommand({
    dataDir: () => place.dataDir,
    checkpointDir: () => place.checkpointDir,
    stdout,
    stderr: new Sink(),
    setExitCode: (set) => {
      code = set;
    },
  });
  await new Command('aivillage').addCommand(audit).parseAsync(['audit', ...args], { from: 'user' });
  return { stdout: stdout.text, code };
}

it('[D2][X2] prints how many records were verified', async () => {
  expect(await run('verify')).toEqual({ stdout: '30 records verified\n', code: 0 });
  expect(await run('verify', '--json')).toEqual({ stdout: '{"ok":true,"records":30}\n', code: 0 });
});

it('[D2][X2] names the first bad record and asks for exit code 1', async () => {
  withDatabase(place, (db) => db.exec('DELETE FROM audit WHERE seq = 17'));
  const { stdout, code } = await run('verify');
  expect(stdout).toBe('first bad record: 17: the record is missing; the next one found is 18\n');
  expect(code).toBe(1);
});

it('[D5][X2] tails the newest records, filtered', async () => {
  const lines = (text: string) =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).seq);
  expect(lines((await run('tail', '-n', '3')).stdout)).toEqual([28, 29, 30]);
  expect(lines((await run('tail', '--kind', 'call_started', '-n', '2')).stdout)).toEqual([27, 29]);
  expect(lines((await run('tail', '--call-id', 'call-4')).stdout)).toEqual([5, 6]);
  expect(lines((await run('tail', '--agent', 'nobody')).stdout)).toEqual([]);
});

it('[D5][X2] exports every record as it was hashed', async () => {
  const { stdout } = await run('export');
  expect(stdout).toBe(
    rowsOf(place)
      .map((row) => `${row.record}\n`)
      .join(''),
  );
  expect((await run('export', '--since', '2030-01-01')).stdout).toBe('');
});
