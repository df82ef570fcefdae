import { createHash } from 'node:crypto';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { StoreError } from '../../../../shared/store.ts';
import { king, magi, openVillage, plain, sage } from '../../../fixtures/governance/village.ts';

/** Two proposals with votes: six events. */
async function closedVillage(): Promise<string> {
  const village = await openVillage();
  const first = village.decisions.propose(magi, plain('major_change'));
  const second = village.decisions.propose(magi, plain('minor_change'));
  village.decisions.vote(sage, first.id, 'approve', 'yes');
  village.decisions.vote(king, first.id, 'reject', 'no');
  village.decisions.vote(sage, second.id, 'approve', 'yes');
  expect(village.verify()).toEqual({ events: 6, firstBad: undefined });
  await village.close();
  return village.dataDir;
}

function alter(dataDir: string, sql: string): number {
  const file = new Database(path.join(dataDir, 'governance.db'));
  try {
    return file.prepare(sql).run().changes;
  } finally {
    file.close();
  }
}

it.each([
  ['a vote turned round', `UPDATE events SET data = replace(data, '"reject"', '"approve"') WHERE position = 4`, 4],
  ['a time moved', 'UPDATE events SET at = at + 1 WHERE position = 1', 1],
  ['a stream renamed', "UPDATE events SET stream = 'proposal:x' WHERE position = 2", 2],
  ['a version changed', 'UPDATE events SET version = 9 WHERE position = 3', 3],
  ['a hash changed', "UPDATE events SET hash = replace(hash, substr(hash, 1, 1), 'g') WHERE position = 5", 5],
  ['an event taken out', 'DELETE FROM events WHERE position = 3', 3],
  ['the first event taken out', 'DELETE FROM events WHERE position = 1', 1],
])('[G4] opens no file with %s', async (_, sql, position) => {
  const dataDir = await closedVillage();
  expect(alter(dataDir, sql)).toBe(1);
  await expect(openVillage({ dataDir })).rejects.toThrow(StoreError);
  await expect(openVillage({ dataDir })).rejects.toThrow(`event ${position}:`);
});

it('[G4] opens no file with a vote turned round and its hash made to fit', async () => {
  const dataDir = await closedVillage();
  const file = new Database(path.join(dataDir, 'governance.db'));
  const row = file.prepare('SELECT * FROM events WHERE position = 4').get() as Record<string, string | number>;
  const data = String(row.data).replace('"reject"', '"approve"');
  const hashed = JSON.stringify([row.position, row.stream, row.version, row.at, data, row.previous_hash]);
  const hash = createHash('sha256').update(hashed).digest('hex');
  file.prepare('UPDATE events SET data = ?, hash = ? WHERE position = 4').run(data, hash);
  file.close();
  await expect(openVillage({ dataDir })).rejects.toThrow('event 5: it does not follow the event before it');
});

it('[G4] decides nothing on a proposal whose events were altered while the file is open', async () => {
  const village = await openVillage();
  const { id } = village.decisions.propose(magi, plain('major_change'));
  village.decisions.vote(sage, id, 'reject', 'no');
  const sql = `UPDATE events SET data = replace(data, '"reject"', '"approve"') WHERE position = 2`;
  expect(alter(village.dataDir, sql)).toBe(1);
  expect(() => village.decisions.vote(king, id, 'approve', 'yes')).toThrow(/event 2 is not what was written/);
});

it('[G2] opens an unaltered file again with the same proposals', async () => {
  const dataDir = await closedVillage();
  const again = await openVillage({ dataDir });
  expect(again.decisions.list().map(({ status }) => status)).toEqual(['approved', 'open']);
});
