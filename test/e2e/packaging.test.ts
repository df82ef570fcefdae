/**
 * What npm publishes, as a user gets it: packed once, installed into an empty folder, run there with nothing of the repository, on
 * the Node that runs this test and on the oldest that it promises.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePdf } from '../fixtures/hyperrag/pdf.ts';
import { copyTree } from '../fixtures/tree-copy.ts';
import { structured } from './lib/governed.ts';
import { isAlive, processesWith, until } from './lib/processes.ts';
import { RawSession } from './lib/raw-client.ts';
import { ROOT } from './lib/village.ts';

const INSTALL_MS = 240_000;
const OLDEST_NODE = '22.19.0';
/** Ready within 2 s is what is wanted of a quiet machine; it is printed. This one may be busy. */
const READY_MS = 20_000;
/** For one command; npm says why it waits for nothing only when it is ended. */
const COMMAND_MS = 100_000;
const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

let folder: string;
/** The sources that are packed: a copy, because packing builds anew what other tests use meanwhile. */
let clone: string;
/** Runs OLDEST_NODE. */
let oldestNode: string;
/** Where the user works: an empty project with the package in it. */
let project: string;
let packed: string[] = [];
const started: ChildProcess[] = [];

/**
 * Where the installation lives for its minute: in memory where there is room, because a disk takes longer to forget its 20,000 small files
 * than npm to write them (half of this file's time went there).
 */
function placeOfInstallation(): string {
  if (!fs.existsSync('/dev/shm')) return os.tmpdir();
  const { bavail, bsize } = fs.statfsSync('/dev/shm');
  return bavail * bsize > 2 ** 31 ? '/dev/shm' : os.tmpdir();
}

/** What npm told its scripts would make the npm within take this project for its own. */
function outsideEnv(): NodeJS.ProcessEnv {
  const kept = /^npm_config_(registry|cache|userconfig|globalconfig)$/;
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|INIT_CWD$|NODE_(OPTIONS|ENV|PATH)$)/.test(name) || kept.test(name),
  );
  // The Node that runs this test, without the repository's commands beside it.
  const bin = path.join(folder, 'bin');
  const rest = (process.env.PATH ?? '').split(path.delimiter).filter((each) => !each.startsWith(path.resolve(ROOT)));
  return { ...Object.fromEntries(entries), PATH: [bin, ...rest].join(path.delimiter) };
}

/** With a data folder of its own. */
function userEnv(): NodeJS.ProcessEnv {
  return {
    ...outsideEnv(),
    HOME: path.join(folder, 'home'),
    AIVILLAGE_DATA_DIR: path.join(folder, 'data'),
    AIVILLAGE_CHECKPOINT_DIR: path.join(folder, 'checkpoints'),
    HYPERRAG_FOLDERS: folder,
    MCP_PORT: '0',
  };
}

async function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv) {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_MS });
  started.push(child);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { stdout, stderr, code: code as number | null };
}

type Started = ChildProcess & { stdout: Readable; stdin: Writable };

/** In the user's project; `npx` takes a second more than the command that it finds. */
function start(command: string, args: readonly string[]): Started {
  const child = spawn(command, args, { cwd: project, env: userEnv(), stdio: ['pipe', 'pipe', 'pipe'] });
  started.push(child);
  child.stderr.resume();
  return child;
}

/** The command as npm links it, on another Node. */
const aivillageOn = (node: string, ...args: string[]) =>
  start(node, [path.join(project, 'node_modules/.bin/aivillage'), ...args]);
const npx = (...args: string[]) => start('npx', ['--no-install', 'aivillage', ...args]);
const aivillage = (...args: string[]) => start(path.join(project, 'node_modules/.bin/aivillage'), args);

async function firstLine(child: Started, wanted: RegExp): Promise<string> {
  const found = new Promise<string>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      if (wanted.test(line)) resolve(line);
    });
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`it ended with ${String(code)} before it said ${wanted}`);
  });
  return Promise.race([found, ended]);
}

/** Starts it and waits until it says that it is ready; prints how long that took. @returns its address */
async function untilReady(how: string, begin: () => Started): Promise<string> {
  const began = performance.now();
  const ready = await firstLine(begin(), /^ready /);
  const ms = performance.now() - began;
  console.log(`start to ready, ${how}: ${(ms / 1_000).toFixed(2)} s`);
  expect(ms).toBeLessThan(READY_MS);
  return ready.slice('ready '.length);
}

