import fs from 'node:fs';
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type AuditLog, type AuditLogOptions, openAuditLog } from '../../../../router/audit/audit-log.ts';
import { verifyAudit } from '../../../../router/audit/verify.ts';
import { AppError } from '../../../../shared/errors.ts';
import { type AuditPlace, makePlace, rowsOf } from '../../../fixtures/audit.ts';
import { startCapturedWorker } from '../../../fixtures/audit-worker.ts';

const fixture = (name: string) => path.join(import.meta.dirname, '../../../fixtures', name);

let place: AuditPlace;
let log: AuditLog | undefined;
let notices: string[];
beforeEach(() => {
  place = makePlace();
  notices = [];
});
afterEach(async () => {
  await log?.close();
  log = undefined;
  fs.rmSync(place.root, { recursive: true });
});

async function open(options: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
  const { dataDir, checkpointDir } = place;
  const onNotice = (text: string) => notices.push(text);
  log = await openAuditLog({ dataDir, checkpointDir, durability: 'normal', now: Date.now, onNotice, ...options });
  return log;
}

/** The kinds of error with which all were rejected; a fulfilled one is named too. */
async function outcomes(appends: Promise<number>[]): Promise<string[]> {
  const results = await Promise.allSettled(appends);
  const kinds = results.map((result) => {
    if (result.status === 'fulfilled') return 'fulfilled';
    return result.reason instanceof AppError ? result.reason.kind : 'other';
  });
  return [...new Set(kinds)];
}

const some = (to: AuditLog, count: number) => Array.from({ length: count }, () => to.append({ kind: 'call_started' }));

/** Appends until one is acknowledged; FEATURES and F04 promise that within five seconds of the end of a fault. */
async function recover(to: AuditLog): Promise<number> {
  return vi.waitFor(() => to.append({ kind: 'call_started', callId: 'after' }), { timeout: 10_000, interval: 50 });
}

/** After a fault: nothing is missing or false, and the audit tells of the time in which it could not write. */
async function expectHealed(): Promise<void> {
  await log!.close();
  const rows = rowsOf(place);
  expect(await verifyAudit(place)).toEqual({ ok: true, records: rows.length });
  const resumed = rows.map((row) => JSON.parse(row.record)).filter((record) => record.kind === 'audit_resumed');
  expect(resumed).toHaveLength(1);
  expect(resumed[0].details.refused).toBeGreaterThan(0);
  expect(notices.at(-1)).toMatch(/^The audit writes again/);
}

it('[D1][F04] rejects within a second while another process holds the database, and recovers when it lets go', async () => {
  const audit = await open();
  await audit.append({ kind: 'login' });
  const holder = new Database(path.join(place.dataDir, 'audit.db'));
  holder.exec('BEGIN IMMEDIATE');
  const start = performance.now();
  expect(await outcomes(some(audit, 50))).toEqual(['AUDIT_UNAVAILABLE']);
  // Half a second by design; the rest is for a busy machine.
  expect(performance.now() - start).toBeLessThan(5_000);
  expect(notices[0]).toContain('SQLITE_BUSY');
  const fast = performance.now();
  expect(await outcomes(some(audit, 1_000))).toEqual(['AUDIT_UNAVAILABLE']);
  expect(performance.now() - fast).toBeLessThan(500);
  expect(holder.prepare('SELECT count(*) FROM audit').pluck().get()).toBe(1);
  holder.exec('ROLLBACK');
  holder.close();
  await recover(audit);
  await expectHealed();
});

it('[D2][F04] stops when the second place cannot be written, and recovers when it can', async () => {
  const audit = await open();
  await audit.append({ kind: 'login' });
  const away = `${place.checkpointDir}-away`;
  fs.renameSync(place.checkpointDir, away);
  fs.writeFileSync(place.checkpointDir, 'no folder');
  await vi.waitFor(async () => expect(await outcomes(some(audit, 1))).toEqual(['AUDIT_UNAVAILABLE']), {
    timeout: 10_000,
    interval: 20,
  });
  expect(notices[0]).toContain('ENOTDIR');
  fs.rmSync(place.checkpointDir);
  fs.renameSync(away, place.checkpointDir);
  await recover(audit);
  await expectHealed();
});

it('[D1][F04] rejects what waits when the writer’s thread dies, starts another and keeps the chain', async () => {
  const workers: Worker[] = [];
  const audit = await open({ startWorker: (options) => startCapturedWorker(options, workers) });
  await audit.append({ kind: 'login' });
  const waiting = some(audit, 50);
  await workers[0]!.terminate();
  expect(await outcomes(waiting)).not.toContain('other');
  expect(await outcomes(some(audit, 50))).toEqual(['AUDIT_UNAVAILABLE']);
  await recover(audit);
  expect(workers).toHaveLength(2);
  await expectHealed();
});

