import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { backUp } from '../../../../router/backup/back-up.ts';

it('[X4] goes on without a file that is gone when its turn comes, and fails for one that cannot be read', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'backup-'));
  onTestFinished(() => fs.rmSync(root, { recursive: true }));
  const dataDir = path.join(root, 'data');
  fs.mkdirSync(dataDir);
  for (const name of ['a', 'b', 'c']) fs.writeFileSync(path.join(dataDir, name), name);
  const folders = { dataDir, checkpointDir: path.join(root, 'none') };
  await backUp({ ...folders, folder: path.join(root, 'first') }, async (from, copy) => {
    if (path.basename(from) === 'a') fs.rmSync(path.join(dataDir, 'b'));
    copy();
  });
  expect(fs.readdirSync(path.join(root, 'first', 'data'))).toEqual(['a', 'c']);
  const second = path.join(root, 'second');
  await expect(
    backUp({ ...folders, folder: second }, async () => {
      throw Object.assign(new Error('on purpose'), { code: 'EIO' });
    }),
  ).rejects.toThrow('on purpose');
  expect(fs.existsSync(second)).toBe(false);
});
