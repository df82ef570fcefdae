/** `npm run demo` as a newcomer runs it; and that it ends with a sentence, whatever happens to what it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { copyTree } from '../fixtures/tree-copy.ts';
import { childrenOf } from './lib/processes.ts';
import { ROOT } from './lib/village.ts';

/** On a quiet machine it takes 20 s. */
const DEMO_MS = 240_000;
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

function start(command: string, args: readonly string[], cwd = ROOT) {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  return { child, gone: once(child, 'exit') as Promise<[number | null]> };
}

it('[G3] [T6] [F2] shows the three workflows on real processes, all of it on record', {
  timeout: DEMO_MS,
}, async () => {
  const { child, gone } = start('npm', ['run', '--silent', 'demo']);
  const [said, problems, [code]] = await Promise.all([text(child.stdout), text(child.stderr), gone]);
  expect({ code, problems }).toEqual({ code: 0, problems: '' });
  expect(said).toContain('knowledge is kept for 90 days');
  expect(said).toContain('whose twin it was, nobody is told');
  expect(said).toMatch(/magi-1 runs on node …\w+, [\d.]+ s later/);
  expect(said).toMatch(/\d+ records verified\n$/);
});

it('[X2] ends with a sentence when the router is lost under it', { timeout: DEMO_MS }, async () => {
  const { child, gone } = start(process.execPath, [path.join(ROOT, 'demo/run.ts')]);
  const problems = text(child.stderr);
  for await (const line of createInterface(child.stdout)) {
    if (!line.includes('sage proposes')) continue;
    const [router] = childrenOf(child.pid!);
    process.kill(router!.pid, 'SIGKILL');
  }
  expect(await gone).toEqual([1, null]);
  expect(await problems).toMatch(/The demonstration stopped\. .+/);
});

it('[C2] takes the pictures of the console anew, each that the documents show', { timeout: DEMO_MS }, async () => {
  const clone = copyTree();
  try {
    const pictures = path.join(clone, 'docs/console');
    const shown = fs.readdirSync(pictures).toSorted();
    for (const name of shown) fs.rmSync(path.join(pictures, name));
    const { child, gone } = start('npm', ['run', '--silent', 'screenshots'], clone);
    child.stdout.resume();
    const [problems, [code]] = await Promise.all([text(child.stderr), gone]);
    expect(code, problems).toBe(0);
    expect(fs.readdirSync(pictures).toSorted()).toEqual(shown);
  } finally {
    fs.rmSync(clone, { recursive: true, force: true, maxRetries: 3 });
  }
});