/** The program itself, behind npx and its shell. */
function programs(): number[] {
  return processesWith(path.join(project, 'node_modules')).filter(isAlive);
}

/** Everything that was started is gone. */
async function untilEnded(): Promise<void> {
  await until('nothing of the package runs any more', () => programs().length === 0, 20_000);
}

beforeAll(async () => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(placeOfInstallation(), 'aivillage-pack-')));
  project = path.join(folder, 'project');
  fs.mkdirSync(path.join(folder, 'home'));
  fs.mkdirSync(path.join(folder, 'bin'));
  fs.symlinkSync(process.execPath, path.join(folder, 'bin/node'));
  clone = copyTree(['node_modules']);
  const npm = (cwd: string, ...args: string[]) => run('npm', args, cwd, outsideEnv());
  const install = (cwd: string, ...what: string[]) => {
    fs.mkdirSync(cwd, { recursive: true });
    fs.writeFileSync(path.join(cwd, 'package.json'), '{"private":true}');
    return npm(
      cwd,
      'install',
      '--prefer-offline',
      '--omit=dev',
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      ...what,
    );
  };
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const nodePackage = `node-${platform}-${process.arch}`;
  const began = performance.now();
  const [pack, node] = await Promise.all([
    npm(clone, 'pack', '--json', '--pack-destination', folder),
    install(path.join(folder, 'oldest'), `${nodePackage}@${OLDEST_NODE}`),
  ]);
  const packedMs = performance.now() - began;
  expect(pack.code, pack.stderr).toBe(0);
  expect(node.code, node.stderr).toBe(0);
  oldestNode = path.join(folder, 'oldest/node_modules', nodePackage, 'bin/node');
  const tarball = fs.readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, 'none.json'), '{"mcpServers":{}}');
  const done = await install(project, `../${tarball}`);
  expect(done.code, done.stderr).toBe(0);
  const installedMs = performance.now() - began - packedMs;
  console.log(`packed in ${(packedMs / 1_000).toFixed(1)} s, installed in ${(installedMs / 1_000).toFixed(1)} s`);
  const installed = path.join(project, 'node_modules/aivillage-mcp');
  packed = fs
    .readdirSync(installed, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('node_modules') && fs.statSync(path.join(installed, name)).isFile());
}, INSTALL_MS);

afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  // After a failure a router may still run, and start again what is killed before it.
  await until('nothing of the package runs any more', () => {
    for (const pid of programs()) process.kill(pid, 'SIGKILL');
    return programs().length === 0;
  });
  for (const each of [folder, clone]) fs.rmSync(each, { recursive: true, force: true, maxRetries: 3 });
}, INSTALL_MS);

