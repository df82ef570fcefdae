import { once } from 'node:events';
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fixture, runCli, SECRET } from './lib/village.ts';

let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'refusals-'));
  env = {
    PATH: process.env.PATH,
    HOME: folder,
    AIVILLAGE_DATA_DIR: path.join(folder, 'data'),
    AIVILLAGE_CHECKPOINT_DIR: path.join(folder, 'checkpoints'),
    MCP_JWT_SECRET_KEY: SECRET,
  };
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Buffer): string {
  const file = path.join(folder, name);
  fs.writeFileSync(file, content);
  return file;
}

/** What `router --http 0` says before it ends; no log lines. */
async function start(
  more: NodeJS.ProcessEnv,
  config: string,
): Promise<{ code: number | null; stdout: string; said: string[] }> {
  const { code, stdout, stderr } = await runCli(['router', '--http', '0', '--config', config], { ...env, ...more });
  return { code, stdout, said: stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{')) };
}

it('[X1] tells all mistakes of a configuration at once, each with its place and what to do, and exits with 2', async () => {
  const file = write(
    'bad.json',
    `{
  "mcpServers": {
    "a b": { "command": "node" },
    "x": {},
    "y": { "command": "bash", "args": ["-c", "x"] },
    "z": { "url": "ftp://example.org" },
    "late": { "command": "node", "timeoutMs": 999999999 }
  },
  "agents": { "bob": { "level": "BOSS" } },
  "permissions": [{ "match": "x/*" }],
  "routr": {}
}
`,
  );
  const { code, stdout, said } = await start({}, file);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  for (const place of [':3:', ':4:', ':5:', ':6:', ':7:', ':9:', ':10:', ':11:']) {
    expect(said.some((line) => line.startsWith(`${file}${place}`))).toBe(true);
  }
  expect(said.every((line) => line.startsWith(`${file}:`) && line.includes('expected'))).toBe(true);
  expect(said.join('\n')).toContain('Did you mean "router"?');
});

it.each<[string, string | Buffer, RegExp]>([
  ['no JSON', '{"mcpServers": {', /expected/],
  ['nothing', '', /expected/],
  ['no UTF-8', Buffer.from([0xff, 0xfe, 0x7b]), /UTF-8/],
  ['a list', '[]', /expected an object/],
])('[X1] says where a configuration that is %s is wrong', async (name, content, what) => {
  const file = write(`${name.replace(' ', '-')}.json`, content);
  const { code, said } = await start({}, file);
  expect(code).toBe(2);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(what);
  expect(said[0]?.startsWith(`${file}:`)).toBe(true);
});

it('[X1] says how to name another configuration when there is none', async () => {
  const { code, said } = await start({}, path.join(folder, 'missing.json'));
  expect(code).toBe(2);
  expect(said).toEqual([expect.stringMatching(/there is no such file.*--config or AIVILLAGE_CONFIG/)]);
});

it('[R8] refuses more servers than MCP_MAX_SERVERS, and says which setting that is', async () => {
  const servers = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [`s${n}`, fixture('tools.ts')]));
  const file = write('many.json', JSON.stringify({ mcpServers: servers }));
  const { code, said } = await start({ MCP_MAX_SERVERS: '3' }, file);
  expect(code).toBe(2);
  expect(said).toEqual([
    expect.stringMatching(/expected at most 3 servers, got 4\. MCP_MAX_SERVERS sets the maximum\.$/),
  ]);
});

it('[R8] tells all wrong settings at once, and exits with 2', async () => {
  const file = write('empty.json', '{"mcpServers":{}}');
  const { code, said } = await start(
    { MCP_DEFAULT_TIMEOUT: '90', MCP_MAX_TIMEOUT: '60', MCP_MAX_RESULT_BYTES: 'much', MCP_JWT_SECRET_KEY: 'short' },
    file,
  );
  expect(code).toBe(2);
  expect(said).toHaveLength(3);
  expect(said.join('\n')).toMatch(/MCP_MAX_RESULT_BYTES: expected/);
  expect(said.join('\n')).toMatch(/MCP_DEFAULT_TIMEOUT: expected at most MCP_MAX_TIMEOUT \(60\), got 90/);
  expect(said.join('\n')).not.toContain('short');
});

it('[X1] says in a sentence that the port is taken, and starts nothing', async () => {
  const holder = net.createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const file = write('port.json', JSON.stringify({ mcpServers: { up: fixture('tools.ts') } }));
  const { code, stderr, stdout } = await runCli(['router', '--http', String(port), '--config', file], env);
  holder.close();
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain(
    `Port ${port} of 127.0.0.1 is taken. Stop what listens there, or set MCP_PORT to another port.`,
  );
  expect(stderr).not.toMatch(/\n\s+at /);
});

it.each([
  ['the data folder', 'AIVILLAGE_DATA_DIR', 'data'],
  ['the folder of checkpoints', 'AIVILLAGE_CHECKPOINT_DIR', 'checkpoints'],
])('[X4] says in a sentence that %s cannot be written', async (_, variable, name) => {
  const plain = write('plain', 'no folder');
  const file = write('empty.json', '{"mcpServers":{}}');
  const { code, stdout, said } = await start({ [variable]: path.join(plain, name) }, file);
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/ENOTDIR/);
});

it('[X4] says in a sentence that the audit is no audit', async () => {
  const broken = path.join(folder, 'broken');
  fs.mkdirSync(broken);
  fs.writeFileSync(path.join(broken, 'audit.db'), 'junk');
  const { code, said } = await start({ AIVILLAGE_DATA_DIR: broken }, write('empty.json', '{"mcpServers":{}}'));
  expect(code).toBe(1);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/audit.*cannot be opened/);
});
