import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const LAUNCHER = path.resolve('router/bin/aivillage.mjs');
const { isNewEnough, findNode } = (await import(pathToFileURL(LAUNCHER).href)) as {
  isNewEnough(version: string): boolean;
  findNode(from: string): string | undefined;
};

/** What the launcher starts, told over stdout; `hold` waits for a signal. */
const MAIN = `
if (process.argv[2] === 'hold') {
  process.on('SIGTERM', () => { console.log('told'); process.exit(7); });
  setInterval(() => {}, 1000);
}
const { version, pid, env } = process;
console.log(JSON.stringify({ args: process.argv.slice(2), version, pid, mark: env.AIVILLAGE_LAUNCHED ?? null }));
if (process.argv[2] === 'exit') process.exit(Number(process.argv[3]));
if (process.argv[2] === 'throw') throw new Error('broken main');
`;

let folder: string;
let project: string;
const started: ChildProcess[] = [];
beforeEach(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'aivillage-launch-')));
  project = path.join(folder, 'project');
  fs.mkdirSync(path.join(project, 'router/bin'), { recursive: true });
  fs.mkdirSync(path.join(project, 'router/cli'));
  fs.copyFileSync(LAUNCHER, path.join(project, 'router/bin/aivillage.mjs'));
  fs.writeFileSync(path.join(project, 'package.json'), '{"type":"module"}');
  fs.writeFileSync(path.join(project, 'router/cli/main.ts'), `const typed: number = 1;\nvoid typed;${MAIN}`);
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  fs.rmSync(folder, { recursive: true, force: true });
});

/** A Node that says it is version 20 and otherwise is this one: what an old system's Node is to the launcher. */
function oldNode(): string {
  const file = path.join(folder, 'old-version.cjs');
  fs.writeFileSync(file, "Object.defineProperty(process, 'version', { value: 'v20.11.0' });");
  const script = path.join(folder, 'old-node');
  fs.writeFileSync(script, `#!/bin/sh\nexec '${process.execPath}' --require '${file}' "$@"\n`, { mode: 0o755 });
  return script;
}

/** Gives the project a `node` package whose binary is the Node that runs this test. */
function installNode(where = project): string {
  const bin = path.join(where, 'node_modules/node/bin');
  fs.mkdirSync(bin, { recursive: true });
  const script = path.join(bin, 'node');
  // The flag that makes the old one old must not reach the new one.
  fs.writeFileSync(script, `#!/bin/sh\n[ "$1" = --require ] && shift 2\nexec '${process.execPath}' "$@"\n`, {
    mode: 0o755,
  });
  return script;
}

async function launch(node: string, args: readonly string[]) {
  const child = spawn(node, [path.join(project, 'router/bin/aivillage.mjs'), ...args], { stdio: 'pipe' });
  started.push(child);
  child.stdin.end();
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { stdout, stderr, code: code as number | null, signal: signal as string | null };
}