describe('the package that npm publishes', () => {
  it('[X3] holds JavaScript, the configuration and what is read before use, and nothing of the workshop', () => {
    for (const name of ['LICENSE', 'README.md', 'mcp-servers.json', 'package.json', 'router/bin/aivillage.mjs']) {
      expect(packed).toContain(name);
    }
    expect(packed).toContain('dist/router/audit/writer-worker.js');
    expect(packed).toContain('dist/servers/hyperrag/ingest/pdf-child.js');
    expect(packed).toContain('dist/servers/fog/resident/main.mjs');
    expect(packed).toContain('dist/console/index.html');
    expect(packed).toContain('dist/client/index.d.ts');
    expect(packed.filter((name) => /(?<!\.d)\.tsx?$|^(test|demo|packaging)\//.test(name))).toEqual([]);
    expect(fs.existsSync(path.join(project, 'node_modules/typescript'))).toBe(false);
    expect(fs.existsSync(path.join(project, 'node_modules/node'))).toBe(false);
  });

  it('[X2] says its version and how it is used', async () => {
    expect(await text(npx('--version').stdout)).toBe(`${version}\n`);
    expect(await text(aivillage('--help').stdout)).toMatch(/^Usage: aivillage .*\bserve\b.*\baudit\b/s);
  });

  it('[X3] starts the whole village, and ends with everything that it started', async () => {
    let village: Started | undefined;
    const url = await untilReady('the first time, by npx', () => {
      village = npx('up');
      return village;
    });
    const exit = once(village!, 'exit');
    const token = (await text(aivillage('token', 'issue', '--agent', 'king').stdout)).trim();
    const king = await RawSession.open(new URL(url).origin, token);
    const states = async () => {
      const { services } = structured(await king.call('service_list', {})) as {
        services: { id: string; state: string }[];
      };
      return Object.fromEntries(services.map(({ id, state }) => [id, state]));
    };
    const file = path.join(ROOT, 'mcp-servers.json');
    const { mcpServers } = JSON.parse(fs.readFileSync(file, 'utf8')) as { mcpServers: object };
    const all = Object.fromEntries(Object.keys(mcpServers).map((id) => [id, 'ready']));
    await expect.poll(states, { timeout: 60_000, interval: 1_000 }).toMatchObject(all);
    // A process beside the server reads PDF, and a thread writes the audit: both are files of their own in the package.
    const pdf = path.join(folder, 'owls.pdf');
    fs.writeFileSync(pdf, makePdf([['Owls fly at night.']]));
    const ingest = aivillage(
      'call',
      'hyperrag_ingest',
      '--args',
      JSON.stringify({ paths: [pdf] }),
      '--url',
      url,
      '--token',
      token,
    );
    expect(JSON.parse(await text(ingest.stdout))).toMatchObject({ documents: 1, passages: 1, skipped: [] });
    expect(await text(aivillage('audit', 'verify').stdout)).toMatch(/\d+ records verified/);
    // As a terminal would: npx gives a signal that only it gets to nobody.
    const [router] = processesWith(`${path.join(project, 'node_modules/.bin/aivillage')}\0up`);
    process.kill(router!, 'SIGTERM');
    await untilEnded();
    expect(await exit).toBeDefined();
  }, 120_000);

  it('[X3] starts on the oldest Node that it promises too', async () => {
    expect((await run(oldestNode, ['--version'], project, userEnv())).stdout).toBe(`v${OLDEST_NODE}\n`);
    let village: Started | undefined;
    await untilReady(`on Node ${OLDEST_NODE}`, () => {
      village = aivillageOn(oldestNode, 'up');
      return village;
    });
    expect(await text(aivillageOn(oldestNode, 'audit', 'verify').stdout)).toMatch(/\d+ records verified/);
    village!.kill('SIGTERM');
    await untilEnded();
  }, 60_000);

  it.each([
    ['one server', 'this Node', ['serve', 'monitoring', '--stdio'], 'monitoring'],
    ['the router', 'this Node', ['router', '--stdio'], 'aivillage'],
    ['one server', `Node ${OLDEST_NODE}`, ['serve', 'monitoring', '--stdio'], 'monitoring'],
    // With no server behind it: that all of them start on this Node was seen above.
    ['the router', `Node ${OLDEST_NODE}`, ['router', '--stdio', '--config', 'none.json'], 'aivillage'],
  ])(
    '[X3] answers a host that starts %s on stdio, on %s',
    async (_what, on, args, name) => {
      const server = on === 'this Node' ? aivillage(...args) : aivillageOn(oldestNode, ...args);
      server.stdin.write(`${JSON.stringify(INITIALIZE)}\n`);
      const answer = JSON.parse(await firstLine(server, /"id":1/)) as {
        result: { serverInfo: { name: string; version: string } };
      };
      expect(answer.result.serverInfo).toMatchObject({ name });
      server.stdin.end();
      await untilEnded();
    },
    60_000,
  );

  it('[C3] is what the bundle for Claude Desktop holds, with a manifest that its format takes', async () => {
    const bundle = path.join(ROOT, 'packaging/bundle.ts');
    const { code, stderr } = await run(process.execPath, [bundle, '--check', project], ROOT, outsideEnv());
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('Manifest schema validation passes');
  }, 120_000);

  it('[X3] says what to do on a Node that is too old', async () => {
    const old = path.join(folder, 'old.cjs');
    fs.writeFileSync(old, "Object.defineProperty(process, 'version', { value: 'v20.20.2' });");
    const launcher = path.join(project, 'node_modules/aivillage-mcp/router/bin/aivillage.mjs');
    expect(await run(process.execPath, ['--require', old, launcher, 'up'], project, userEnv())).toEqual({
      code: 1,
      stdout: '',
      stderr: `aivillage: needs Node 22.19 or newer, this is v20.20.2: run "npm install node@24" in ${project}, or install it from https://nodejs.org.\n`,
    });
  });
});
