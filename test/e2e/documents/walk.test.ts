/**
 * The documents followed as they are written, in a fresh copy of the tree on a data folder of its own: `npm start`, the README's blocks
 * line by line, and every other command of the command line that any document names.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RUN_BY } from '../../fixtures/documented-commands.ts';
import { blocksOf, commandsOf, markdownFiles, plainCommand, shellCommand } from '../../fixtures/documents.ts';
import { copyTree } from '../../fixtures/tree-copy.ts';
import { until } from '../lib/processes.ts';

const LIMIT_MS = 120_000;
/** What a reader puts in place of a document's own `…`; the rest of a line stays as it is. */
const FILLED: readonly (readonly [string, string])[] = [
  ['--reason …', "--reason 'a trial'"],
  ['add NAME', 'add maria'],
  // The password comes on standard input, as the help of the command says.
  ['--role ROLE', "--role developer <<< 'correct horse battery staple'"],
];
/** Commands that go on until they are ended. */
const GOES_ON = /^aivillage (?:fog node|router|serve|up)\b/;
/** Nothing runs any more behind these; whatever a document names first, they come last. */
const STOPS = /^aivillage stop\b/;

let clone: string;
let env: NodeJS.ProcessEnv;
/** What fog nodes and peers join by. */
let address = '';
const started: ChildProcess[] = [];

function start(command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) {
  // A group of its own, so that what npm and npx start between is ended with it.
  const options = { cwd: clone, env: { ...env, ...more }, detached: true } as const;
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  return child;
}

/** In a shell that stops at the first line that fails. */
async function shell(script: string, more: NodeJS.ProcessEnv = {}) {
  const child = start('bash', ['-euo', 'pipefail', '-c', script], more);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { stdout, stderr, code: code as number | null };
}

/** Waits until a command that goes on says that it is ready, and ends it. */
async function untilReady(script: string): Promise<void> {
  const child = start('bash', ['-euo', 'pipefail', '-c', script]);
  const problems = text(child.stderr);
  const lines = createInterface(child.stdout);
  const isReady = new Promise<boolean>((resolve) => {
    lines.on('line', (line) => line.startsWith('ready ') && resolve(true)).on('close', () => resolve(false));
  });
  if (!(await isReady)) throw new Error(`${script}: ${await problems}`);
  end(child, 'SIGTERM');
  await once(child, 'close');
}

function end(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal);
  } catch {
    // It has ended.
  }
}

const readme = () => fs.readFileSync(path.join(clone, 'README.md'), 'utf8');
function blockWith(words: string, ...languages: string[]): string {
  return blocksOf(readme(), ...languages).find((block) => block.includes(words))!;
}

