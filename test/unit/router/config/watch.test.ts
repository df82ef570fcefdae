import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../../../router/config/config.ts';
import { loadConfig } from '../../../../router/config/load.ts';
import { ConfigError } from '../../../../router/config/mistake.ts';
import { type ConfigWatch, watchConfig } from '../../../../router/config/watch.ts';

let folder: string;
let file: string;
let watch: ConfigWatch | undefined;
const changes: Config[] = [];
const errors: unknown[] = [];
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'aivillage-watch-'));
  file = path.join(folder, 'mcp-servers.json');
  changes.length = 0;
  errors.length = 0;
});
afterEach(async () => {
  await watch?.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

const holding = (...ids: string[]) =>
  JSON.stringify({ mcpServers: Object.fromEntries(ids.map((id) => [id, { command: 'node' }])) });

async function start(current?: Config) {
  watch = watchConfig(
    file,
    (config) => changes.push(config),
    (error) => errors.push(error),
    {
      env: {},
      ...(current && { current }),
    },
  );
  await watch.ready;
}

/** Servers of the newest config told. */
const newest = () => [...(changes.at(-1)?.servers.keys() ?? [])];
/** One second is promised (P9); a busy machine gets ten. */
const soon = { timeout: 10_000, interval: 20 };

describe('watchConfig', () => {
  it('[P9] [M5] tells a file that was written anew', async () => {
    fs.writeFileSync(file, holding('a'));
    await start();
    const began = performance.now();
    fs.writeFileSync(file, holding('a', 'b'));
    await expect.poll(newest, soon).toEqual(['a', 'b']);
    expect(performance.now() - began).toBeLessThan(10_000);
    fs.writeFileSync(file, holding('c'));
    await expect.poll(newest, soon).toEqual(['c']);
    expect(errors).toEqual([]);
  });

  it('[P9] follows editors that put another file in its place, again and again', async () => {
    fs.writeFileSync(file, holding('a'));
    await start();
    for (const id of ['b', 'c', 'd']) {
      fs.writeFileSync(path.join(folder, '.swap'), holding(id));
      fs.renameSync(path.join(folder, '.swap'), file);
      await expect.poll(newest, soon).toEqual([id]);
    }
    fs.renameSync(file, `${file}~`);
    fs.writeFileSync(file, holding('e'));
    await expect.poll(newest, soon).toEqual(['e']);
  });

  it('[P9] keeps the old configuration while the new one is broken or gone, and says so', async () => {
    fs.writeFileSync(file, holding('a'));
    await start();
    fs.writeFileSync(file, '{"mcpServers": {"x": {"command": "node",}, "y": 1}}');
    await expect.poll(() => errors.length, soon).toBe(1);
    expect(errors[0]).toBeInstanceOf(ConfigError);
    expect(String(errors[0])).toContain(`${file}:1:49: mcpServers.y: expected an object, got 1.`);
    fs.rmSync(file);
    await expect.poll(() => errors.length, soon).toBe(2);
    expect(String(errors[1])).toContain('there is no such file');
    expect(changes).toEqual([]);
    fs.writeFileSync(file, holding('b'));
    await expect.poll(newest, soon).toEqual(['b']);
  });

  it('[P9] follows a link to the file, and a link that is pointed elsewhere', async () => {
    fs.mkdirSync(path.join(folder, 'v1'));
    fs.mkdirSync(path.join(folder, 'v2'));
    fs.writeFileSync(path.join(folder, 'v1/file.json'), holding('a'));
    fs.writeFileSync(path.join(folder, 'v2/file.json'), holding('c'));
    fs.symlinkSync('v1/file.json', file);
    await start();
    fs.writeFileSync(path.join(folder, 'v1/file.json'), holding('a', 'b'));
    await expect.poll(newest, soon).toEqual(['a', 'b']);
    fs.symlinkSync('v2/file.json', path.join(folder, 'new'));
    fs.renameSync(path.join(folder, 'new'), file);
    await expect.poll(newest, soon).toEqual(['c']);
  });

  it('[P9] tells what changed between loading and watching', async () => {
    fs.writeFileSync(file, holding('a'));
    const current = loadConfig(file, {});
    fs.writeFileSync(file, holding('b'));
    await start(current);
    await expect.poll(newest, soon).toEqual(['b']);
  });

  it('[P9] tells nothing when other files change, or the same contents are written again', async () => {
    fs.writeFileSync(file, holding('a'));
    await start();
    fs.writeFileSync(path.join(folder, 'other.json'), '{');
    fs.writeFileSync(file, holding('a'));
    fs.utimesSync(file, 1, 1);
    fs.writeFileSync(file, holding('b'));
    await expect.poll(newest, soon).toEqual(['b']);
    expect(changes).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  it('[P9] tells nothing after it was closed', async () => {
    fs.writeFileSync(file, holding('a'));
    await start();
    fs.writeFileSync(file, holding('b'));
    await watch!.close();
    const second: Config[] = [];
    const other = watchConfig(
      file,
      (config) => second.push(config),
      () => undefined,
      { env: {} },
    );
    await other.ready;
    fs.writeFileSync(file, holding('c'));
    await expect.poll(() => second.length, soon).toBe(1);
    await other.close();
    expect(changes).toEqual([]);
  });
});