describe('the launcher', () => {
  it.each([
    ['v12.22.0', false],
    ['v18.20.0', false],
    ['v20.20.2', false],
    ['v22.18.9', false],
    ['v22.19.0', true],
    ['v22.20.0', true],
    ['v23.0.0', true],
    ['v24.21.0', true],
    ['v100.0.0', true],
  ])('[X3] says of Node %s whether it is new enough: %s', (version, expected) => {
    expect(isNewEnough(version)).toBe(expected);
  });

  it('[X3] finds the Node of the project, and of a project above it', () => {
    const inside = path.join(project, 'node_modules/aivillage-mcp/router/bin');
    fs.mkdirSync(inside, { recursive: true });
    expect(findNode(inside)).not.toBe(path.join(project, 'node_modules/node/bin/node'));
    const node = installNode();
    expect(findNode(inside)).toBe(node);
  });

  it('[X3] starts main.ts as it is with a Node that is new enough, and keeps arguments and exit code', async () => {
    const { stdout, code } = await launch(process.execPath, ['exit', '3', '--flag', 'a b']);
    expect(JSON.parse(stdout)).toMatchObject({
      args: ['exit', '3', '--flag', 'a b'],
      version: process.version,
      mark: null,
    });
    expect(code).toBe(3);
  });

  it('[X3] starts what the build left in dist where there is no source, and the source where there is', async () => {
    fs.mkdirSync(path.join(project, 'dist/router/cli'), { recursive: true });
    fs.writeFileSync(path.join(project, 'dist/router/cli/main.js'), 'process.exitCode = 9;');
    expect((await launch(process.execPath, ['exit', '0'])).code).toBe(0);
    fs.rmSync(path.join(project, 'router/cli'), { recursive: true });
    expect((await launch(process.execPath, ['exit', '0'])).code).toBe(9);
  });

  it('[X3] works through a link, as npx makes it', async () => {
    const link = path.join(folder, 'aivillage');
    fs.symlinkSync(path.join(project, 'router/bin/aivillage.mjs'), link);
    const child = spawn(process.execPath, [link, 'exit', '4'], { stdio: 'ignore' });
    started.push(child);
    expect(await once(child, 'close')).toEqual([4, null]);
  });

  it("[X3] runs itself again with the project's Node when its own is too old", async () => {
    installNode();
    const { stdout, code } = await launch(oldNode(), ['exit', '5', 'x']);
    expect(JSON.parse(stdout)).toMatchObject({ args: ['exit', '5', 'x'], version: process.version, mark: null });
    expect(code).toBe(5);
  });

  it('[X3] passes signals on and keeps the way the other one ended', async () => {
    installNode();
    const child = spawn(oldNode(), [path.join(project, 'router/bin/aivillage.mjs'), 'hold'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(child);
    const [first] = (await once(child.stdout!, 'data')) as [Buffer];
    expect(JSON.parse(first.toString()).pid).not.toBe(child.pid);
    child.kill('SIGTERM');
    expect(await text(child.stdout!)).toBe('told\n');
    const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
    expect(code).toBe(7);

    const killed = spawn(oldNode(), [path.join(project, 'router/bin/aivillage.mjs'), 'hold'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(killed);
    const [line] = (await once(killed.stdout!, 'data')) as [Buffer];
    process.kill(JSON.parse(line.toString()).pid as number, 'SIGKILL');
    expect(await once(killed, 'exit')).toEqual([null, 'SIGKILL']);
  });

  it('[X3] says in one sentence what to do when there is no other Node', async () => {
    const { stdout, stderr, code } = await launch(oldNode(), ['up']);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      `aivillage: needs Node 22.19 or newer, this is v20.11.0: run "npm install" in ${project}, which brings one, or install it from https://nodejs.org.\n`,
    );
    expect(code).toBe(1);
  });

  it('[X3] says how a project that installed the package gets another Node', async () => {
    const user = path.join(folder, 'user');
    fs.mkdirSync(path.join(user, 'node_modules'), { recursive: true });
    fs.renameSync(project, path.join(user, 'node_modules/aivillage-mcp'));
    project = path.join(user, 'node_modules/aivillage-mcp');
    const needs = 'aivillage: needs Node 22.19 or newer, this is v20.11.0: ';
    expect(await launch(oldNode(), ['up'])).toMatchObject({
      code: 1,
      stderr: `${needs}install it from https://nodejs.org.\n`,
    });
    fs.writeFileSync(path.join(user, 'package.json'), '{}');
    expect(await launch(oldNode(), ['up'])).toMatchObject({
      code: 1,
      stderr: `${needs}run "npm install node@24" in ${user}, or install it from https://nodejs.org.\n`,
    });
    installNode(user);
    // Node takes no types within node_modules.
    fs.mkdirSync(path.join(project, 'dist/router/cli'), { recursive: true });
    fs.writeFileSync(path.join(project, 'dist/router/cli/main.js'), MAIN);
    fs.rmSync(path.join(project, 'router/cli'), { recursive: true });
    expect((await launch(oldNode(), ['exit', '8'])).code).toBe(8);
  });

  it("[X3] does not run itself again and again when the project's Node is too old too", async () => {
    const node = installNode();
    fs.copyFileSync(oldNode(), node);
    const { stderr, code } = await launch(oldNode(), ['up']);
    expect(stderr.match(/needs Node/g)).toHaveLength(1);
    expect(code).toBe(1);
  });

  it('[X3] says what is wrong when main is missing or broken', async () => {
    expect(await launch(process.execPath, ['throw'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('aivillage: Error: broken main'),
    });
    fs.rmSync(path.join(project, 'router/cli/main.ts'));
    expect(await launch(process.execPath, [])).toMatchObject({
      code: 1,
      stderr: `aivillage: the program is missing in ${project}; install the package again.\n`,
    });
  });

  it('[X3] does the right thing under whatever Node the system has, old or new', async () => {
    const systems = ['/usr/bin/node', '/usr/local/bin/node', process.execPath].find((file) => fs.existsSync(file))!;
    installNode();
    const { stdout, code } = await launch(systems, ['exit', '6']);
    const { version } = JSON.parse(stdout) as { version: string };
    expect(isNewEnough(version)).toBe(true);
    expect(code).toBe(6);
  });
});
