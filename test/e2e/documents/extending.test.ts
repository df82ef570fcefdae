/** docs/EXTENDING.md followed literally in a copy of the tree: the tool that it describes is added, held to the suites, called, and taken out. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandsOf } from '../../fixtures/documents.ts';
import { copyTree } from '../../fixtures/tree-copy.ts';
import { untilListed } from '../lib/oracle.ts';
import { RawSession } from '../lib/raw-client.ts';
import { tokenFor, Village } from '../lib/village.ts';

const LIMIT_MS = 300_000;
const run = promisify(execFile);
const LAUNCHER = 'router/bin/aivillage.mjs';

let clone: string;
/** As it was copied. */
let copied: Map<string, string>;
/** The part on tools. */
let steps: string;
beforeAll(() => {
  clone = copyTree();
  copied = contents();
  steps = fs.readFileSync(path.join(clone, 'docs/EXTENDING.md'), 'utf8').split(/^## /m)[1]!;
});
afterAll(() => fs.rmSync(clone, { recursive: true, force: true, maxRetries: 3 }));

/** Words in backticks of a numbered step. */
function spansOf(step: number): string[] {
  const text = steps.split(/^\d\. /m)[step]!;
  return [...text.replace(/^ *```[\s\S]*?^ *```/gm, '').matchAll(/(`+) ?(.+?) ?\1(?!`)/g)].map(([, , words]) => words!);
}

function edit(file: string, change: (text: string) => string): void {
  const whole = path.join(clone, file);
  const before = fs.readFileSync(whole, 'utf8');
  const after = change(before);
  expect(after, `${file} is not what the document takes it for`).not.toBe(before);
  fs.writeFileSync(whole, after);
}

function addAsWritten(): void {
  const [file] = spansOf(1);
  const code = /^ *```ts\n([\s\S]*?)^ *```/m.exec(steps)![1]!.replace(/^ {3}/gm, '');
  fs.writeFileSync(path.join(clone, file!), code);
  const [index, item] = spansOf(2);
  const from = `import { systemUptime } from './${path.basename(file!)}';\n`;
  edit(index!, (text) =>
    text.replace(/(import \{ workflowAnalyze)/, `${from}$1`).replace(/(return \[\n)/, `$1${item}\n`),
  );
  const [name, , row] = spansOf(3);
  edit('shared/permission-matrix.ts', (text) =>
    text.replace(/( {4}'audio_analyze',\n)/, `$1${name}\n`).replace(/(\n {2}audio_analyze: .*\n)/, `$1${row}\n`),
  );
  const pinned = spansOf(4)
    .find((words) => words.startsWith("'"))!
    .replace(' ', ' '.repeat(10));
  edit('test/pins/permissions.test.ts', (text) => text.replace(/(\n {2}'audio_analyze .*\n)/, `$1${pinned}\n`));
  edit('servers/monitoring/README.md', (text) =>
    text.replace(/(\| tool `audio_analyze` .*\n)/, `$1${spansOf(5)[0]}\n`),
  );
}

/** What each file of the copy holds, from the root; what npm made is not in it. */
function contents(): Map<string, string> {
  const files = fs.readdirSync(clone, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files
      .map(({ parentPath, name }) => {
        const whole = path.join(parentPath, name);
        return [path.relative(clone, whole), fs.readFileSync(whole, 'latin1')] as const;
      })
      .filter(([file]) => !/^(node_modules|dist)\//.test(file)),
  );
}

/** Files that are not as they were copied. */
function changed(): string[] {
  const now = contents();
  return [...new Set([...now.keys(), ...copied.keys()])]
    .filter((file) => now.get(file) !== copied.get(file))
    .toSorted();
}

/** The document's own lines, in the copy. */
async function shell(line: string): Promise<string> {
  // What this run told its own workers would be taken by the run within for its own.
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|npm_|NODE_ENV$|TEST$)/.test(name));
  const bin = path.join(clone, 'node_modules/.bin');
  const env = {
    ...Object.fromEntries(own),
    PATH: [bin, path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
  };
  try {
    return (await run('bash', ['-euo', 'pipefail', '-c', line], { cwd: clone, env, maxBuffer: 64 * 1024 * 1024 }))
      .stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${line}\n${stdout.slice(-4_000)}\n${stderr.slice(-4_000)}`, { cause: error });
  }
}

it('[X3] a tool is added by the steps as they are written, and by nothing else', { timeout: LIMIT_MS }, async () => {
  addAsWritten();
  const lines = commandsOf(steps);
  expect(lines.filter((line) => / test|format/.test(line))).toEqual([
    'node test/pins/readme-tables.ts',
    'npm run format',
    'npx vitest run test/contract test/pins',
  ]);
  for (const line of ['node test/pins/readme-tables.ts', 'npm run format']) await shell(line);
  expect(changed()).toEqual([
    'README.md',
    'servers/monitoring/README.md',
    'servers/monitoring/tools/index.ts',
    'servers/monitoring/tools/system-uptime.ts',
    'shared/permission-matrix.ts',
    'test/pins/permissions.test.ts',
  ]);
  // `npx vitest run test/contract test/pins`, of the contract the part of the server that has the tool.
  await shell('npx vitest run test/contract test/pins -t "monitoring|table|permission|matrix|row"');
});

it('[X3] `npx aivillage call system_uptime` calls it then', { timeout: LIMIT_MS }, async () => {
  const village = await Village.start({
    launcher: path.join(clone, LAUNCHER),
    config: {
      mcpServers: { monitoring: { command: 'node', args: [path.join(clone, LAUNCHER), 'serve', 'monitoring'] } },
      agents: { alice: { level: 'OPERATOR' } },
    },
  });
  try {
    await untilListed(await RawSession.open(village.url, tokenFor('alice')), 'system_uptime');
    const { stdout } = await village.cli(
      'call',
      'system_uptime',
      '--url',
      `${village.url}/mcp`,
      '--token',
      tokenFor('alice'),
    );
    expect(JSON.parse(stdout)).toEqual({ seconds: expect.any(Number) });
  } finally {
    await village.remove();
  }
});

it('[X3] one test file is run alone as the document says', { timeout: LIMIT_MS }, async () => {
  await shell('npx vitest run test/unit/shared/tool.test.ts');
});

it('[X3] and is out again when the steps are undone', { timeout: LIMIT_MS }, async () => {
  const [file] = spansOf(1);
  fs.rmSync(path.join(clone, file!));
  for (const each of [
    'servers/monitoring/tools/index.ts',
    'shared/permission-matrix.ts',
    'test/pins/permissions.test.ts',
    'servers/monitoring/README.md',
  ]) {
    edit(each, (text) => text.replace(/^.*(?:system_uptime|systemUptime).*\n/gm, ''));
  }
  await shell('node test/pins/readme-tables.ts && npm run format');
  expect(changed()).toEqual([]);
});
