import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { ROOT, tokenFor, Village } from './lib/village.ts';

const INSPECTOR = path.join(ROOT, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js');

let village: Village;
let server: Started;
beforeAll(async () => {
  // One that runs already: over stdio each run starts a router, whose first list does not wait long for a cold server.
  const started = await startHttpFixture('tools.ts');
  server = started;
  village = await Village.start({
    config: {
      mcpServers: { up: { url: started.url.href } },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: ['up/*', 'prompt:*', 'resource:*'].map((match) => ({ match, level: 'OPERATOR' })),
    },
  });
});
afterAll(async () => {
  await village.remove();
  await server.stop();
});

/** Runs the Inspector's command line; gives what it printed as JSON. */
async function inspect(...args: string[]): Promise<{ code: number | null; result: unknown; stderr: string }> {
  const env = { PATH: process.env.PATH, HOME: village.folder };
  const child = spawn(process.execPath, [INSPECTOR, '--cli', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, result: stdout === '' ? undefined : JSON.parse(stdout), stderr };
}

/** How each door is named to the Inspector, with the token. */
const DOORS: Readonly<Record<string, (token: string) => string[]>> = {
  'Streamable HTTP': (token) => [`${village.url}/mcp`, '--header', `Authorization: Bearer ${token}`],
  SSE: (token) => [`${village.url}/sse`, '--header', `Authorization: Bearer ${token}`],
  stdio: (token) => {
    const { command, args, env } = village.stdioCommand(token);
    return [command, ...args, ...Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`])];
  },
};

describe.each(Object.keys(DOORS))('the Inspector over %s', (door) => {
  /** The result, as soon as a run succeeds: on a busy machine even that list may be too early. */
  const eventually = (...args: string[]) =>
    expect.poll(
      async () => {
        const { code, result, stderr } = await inspect(...DOORS[door]!(tokenFor('alice')), ...args);
        return code === 0 ? result : stderr;
      },
      { timeout: 40_000 },
    );

  it('[C3] [P2] lists tools and calls one', async () => {
    const named = (name: string) => expect.objectContaining({ name });
    await eventually('--method', 'tools/list').toMatchObject({
      tools: expect.arrayContaining([named('permission_explain'), named('up__echo')]),
    });
    const echo = ['--tool-name', 'up__echo', '--tool-arg', 'text=hello'];
    await eventually('--method', 'tools/call', ...echo).toMatchObject({ content: [{ type: 'text', text: 'hello' }] });
  }, 60_000);

  it('[C3] [P3] reads a resource and gets a prompt', async () => {
    const text = 'the text of note://alice';
    await eventually('--method', 'resources/read', '--uri', 'note://alice').toMatchObject({ contents: [{ text }] });
    const greet = ['--prompt-name', 'up__greet', '--prompt-args', 'name=Bob'];
    const messages = [{ content: { text: 'Greet Bob' } }];
    await eventually('--method', 'prompts/get', ...greet).toMatchObject({ messages });
  }, 60_000);

  it('[A1] [C3] is let in to nothing with a token that is not valid', async () => {
    const { code, result } = await inspect(...DOORS[door]!(`${tokenFor('alice')}x`), '--method', 'tools/list');
    expect(code).not.toBe(0);
    expect(result).toBeUndefined();
  });
});
