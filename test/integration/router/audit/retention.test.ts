import fs from 'node:fs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openAuditLog } from '../../../../router/audit/audit-log.ts';
import { prune } from '../../../../router/audit/prune.ts';
import { queryAudit } from '../../../../router/audit/query.ts';
import { verifyAudit } from '../../../../router/audit/verify.ts';
import {
  type AuditPlace,
  DAY_MS,
  fill,
  makePlace,
  openTestWriter,
  rowsOf,
  START,
  withDatabase,
} from '../../../fixtures/audit.ts';

let place: AuditPlace;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => fs.rmSync(place.root, { recursive: true }));

const seqs = () => rowsOf(place).map((row) => row.seq);
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

it('[D5] drops records from the old end, records that it did, and what is left verifies', async () => {
  const writer = await openTestWriter(place);
  fill(writer, 1_300);
  fill(writer, 200, START + 50 * DAY_MS);
  expect(await prune(writer, 90, START + 100 * DAY_MS)).toEqual({ dropped: 1_300, bad: undefined });
  expect(seqs()).toEqual(range(1_301, 1_501));
  expect(await verifyAudit(place)).toEqual({ ok: true, records: 201 });
  const last = JSON.parse(rowsOf(place).at(-1)!.record);
  expect(last).toMatchObject({ kind: 'audit_pruned', details: { through: 1_300, records: 1_300, retentionDays: 90 } });
  expect(await prune(writer, 90, START + 100 * DAY_MS)).toEqual({ dropped: 0, bad: undefined });
  expect(await prune(writer, 90, START + 400 * DAY_MS)).toEqual({ dropped: 201, bad: undefined });
  await writer.close();
  expect(seqs()).toEqual([1_502]);
  expect(await verifyAudit(place)).toEqual({ ok: true, records: 1 });
});

it('[D5][D2] still names what is cut from the old end by anybody else', async () => {
  const writer = await openTestWriter(place);
  fill(writer, 100);
  fill(writer, 100, START + 50 * DAY_MS);
  await prune(writer, 90, START + 100 * DAY_MS);
  await writer.close();
  withDatabase(place, (db) => db.exec('DELETE FROM audit WHERE seq <= 110'));
  expect(await verifyAudit(place)).toMatchObject({ ok: false, seq: 101 });
});

it('[D5][D2] stops before a bad record, which stays as evidence', async () => {
  const writer = await openTestWriter(place);
  fill(writer, 100);
  withDatabase(place, (db) => db.exec(`UPDATE audit SET record = replace(record, 'sage', 'king') WHERE seq = 41`));
  const result = await prune(writer, 90, START + 100 * DAY_MS);
  expect(result).toMatchObject({ dropped: 40, bad: { seq: 41 } });
  expect(seqs()[0]).toBe(41);
  await writer.close();
  expect(await verifyAudit(place)).toMatchObject({ ok: false, seq: 41 });
});

it('[D5] finishes what a run that was cut off had begun, and verifies in between', async () => {
  const writer = await openTestWriter(place);
  fill(writer, 1_200);
  const ending = new AbortController();
  const original = writer.moveAnchor.bind(writer);
  vi.spyOn(writer, 'moveAnchor').mockImplementation((anchor) => {
    original(anchor);
    ending.abort();
  });
  await prune(writer, 90, START + 100 * DAY_MS, ending.signal);
  expect(seqs()).toEqual(range(1, 1_201));
  expect(await verifyAudit(place)).toEqual({ ok: true, records: 1 });
  withDatabase(place, (db) => db.exec('DELETE FROM audit WHERE seq <= 500'));
  expect(await verifyAudit(place)).toEqual({ ok: true, records: 1 });
  await prune(writer, 90, START + 100 * DAY_MS);
  await writer.close();
  expect(seqs()).toEqual([1_201]);
});

it('[D5] is done by the running log at its start', async () => {
  const writer = await openTestWriter(place);
  fill(writer, 300);
  await writer.close();
  const { dataDir, checkpointDir } = place;
  const now = () => START + 100 * DAY_MS;
  const log = await openAuditLog({ dataDir, checkpointDir, durability: 'normal', retentionDays: 90, now });
  await log.append({ kind: 'login' });
  await vi.waitFor(() => expect(seqs()[0]).toBeGreaterThan(300), { timeout: 10_000 });
  await log.close();
  expect(await verifyAudit(place)).toEqual({ ok: true, records: 2 });
  const { records } = await queryAudit({ dataDir }, { kind: 'audit_pruned', limit: 10 });
  expect(records).toHaveLength(1);
});