it('[D2][F04] says so when the file was replaced under it, goes on in the new one, and verification names the loss', async () => {
  const audit = await open();
  for (let round = 0; round < 3; round += 1) await audit.append({ kind: 'login' });
  for (const end of ['', '-wal', '-shm']) fs.rmSync(path.join(place.dataDir, `audit.db${end}`), { force: true });
  await vi.waitFor(async () => expect(await outcomes(some(audit, 1))).toEqual(['AUDIT_UNAVAILABLE']), {
    timeout: 10_000,
    interval: 20,
  });
  expect(notices[0]).toContain('audit.db was replaced while it was in use');
  await recover(audit);
  await audit.close();
  expect(notices.join()).toContain('do not agree with their last checkpoint');
  expect(await verifyAudit(place)).toMatchObject({ ok: false, seq: 1 });
});

it('[D1][F04] stops when the disk is full and recovers by itself when there is room', { timeout: 60_000 }, async () => {
  const mount = path.join(place.root, 'disk');
  fs.mkdirSync(mount);
  // A mount that only this child sees: as root directly, else within a user namespace.
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const script = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" "$3" "$1" "$4"';
  const child = await execa('unshare', [
    ...[...asRoot, '--mount', 'sh', '-c', script, 'sh'],
    ...[mount, process.execPath, fixture('audit-full-disk.ts'), place.checkpointDir],
  ]);
  const seen = JSON.parse(child.stdout);
  expect(seen).toMatchObject({ isFull: true, refusedWhileFull: 100, during: { ok: true }, after: { ok: true } });
  expect(seen.rejected.kind).toBe('AUDIT_UNAVAILABLE');
  expect(seen.rejected.ms).toBeLessThan(5_000);
  expect(seen.recovered.attempt).toBeGreaterThan(0);
  expect(seen.recovered.ms).toBeLessThan(5_000);
  expect(seen.notices[0]).toContain('SQLITE_FULL');
  // Everything acknowledged, and the record that tells of the gap.
  expect(seen.after.records).toBe(seen.acknowledged + 1);
});

interface Acknowledged {
  readonly seq: number;
  readonly callId: string;
}

/** What a child printed; the last line may be cut. */
function acknowledgedIn(stdout: string): Acknowledged[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '))
    .map(([seq, callId]) => ({ seq: Number(seq), callId: callId! }));
}

function expectAllKept(acknowledged: readonly Acknowledged[]): void {
  const kept = new Map(rowsOf(place).map((row) => [row.seq, JSON.parse(row.record).callId]));
  expect(acknowledged.filter(({ seq, callId }) => kept.get(seq) !== callId)).toEqual([]);
}

const startChild = (name: string, inFlight: number, count: number) =>
  execa(process.execPath, [fixture('audit-child.ts'), place.root, name, `${inFlight}`, `${count}`], {
    reject: false,
    stripFinalNewline: false,
  });

it('[D3][F03] loses nothing acknowledged when the process is killed', { timeout: 120_000 }, async () => {
  for (let round = 1; round <= 8; round += 1) {
    const child = startChild(`round${round}`, 32, 1_000_000);
    // Killed in the middle of writing, at another count of records each round.
    const killAfter = 3_000 * round;
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > killAfter) child.kill('SIGKILL');
    });
    const result = await child;
    expect(result.signal).toBe('SIGKILL');
    const acknowledged = acknowledgedIn(result.stdout);
    expect(acknowledged.length).toBeGreaterThan(100);
    expectAllKept(acknowledged);
    expect(await verifyAudit(place)).toMatchObject({ ok: true });
  }
});

it('[D2] keeps one chain when several processes write to one file', { timeout: 60_000 }, async () => {
  const results = await Promise.all(['a', 'b', 'c'].map((name) => startChild(name, 8, 1_500)));
  expect(results.map((result) => result.exitCode)).toEqual([0, 0, 0]);
  const acknowledged = results.flatMap((result) => acknowledgedIn(result.stdout));
  expect(new Set(acknowledged.map(({ seq }) => seq)).size).toBe(acknowledged.length);
  expectAllKept(acknowledged);
  const { length } = rowsOf(place);
  expect(acknowledged.length).toBeGreaterThanOrEqual(4_500);
  expect(await verifyAudit(place)).toEqual({ ok: true, records: length });
});
