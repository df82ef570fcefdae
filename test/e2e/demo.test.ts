/** `npm run demo` as a newcomer runs it; and that it ends with a sentence, whatever happens to what it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { childrenOf } from './lib/processes.ts';
import { ROOT } from './lib/village.ts';

/** On a quiet machine it takes 20 s. */
const DEMO_MS = 240_000;
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

function start(command: string, args: readonly string[]) {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
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