beforeAll(async () => {
  clone = copyTree();
  const bin = path.join(clone, '..', `${path.basename(clone)}-bin`);
  fs.mkdirSync(bin);
  fs.symlinkSync(path.join(clone, 'router/bin/aivillage.mjs'), path.join(bin, 'aivillage'));
  env = {
    PATH: [bin, path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
    HOME: path.join(clone, '..', `${path.basename(clone)}-home`),
    P2P_MDNS: '0',
    MCP_PORT: '0',
    npm_config_update_notifier: 'false',
  };
  const village = start('npm', ['start']);
  village.stderr.resume();
  for await (const line of createInterface(village.stdout)) {
    const port = /^ready http:\/\/127\.0\.0\.1:(\d+)\/mcp$/.exec(line)?.[1];
    if (port === undefined) continue;
    env.MCP_PORT = port;
    break;
  }
  expect(env.MCP_PORT).not.toBe('0');
}, LIMIT_MS);

afterAll(() => {
  for (const child of started) end(child, 'SIGKILL');
  for (const ending of ['', '-bin', '-home'])
    fs.rmSync(`${clone}${ending}`, { recursive: true, force: true, maxRetries: 3 });
});

it('[X3] the first block of the README gives an agent a token, calls a tool and proves the record', {
  timeout: LIMIT_MS,
}, async () => {
  const { stdout, stderr, code } = await shell(blockWith('token issue --agent sage', 'sh'));
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('hyperrag_query');
  expect(stdout).toContain('"cpu"');
  expect(stdout).toContain('"tool":"system_performance"');
  expect(stdout).toMatch(/\d+ records verified\n$/);
  env.MCP_TOKEN = fs.readFileSync(path.join(clone, 'token'), 'utf8').trim();
});

it('[F1] [F2] [F3] the block on offering a machine starts a node, a shard and a job', {
  timeout: LIMIT_MS,
}, async () => {
  const [ask, join, ...calls] = blockWith('fog node --join', 'sh').trim().split('\n');
  await until(
    'peers can be joined',
    async () => {
      const { stdout } = await shell(ask!);
      address = stdout.trim();
      return address !== '';
    },
    60_000,
  );
  const node = start('bash', ['-c', join!.replace('<multiaddr>', address)]);
  node.stderr.resume();
  for await (const line of createInterface(node.stdout)) if (line.startsWith('ready ')) break;
  for (const line of calls) {
    await expect
      .poll(async () => shell(line), { timeout: 60_000, interval: 1_000 })
      .toEqual({ code: 0, stdout: expect.stringMatching(/"(shard|job)_id"/), stderr: '' });
  }
  end(node, 'SIGTERM');
});

it('[C3] an agent with the plain SDK calls a tool, in TypeScript as it is written, and the one in Python is Python', {
  timeout: LIMIT_MS,
}, async () => {
  const here = (program: string) => program.replace('127.0.0.1:8083', `127.0.0.1:${env.MCP_PORT}`);
  fs.writeFileSync(path.join(clone, 'agent.ts'), here(blockWith('callTool', 'ts')));
  const { stdout, stderr, code } = await shell('node agent.ts');
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('current: {');
  fs.writeFileSync(path.join(clone, 'agent.py'), here(blockWith('call_tool', 'python')));
  expect(await shell('python3 -m py_compile agent.py')).toMatchObject({ code: 0 });
});

it('[C3] [X2] every other command that a document names does what it is there for', { timeout: LIMIT_MS }, async () => {
  const elsewhere = new Set(RUN_BY.map(([command]) => command));
  const walked = new Set(
    ['token issue --agent sage', 'fog node --join']
      .flatMap((words) => commandsOf(`\`\`\`sh\n${blockWith(words, 'sh')}\`\`\``))
      .map(plainCommand),
  );
  const all = markdownFiles(clone).flatMap(({ text: document }) => commandsOf(document).map(shellCommand));
  const rest = [...new Set(all)].filter((command) => {
    const plain = plainCommand(command);
    return /^(?:aivillage|curl) /.test(plain) && !elsewhere.has(plain) && !walked.has(plain);
  });
  const readmeConfig = path.join(clone, 'readme-servers.json');
  fs.writeFileSync(readmeConfig, blockWith('"mcpServers"', 'json'));
  const failed: string[] = [];
  for (const command of rest.toSorted((a, b) => Number(STOPS.test(a)) - Number(STOPS.test(b)))) {
    const filled = FILLED.reduce((line, [from, to]) => line.replace(from, to), command)
      .replace(/--join …\S*/, `--join ${address}`)
      .replace('127.0.0.1:8083', `127.0.0.1:${env.MCP_PORT}`);
    if (/…|<\w/.test(filled)) failed.push(`${command}: say in FILLED what a reader puts there`);
    else if (GOES_ON.test(filled)) await untilReady(`AIVILLAGE_DATA_DIR=~/another ${filled}`);
    else {
      // Names of the README's own example need the README's own configuration.
      const more = /files\//.test(filled) ? { AIVILLAGE_CONFIG: readmeConfig, SEARCH_KEY: 'a key' } : {};
      const { code, stderr } = await shell(filled, more);
      if (code !== 0) failed.push(`${command}: ended with ${code}: ${stderr}`);
    }
  }
  expect(failed).toEqual([]);
  expect(rest.length).toBeGreaterThan(10);
});
