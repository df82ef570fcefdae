import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AuditEntry } from '../../../../router/audit/entry.ts';
import { AuditQuery, type AuditRecord, exportAudit, queryAudit, tailAudit } from '../../../../router/audit/query.ts';
import {
  type AuditPlace,
  batchOf,
  makePlace,
  openTestWriter,
  rowsOf,
  START,
  withDatabase,
} from '../../../fixtures/audit.ts';

const AGENTS = ['sage', 'king', 'magi'];
const EVIL = `' OR 1=1--\u202e"}`;

let place: AuditPlace;
beforeAll(async () => {
  place = makePlace();
  const writer = await openTestWriter(place);
  // 1,500 records, ten a second; the last one has a hostile name.
  for (let second = 0; second < 150; second += 1) {
    const entries = Array.from({ length: 10 }, (_, index): AuditEntry => {
      const agent = AGENTS[index % 3]!;
      const callId = `call-${second}-${Math.floor(index / 2)}`;
      if (index % 2 === 0) return { kind: 'call_started', callId, agent, tool: 'echo' };
      const tool = second === 149 && index === 9 ? EVIL : 'echo';
      return { kind: 'call_finished', callId, agent, outcome: index === 9 ? 'failed' : 'ok', tool };
    });
    writer.append([batchOf(entries, START + second * 1_000)]);
  }
  await writer.close();
});
afterAll(() => fs.rmSync(place.root, { recursive: true }));

const query = async (asked: AuditQuery) => (await queryAudit(place, asked)).records.map((record) => record.seq);

describe('queryAudit', () => {
  it('[D5] answers newest first and goes on where the last page ended', async () => {
    const seqs: number[] = [];
    for (let before: number | undefined = 1_501; before !== undefined; ) {
      const page = await queryAudit(place, { limit: 400, before });
      seqs.push(...page.records.map((record) => record.seq));
      before = page.before;
    }
    expect(seqs).toEqual(Array.from({ length: 1_500 }, (_, index) => 1_500 - index));
  });

  it('[D5] finds by kind, outcome, caller, tool and call', async () => {
    expect(await query({ callId: 'call-3-1', limit: 10 })).toEqual([34, 33]);
    expect(await query({ callId: 'call-3-1', kind: 'call_finished', limit: 10 })).toEqual([34]);
    expect(await query({ outcome: 'failed', limit: 2 })).toEqual([1_500, 1_490]);
    expect(await query({ agent: 'king', limit: 3 })).toEqual([1_498, 1_495, 1_492]);
    expect(await query({ agent: 'kin', limit: 3 })).toEqual([]);
  });

  it('[D5] finds by time, both ends included', async () => {
    expect(await query({ since: START + 2_000, until: START + 2_000, limit: 100 })).toEqual(
      Array.from({ length: 10 }, (_, index) => 30 - index),
    );
    expect(await query({ until: START - 1, limit: 10 })).toEqual([]);
    expect(await query({ since: START + 149_000, limit: 100 })).toHaveLength(10);
  });

  it.each([`' OR 1=1--`, `');DROP TABLE audit;--`, '%', '_%', 'sage" OR "1', '*', '\\', '\u0000'])(
    '[D5][D02] takes %j literally',
    async (value) => {
      expect(await query({ agent: value, limit: 10 })).toEqual([]);
      expect(await query({ tool: value, callId: value, limit: 10 })).toEqual([]);
      expect(rowsOf(place)).toHaveLength(1_500);
    },
  );

  it('[D5][D02] finds a hostile value by itself only', async () => {
    expect(await query({ tool: EVIL, limit: 10 })).toEqual([1_500]);
  });

  it.each([
    { limit: 0 },
    { limit: 1_001 },
    { limit: 1.5 },
    { limit: 1, before: -1 },
    { limit: 1, kind: 'nothing' },
    { limit: 1, agent: 'a'.repeat(1_025) },
    { limit: 1, order: 'seq' },
  ])('[D5][D02] has no query like %j', (asked) => {
    expect(AuditQuery.safeParse(asked).success).toBe(false);
  });

  it('[D5] answers with nothing where there is no audit', async () => {
    expect(await queryAudit({ dataDir: `${place.root}/none` }, { limit: 5 })).toEqual({ records: [] });
  });

  it('[D5] shows a damaged record as unreadable instead of failing', async () => {
    const copy = makePlace();
    fs.cpSync(place.root, copy.root, { recursive: true });
    withDatabase(copy, (db) => db.exec(`UPDATE audit SET record = '{"seq":1500,"ti' WHERE seq = 1500`));
    const { records } = await queryAudit(copy, { limit: 2 });
    expect(records.map(({ seq, kind }) => [seq, kind])).toEqual([
      [1_500, 'unreadable'],
      [1_499, 'call_started'],
    ]);
    fs.rmSync(copy.root, { recursive: true });
  });
});

it('[D5] tails the last records and then those that come', async () => {
  const copy = makePlace();
  const writer = await openTestWriter(copy);
  const append = (agent: string) => writer.append([batchOf([{ kind: 'login', agent }], START)]);
  for (const agent of ['a', 'b', 'c']) append(agent);
  const ending = new AbortController();
  const { dataDir } = copy;
  const seen: AuditRecord[] = [];
  const following = (async () => {
    const records = tailAudit({ dataDir, last: 2, follow: true, pollMs: 10, signal: ending.signal });
    for await (const record of records) seen.push(record);
  })();
  await vi.waitFor(() => expect(seen.map((record) => record.agent)).toEqual(['b', 'c']), { timeout: 5_000 });
  append('d');
  append('e');
  await vi.waitFor(() => expect(seen.map((record) => record.agent)).toEqual(['b', 'c', 'd', 'e']), { timeout: 5_000 });
  ending.abort();
  await following;
  await writer.close();
  fs.rmSync(copy.root, { recursive: true });
});

it('[D5] exports the exact text of every record in the time asked for, oldest first', async () => {
  const all = await Array.fromAsync(exportAudit(place));
  expect(all).toEqual(rowsOf(place).map((row) => row.record));
  const some = await Array.fromAsync(exportAudit({ ...place, since: START + 1_000, until: START + 2_999 }));
  expect(some).toEqual(all.slice(10, 30));
});
