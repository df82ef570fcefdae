import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GENESIS_HASH } from '../../../../router/audit/chain.ts';
import {
  type Checkpoint,
  CheckpointFiles,
  localCopyFile,
  readCheckpointLines,
} from '../../../../router/audit/checkpoints.ts';
import { openKeys } from '../../../../router/audit/keys.ts';
import { verifyAudit } from '../../../../router/audit/verify.ts';
import {
  type AuditPlace,
  checkpointLines,
  fill,
  makeAudit,
  makePlace,
  openTestWriter,
  rowsOf,
} from '../../../fixtures/audit.ts';

let place: AuditPlace;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => fs.rmSync(place.root, { recursive: true }));

const database = () => path.join(place.dataDir, 'audit.db');

it('[D2] names where the records were rolled back to, also after new ones have grown over it', async () => {
  await makeAudit(place, 40);
  const old = fs.readFileSync(database());
  const more = await openTestWriter(place);
  fill(more, 30);
  await more.close();
  fs.writeFileSync(database(), old);
  expect(await verifyAudit(place)).toMatchObject({ ok: false, seq: 41 });
  const notices: string[] = [];
  const writer = await openTestWriter(place, notices);
  expect(notices.join()).toContain('rolled back');
  fill(writer, 100);
  await writer.close();
  expect(rowsOf(place)).toHaveLength(140);
  expect(await verifyAudit(place)).toMatchObject({ ok: false, seq: 41 });
});

it('[D2] names the first record in doubt when the whole data folder is an older copy', async () => {
  await makeAudit(place, 40);
  const older = `${place.dataDir}-older`;
  fs.cpSync(place.dataDir, older, { recursive: true });
  const writer = await openTestWriter(place);
  fill(writer, 30);
  await writer.close();
  fs.rmSync(place.dataDir, { recursive: true });
  fs.renameSync(older, place.dataDir);
  expect(await verifyAudit(place)).toMatchObject({ ok: false, seq: 41 });
});

it('[D2] keeps the sign of a changed checkpoint although later ones are added', async () => {
  await makeAudit(place, 40);
  const { file, lines } = checkpointLines(place)[0]!;
  const wrong = lines.with(-1, lines.at(-1)!.replace('"anchorSeq":0', '"anchorSeq":9'));
  fs.writeFileSync(file, `${wrong.join('\n')}\n`);
  const writer = await openTestWriter(place);
  fill(writer, 30);
  await writer.close();
  const { seq } = JSON.parse(lines.at(-2)!) as Checkpoint;
  expect(await verifyAudit(place)).toMatchObject({ ok: false, seq: seq + 1 });
});

it('[D2] does not begin anew when somebody removes all checkpoints and the router goes on', async () => {
  await makeAudit(place, 40);
  for (const { file } of checkpointLines(place)) fs.rmSync(file);
  fs.rmSync(localCopyFile(place.dataDir));
  const writer = await openTestWriter(place);
  fill(writer, 30);
  await writer.close();
  expect(await verifyAudit(place)).toMatchObject({ ok: false, seq: 1 });
});

it('[D2] goes on after a line that a full disk cut short', async () => {
  await makeAudit(place, 40);
  fs.appendFileSync(checkpointLines(place)[0]!.file, '{"n":99,"from":1,"se');
  expect(await verifyAudit(place)).toEqual({ ok: true, records: 40 });
  const writer = await openTestWriter(place);
  fill(writer, 10);
  await writer.close();
  expect(await verifyAudit(place)).toEqual({ ok: true, records: 50 });
});

const content = (seq: number) => ({ seq, hash: GENESIS_HASH, time: 1, anchorSeq: 0, anchorHash: GENESIS_HASH });

function smallFiles() {
  fs.mkdirSync(place.dataDir);
  const keys = openKeys(place.dataDir, place.checkpointDir, false);
  const { dataDir, checkpointDir: folder } = place;
  return {
    keys,
    files: new CheckpointFiles({ folder, dataDir, keys, sync: false, maxSegmentBytes: 2_000, maxSegments: 3 }),
  };
}

it('[D2] bounds the checkpoint files and keeps their numbers without a gap', () => {
  const { keys, files } = smallFiles();
  for (let seq = 0; seq < 200; seq += 1) files.append(content(seq), () => true);
  const kept = readCheckpointLines(place.checkpointDir, keys.verifying).map((line) => line.checkpoint!);
  expect(checkpointLines(place)).toHaveLength(3);
  expect(kept.at(-1)).toMatchObject({ n: 200, from: kept[0]!.n, seq: 199 });
  expect(kept.map((checkpoint) => checkpoint.n)).toEqual(kept.map((_, index) => kept[0]!.n + index));
});

it('[D2] never drops checkpoints that the records contradict', () => {
  const { keys, files } = smallFiles();
  for (let seq = 0; seq < 100; seq += 1) files.append(content(seq), (checkpoint) => checkpoint.seq !== 13);
  const kept = readCheckpointLines(place.checkpointDir, keys.verifying).map((line) => line.checkpoint!.seq);
  expect(kept).toContain(13);
  expect(kept).toEqual(kept.map((_, index) => kept[0]! + index));
});
