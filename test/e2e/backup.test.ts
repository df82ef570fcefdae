import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawSession, textOf } from './lib/raw-client.ts';
import { fixture, runCli, SECRET, tokenFor, Village } from './lib/village.ts';

let village: Village;
let folder: string;
const config = { mcpServers: { up: fixture('tools.ts') }, permissions: [{ match: 'up/*', level: 'OPERATOR' }] };

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'backup-'));
  village = await Village.start({ config });
});
afterAll(async () => {
  await village.remove();
  fs.rmSync(folder, { recursive: true });
});

function environment(name: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    AIVILLAGE_DATA_DIR: path.join(folder, name),
    AIVILLAGE_CHECKPOINT_DIR: path.join(folder, `${name}-checkpoints`),
    MCP_JWT_SECRET_KEY: SECRET,
  };
}

it('[X4] copies a village under load, and what is restored verifies and holds what was acknowledged', async () => {
  const session = await RawSession.open(village.url, tokenFor('alice'));
  const backup = path.join(folder, 'copy');
  let running = true;
  const load = (async () => {
    while (running) await session.call('up__echo', { text: 'under load' });
  })();
  expect(textOf(await session.call('up__echo', { text: 'before the backup' }))).toBe('before the backup');
  const recorded = (await village.audit()).length;
  const copied = await village.cli('backup', backup);
  running = false;
  await load;
  expect(copied).toMatchObject({ code: 0 });
  expect(fs.statSync(path.join(backup, 'data/audit.db')).mode & 0o777).toBe(0o600);
  expect(await runCli(['restore', backup], environment('again'))).toMatchObject({ code: 0 });
  const verified = await runCli(['audit', 'verify'], environment('again'));
  expect(verified.stdout).toMatch(/^\d+ records verified\n$/);
  expect(Number.parseInt(verified.stdout, 10)).toBeGreaterThanOrEqual(recorded);
});

it('[X4] never overwrites: neither a backup nor a data folder', async () => {
  const backup = path.join(folder, 'twice');
  expect(await village.cli('backup', backup)).toMatchObject({ code: 0 });
  const again = await village.cli('backup', backup);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('exists already') as string });
  const onto = await village.cli('restore', backup);
  expect(onto).toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') as string });
});

it('[X4] says what is wrong with a folder that is no backup', async () => {
  const { code, stderr } = await runCli(['restore', folder], environment('none'));
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('is no backup') as string });
});
