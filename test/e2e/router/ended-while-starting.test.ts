import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fixture, runCli } from '../lib/village.ts';

let folder: string;
beforeEach(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'ended-')));
});
afterEach(() => fs.rmSync(folder, { recursive: true, maxRetries: 3 }));

/** Processes that work in the folder: the servers of the configuration. */
function survivors(): string[] {
  return fs.readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && fs.readlinkSync(`/proc/${pid}/cwd`) === folder;
    } catch {
      return false; // gone meanwhile
    }
  });
}

const SERVERS = {
  'one that is quick': fixture('tools.ts'),
  'one that takes its time': fixture('crash.ts', '--slow-start', '3000'),
  'one that never answers': fixture('garbage.ts', '--mute'),
};

it.each(Object.entries(SERVERS))(
  '[R5] ends with its host while a server is starting, and leaves none behind: %s',
  async (_, server) => {
    const configFile = path.join(folder, 'mcp-servers.json');
    fs.writeFileSync(configFile, JSON.stringify({ mcpServers: { up: { ...server, cwd: folder } } }));
    const env = { PATH: process.env.PATH, HOME: folder, AIVILLAGE_DATA_DIR: path.join(folder, 'data') };
    const startedAt = performance.now();
    const { code, stderr } = await runCli(['router', '--stdio', '--config', configFile], env);
    expect(stderr).toContain('"state":"starting"');
    expect(stderr).not.toContain('"state":"waiting"');
    expect(code).toBe(0);
    // Usually a second or two: the grace that a child has.
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(survivors()).toEqual([]);
  },
);
