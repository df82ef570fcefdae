import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startCompanion } from '../../fixtures/identity/processes.ts';
import { hs256 } from '../../fixtures/identity/setup.ts';
import { recordsAfter } from '../lib/oracle.ts';
import type { JsonRpc } from '../lib/raw-client.ts';
import { fixture, LAUNCHER, runCli, SECRET, tokenFor } from '../lib/village.ts';

let folder: string;
let env: NodeJS.ProcessEnv;
const hosts: Host[] = [];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  const configFile = path.join(folder, 'mcp-servers.json');
  const permissions = [
    { match: 'up/echo', level: 'OPERATOR' },
    { match: 'up/sleep', level: 'OPERATOR' },
    { match: 'up/whoami', level: 'COORDINATOR' },
    { match: 'up/append', level: 'OPERATOR', permission: 'governance:vote' },
  ];
  fs.writeFileSync(configFile, JSON.stringify({ mcpServers: { up: fixture('tools.ts') }, permissions }));
  env = {
    PATH: process.env.PATH,
    AIVILLAGE_DATA_DIR: path.join(folder, 'data'),
    AIVILLAGE_CHECKPOINT_DIR: path.join(folder, 'checkpoints'),
    AIVILLAGE_CONFIG: configFile,
    MCP_JWT_SECRET_KEY: SECRET,
  };
});
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** What a desktop host does: starts the router and speaks MCP over its pipes. */
class Host {
  readonly lines: string[] = [];
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly waiting = new Map<number, (message: JsonRpc) => void>();
  private nextId = 1;

  constructor(token: string | undefined) {
    const variables = token === undefined ? env : { ...env, MCP_TOKEN: token };
    this.child = spawn(process.execPath, [LAUNCHER, 'router', '--stdio'], { env: variables, stdio: 'pipe' });
    this.child.stderr.resume();
    createInterface(this.child.stdout).on('line', (line) => {
      this.lines.push(line);
      const message = JSON.parse(line) as JsonRpc;
      this.waiting.get(message.id as number)?.(message);
    });
    hosts.push(this);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  request(method: string, params: object = {}): Promise<JsonRpc> {
    const id = this.nextId++;
    const answer = new Promise<JsonRpc>((resolve) => this.waiting.set(id, resolve));
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return answer;
  }

  async open(): Promise<void> {
    const clientInfo = { name: 'host', version: '1' };
    await this.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
    this.child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    await vi.waitFor(async () => expect(await this.tools()).toContain('up__echo'), { timeout: 20_000, interval: 50 });
  }

  async tools(): Promise<string[]> {
    const { result } = await this.request('tools/list');
    return ((result?.tools ?? []) as { name: string }[]).map(({ name }) => name);
  }

  call(name: string, args: object = {}): Promise<JsonRpc> {
    return this.request('tools/call', { name, arguments: args });
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    const gone = once(this.child, 'exit');
    this.child.stdin.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(timer);
  }
}

it('[A7] without MCP_TOKEN the caller is the local user: an OPERATOR that cannot vote', async () => {
  const host = new Host(undefined);
  await host.open();
  const tools = await host.tools();
  expect(tools).toContain('up__echo');
  expect(tools).not.toContain('up__whoami');
  expect(tools).not.toContain('up__append');
  expect((await host.call('up__echo', { text: 'hello' })).result).toMatchObject({ content: [{ text: 'hello' }] });
  expect((await host.call('up__append', { key: 'a vote' })).error).toMatchObject({
    code: -32602,
    message: 'Unknown tool: up__append',
  });
  const records = await recordsAfter({ dataDir: env.AIVILLAGE_DATA_DIR! }, 0, 'call_started');
  expect(records.map(({ agent, tool }) => [agent, tool])).toEqual([['local-user', 'up__echo']]);
});

it('[A7] with MCP_TOKEN the caller is whom it names, and stdout carries protocol alone', async () => {
  const host = new Host(tokenFor('magi', { governance_level: 'COORDINATOR' }));
  await host.open();
  expect(await host.tools()).toContain('up__whoami');
  await host.call('up__echo', { text: 'x' });
  const records = await recordsAfter({ dataDir: env.AIVILLAGE_DATA_DIR! }, 0, 'call_started');
  expect(records.map(({ agent }) => agent)).toEqual(['magi']);
  for (const line of host.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
});

const now = Math.floor(Date.now() / 1000);
it.each([
  ['no token at all', 'junk'],
  ['one signed by another key', hs256({ sub: 'king' }, 'x'.repeat(40))],
  ['an expired one', tokenFor('alice', { iat: now - 900, exp: now - 100 })],
  ['one for another audience', tokenFor('alice', { aud: 'other' })],
  ['alg none', `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}.`],
])(
  '[A7] A02, A03: a bad MCP_TOKEN (%s) is one sentence and exit 1, and nobody is let in as somebody else',
  async (_what, token) => {
    const initialize = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} });
    const { code, stdout, stderr } = await runCli(
      ['router', '--stdio'],
      { ...env, MCP_TOKEN: token, MCP_LOG_LEVEL: 'error' },
      `${initialize}\n`,
    );
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/MCP_TOKEN is not valid.*aivillage token issue/)]);
    expect(stderr).not.toContain(token.split('.')[1] ?? token);
  },
);

it('[A7] A05: a revoked token ends its stdio session; the call in flight is told why', async () => {
  const token = tokenFor('alice', { jti: 'to-be-revoked' });
  const host = new Host(token);
  await host.open();
  const running = host.call('up__sleep', { ms: 20_000 });
  await vi.waitFor(
    async () => expect(await recordsAfter({ dataDir: env.AIVILLAGE_DATA_DIR! }, 0, 'call_started')).toHaveLength(1),
    { timeout: 5_000 },
  );
  expect((await runCli(['token', 'revoke', 'to-be-revoked'], env)).code).toBe(0);
  expect((await running).error?.data).toMatchObject({ reason: 'INVALID_API_KEY' });
  await vi.waitFor(() => expect(host.running).toBe(false), { timeout: 10_000 });
});

it('[A7] A05: while the store is locked the local user is refused too, and goes on afterwards in the same session', async () => {
  const host = new Host(undefined);
  await host.open();
  const locker = startCompanion('locker', path.join(env.AIVILLAGE_DATA_DIR!, 'identity.db'));
  expect(await locker.next()).toBe('locked');
  const echo = async () => (await host.call('up__echo', { text: 'x' })).error?.data?.reason;
  await vi.waitFor(async () => expect(await echo()).toBe('INVALID_API_KEY'), { timeout: 5_000, interval: 50 });
  locker.send('release');
  expect(await locker.next()).toBe('released');
  await vi.waitFor(async () => expect(await echo()).toBeUndefined(), { timeout: 5_000, interval: 50 });
  await locker.stop();
});
