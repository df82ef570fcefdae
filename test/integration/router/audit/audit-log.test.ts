import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AuditLog, type AuditLogOptions, openAuditLog } from '../../../../router/audit/audit-log.ts';
import { AuditSetupError } from '../../../../router/audit/keys.ts';
import { verifyAudit } from '../../../../router/audit/verify.ts';
import type { Octets } from '../../../../shared/json/octets.ts';
import { type AuditPlace, checkpointLines, makePlace, rowsOf, START } from '../../../fixtures/audit.ts';

let place: AuditPlace;
let logs: AuditLog[];
beforeEach(() => {
  place = makePlace();
  logs = [];
});
afterEach(async () => {
  for (const log of logs) await log.close();
  fs.rmSync(place.root, { recursive: true });
});

async function open(options: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
  const { dataDir, checkpointDir } = place;
  const log = await openAuditLog({ dataDir, checkpointDir, durability: 'normal', now: () => START, ...options });
  logs.push(log);
  return log;
}

const recordsOf = () => rowsOf(place).map((row) => JSON.parse(row.record) as Record<string, unknown>);

function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

it('[D1] resolves each append with its seq once the record is in the file', async () => {
  const log = await open();
  const seqs = await Promise.all(
    Array.from({ length: 500 }, (_, index) => log.append({ kind: 'call_started', callId: `call-${index}` })),
  );
  expect(seqs).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  expect(recordsOf().map(({ seq, callId }) => [seq, callId])).toEqual(seqs.map((seq) => [seq, `call-${seq - 1}`]));
});

it('[D2] keeps one chain over restarts and signs where it stands at opening and at closing', async () => {
  for (const round of [1, 2, 3]) {
    const log = await open();
    await log.append({ kind: 'call_started', callId: `${round}` });
    await log.close();
  }
  expect(await verifyAudit(place)).toEqual({ ok: true, records: 3 });
  const seqs = checkpointLines(place)[0]!.lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
  expect(seqs).toEqual([0, 1, 1, 2, 2, 3]);
});

it('[D4][F01] digests arguments and long values with a key, and writes neither anywhere in clear', async () => {
  const log = await open();
  const args = '{"password":"canary-5c7d"}' as Octets;
  await log.append({ kind: 'call_started', callId: '1' }, args);
  await log.append({ kind: 'call_started', callId: '2' });
  await log.append({ kind: 'call_started', callId: '3' }, args);
  await log.append({ kind: 'call_denied', tool: `${'t'.repeat(1_024)}canary-5c7d`, reason: 'unknown' });
  await log.close();
  const [first, second, third, fourth] = recordsOf();
  expect(first!.argsDigest).toMatch(/^[\w-]{43}$/);
  expect(third!.argsDigest).toBe(first!.argsDigest);
  expect(second).not.toHaveProperty('argsDigest');
  expect(fourth!.tool).toBe('t'.repeat(1_024));
  expect(fourth!.toolDigest).toMatch(/^[\w-]{43}$/);
  const leaks = filesBelow(place.root).filter((file) => fs.readFileSync(file).includes('canary-5c7d'));
  expect(leaks).toEqual([]);
});

it('[D1][D07] keeps every record one line of JSON with control and invisible characters escaped', async () => {
  const evil = 'x\r\n{"kind":"stop"}\u001b[2J\u009b31m\u202e\u2028\ud800\u{e0041}"}';
  const log = await open();
  await log.append({ kind: 'call_denied', tool: evil });
  await log.append({ kind: 'login', agent: 'sage', details: { [evil]: evil } });
  const [first, second] = rowsOf(place);
  expect(first!.record).toMatch(/^[\x20-\x7e]+$/);
  expect(JSON.parse(first!.record)).toMatchObject({ seq: 1, kind: 'call_denied', tool: evil });
  expect(JSON.parse(second!.record)).toMatchObject({ seq: 2, agent: 'sage', details: { [evil]: evil } });
});

it('[D2] never lets the time of a record fall, even when the clock is set back', async () => {
  let now = START + 5_000;
  const log = await open({ now: () => now });
  await log.append({ kind: 'login' });
  now = START;
  await log.append({ kind: 'login' });
  now = START + 6_000;
  await log.append({ kind: 'login' });
  expect(recordsOf().map((record) => record.time)).toEqual([START + 5_000, START + 5_000, START + 6_000]);
});

it('[D1] commits what waits when it is closed, and refuses what comes later', async () => {
  const log = await open();
  const waiting = [1, 2, 3].map(() => log.append({ kind: 'login' }));
  await log.close();
  expect(await Promise.all(waiting)).toEqual([1, 2, 3]);
  await expect(log.append({ kind: 'login' })).rejects.toMatchObject({ kind: 'AUDIT_UNAVAILABLE' });
  expect(await verifyAudit(place)).toEqual({ ok: true, records: 3 });
});

it('[D2] verifies beside a running router, again and again', async () => {
  const log = await open({ now: Date.now });
  let isRunning = true;
  const load = (async () => {
    while (isRunning) await Promise.all([1, 2, 3, 4].map(() => log.append({ kind: 'login', agent: 'sage' })));
  })();
  const results = [];
  for (let round = 0; round < 20; round += 1) results.push((await verifyAudit(place)).ok);
  isRunning = false;
  await load;
  expect(results).toEqual(results.map(() => true));
});

it('[D2] keeps file, key and checkpoints for the owner only', async () => {
  await (await open()).append({ kind: 'login' });
  const modes = ['data/audit.db', 'data/keys/audit-signing.pem', 'data/audit.checkpoint'].map(
    (name) => fs.statSync(path.join(place.root, name)).mode & 0o777,
  );
  expect(modes).toEqual([0o600, 0o600, 0o600]);
});

it('[D2] refuses to open when the signing key is gone or not the pinned one', async () => {
  await (await open()).close();
  const key = path.join(place.dataDir, 'keys', 'audit-signing.pem');
  const kept = fs.readFileSync(key);
  fs.rmSync(key);
  await expect(open()).rejects.toThrow(AuditSetupError);
  await expect(open()).rejects.toThrow(/signing key .* is gone .* Restore it/);
  fs.writeFileSync(key, kept);
  await expect(open({ checkpointDir: path.join(place.root, 'other') })).resolves.toBeDefined();
  const foreign = makePlace();
  const theirs = await openAuditLog({ ...foreign, durability: 'normal', now: Date.now });
  await theirs.close();
  await expect(open({ checkpointDir: foreign.checkpointDir })).rejects.toThrow(/belongs to another signing key/);
  fs.rmSync(foreign.root, { recursive: true });
});

it('[D5] refuses a retention that is no number of days', async () => {
  await expect(open({ retentionDays: 0 })).rejects.toThrow('must be a number of days above 0, not 0');
});

it('[D1] takes a stall of its own thread for no fault of the writer', async () => {
  const notices: string[] = [];
  const log = await open({ onNotice: (text) => notices.push(text) });
  const appended = log.append({ kind: 'login', agent: 'alice' });
  // The record is on its way; then this thread does something else for longer than an append may wait.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
  await expect(appended).resolves.toBe(1);
  expect(log.available).toBe(true);
  expect(notices).toEqual([]);
});
