import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Approval, type DiagnosticEvent, VillageClient, VillageError } from '../../../client/index.ts';
import { type Governed, startGoverned, vote } from '../lib/governed.ts';
import { lastSeq, recordsAfter } from '../lib/oracle.ts';
import { send } from '../lib/raw-client.ts';
import { ROOT, tokenFor } from '../lib/village.ts';

let governed: Governed;
const clients: VillageClient[] = [];
const events: DiagnosticEvent[] = [];

beforeAll(async () => {
  governed = await startGoverned({ router: { rateLimit: { perMinute: 1_000_000 } } });
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await governed.remove();
});

function clientOf(options: Partial<ConstructorParameters<typeof VillageClient>[0]> = {}): VillageClient {
  const token = tokenFor('alice', { governance_level: 'OPERATOR', role: 'developer' });
  const client = new VillageClient({ url: `${governed.village.url}/mcp`, token, ...options });
  client.on((event) => events.push(event));
  clients.push(client);
  return client;
}

const failed = (promise: Promise<unknown>): Promise<VillageError> =>
  promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(VillageError);
      return error as VillageError;
    },
  );

it('[C1] finds the tools, and refuses arguments that a tool does not take before anything is sent', async () => {
  const client = clientOf();
  expect([...(await client.listTools()).keys()]).toContain('free__sleep');
  expect(await client.call('free__echo', { text: 'hello' })).toBe('hello');
  const seq = await lastSeq(governed.village);
  const error = await failed(client.call('free__sleep', { ms: 'long' }));
  expect(error).toMatchObject({
    kind: 'INVALID_PARAMS',
    reason: 'INVALID_MESSAGE_FORMAT',
    data: { tool: 'free__sleep' },
  });
  expect(error.message).toContain('ms');
  expect(await recordsAfter(governed.village, seq, 'call_started')).toEqual([]);
});

it('[C1] [S8] gives refusals with their reason: unknown, denied, stopped, out of time, without a token', async () => {
  const client = clientOf();
  expect(await failed(client.call('no_such_tool'))).toMatchObject({ reason: 'UNAUTHORIZED_ACCESS' });
  expect(await failed(client.call('free__get'))).toMatchObject({ reason: 'UNAUTHORIZED_ACCESS' });
  expect(await failed(client.call('free__sleep', { ms: 5_000 }, { timeoutMs: 100 }))).toMatchObject({
    reason: 'TIMEOUT',
  });
  const ended = clientOf({ token: tokenFor('alice', { exp: 1 }) });
  expect(await failed(ended.call('free__echo'))).toMatchObject({ reason: 'INVALID_API_KEY' });
  const nobody = clientOf({ url: 'http://127.0.0.1:9/mcp', timeoutMs: 300 });
  expect(await failed(nobody.call('free__echo'))).toMatchObject({ reason: 'CONNECTION_FAILED' });
  const givingUp = clientOf({ url: 'http://127.0.0.1:9/mcp', giveUpAfterMs: 300 });
  expect(await failed(givingUp.call('free__echo'))).toMatchObject({ reason: 'RECONNECTION_FAILED' });
  const aborted = new AbortController();
  const call = client.call('free__sleep', { ms: 5_000 }, { signal: aborted.signal });
  setTimeout(() => aborted.abort(new Error('enough')), 100);
  await expect(call).rejects.toThrow('enough');
});

it('[C1] [G5] a gated call ends with its proposal, or waits for the vote and gives the outcome, which came once', async () => {
  const client = clientOf();
  const refusal = await failed(client.call('ledger__append', { key: 'not waiting' }));
  expect(refusal).toMatchObject({ reason: 'APPROVAL_REQUIRED', data: { status: 'voting_ongoing' } });
  const seen: Approval[] = [];
  const waiting = client.call(
    'ledger__append',
    { key: 'waiting' },
    { awaitApproval: true, onApproval: (at) => seen.push(at) },
  );
  await vi.waitFor(() => expect(seen).not.toEqual([]), { timeout: 10_000 });
  const sage = await governed.as('sage');
  await vote(sage, seen[0]!.proposalId);
  expect(await waiting).toBe('written');
  expect(governed.lines().filter((line) => line === 'waiting')).toEqual(['waiting']);
  expect(governed.lines()).not.toContain('not waiting');
});

it('[C1] [A2] exchanges its pair of tokens before the access token ends, and goes on', async () => {
  const { village } = governed;
  const added = await village.cliWith('a long password of alice\n', 'user', 'add', 'anna', '--role', 'developer');
  expect(added.code, added.stderr).toBe(0);
  const login = await send(village.url, {
    path: '/api/auth/login',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'anna', password: 'a long password of alice' }),
  });
  const pair = JSON.parse(login.text) as { access_token: string; refresh_token: string };
  const kept: string[] = [];
  const client = clientOf({
    token: {
      accessToken: tokenFor('anna', { exp: Math.floor(Date.now() / 1000) - 60 }),
      refreshToken: pair.refresh_token,
      onRenewed: ({ refreshToken }) => kept.push(refreshToken),
    },
  });
  expect([...(await client.listTools()).keys()]).toContain('service_list');
  expect(kept).toHaveLength(1);
  expect(kept[0]).not.toBe(pair.refresh_token);
});

it('[C1] a router that does not answer the heartbeat is taken for lost; when it is back, so are the subscriptions', async () => {
  const { village } = governed;
  const client = clientOf({ heartbeatMs: 500, name: 'watcher' });
  const from = events.length;
  const mine = () => events.slice(from);
  let updates = 0;
  client.subscribe('governance://proposals', () => updates++);
  await vi.waitFor(() => expect(updates).toBeGreaterThan(0), { timeout: 10_000 });
  village.process.kill('SIGSTOP');
  try {
    await vi.waitFor(
      () => expect(mine()).toContainEqual({ kind: 'state', state: 'disconnected', reason: 'HEARTBEAT_TIMEOUT' }),
      { timeout: 10_000 },
    );
  } finally {
    village.process.kill('SIGCONT');
  }
  await vi.waitFor(() => expect(mine().map(({ kind }) => kind)).toContain('reconnected'), { timeout: 20_000 });
  const before = updates;
  await failed(clientOf().call('ledger__append', { key: 'one more proposal' }));
  await vi.waitFor(() => expect(updates).toBeGreaterThan(before), { timeout: 10_000 });
});

it('[C1] none of its events holds an argument, a result or a token', () => {
  const text = JSON.stringify(events);
  for (const secret of ['waiting', 'hello', 'eyJ']) expect(text).not.toContain(secret);
  expect(events.length).toBeGreaterThan(10);
});

it('[C1] [X3] installed as a package it is plain JavaScript with types, and works', { timeout: 60_000 }, () => {
  const app = fs.mkdtempSync(path.join(os.tmpdir(), 'app-'));
  try {
    const home = path.join(app, 'node_modules', 'aivillage-mcp');
    fs.mkdirSync(home, { recursive: true });
    fs.copyFileSync(path.join(ROOT, 'package.json'), path.join(home, 'package.json'));
    const built = spawnSync(process.execPath, [path.join(ROOT, 'build.mjs'), path.join(home, 'dist')], {
      encoding: 'utf8',
    });
    expect(built.status, built.stderr + built.stdout).toBe(0);
    for (const name of ['@modelcontextprotocol', 'zod', 'ajv', 're2js']) {
      fs.symlinkSync(fs.realpathSync(path.join(ROOT, 'node_modules', name)), path.join(app, 'node_modules', name));
    }
    const program = `
      import { VillageClient } from 'aivillage-mcp/client';
      const client = new VillageClient({ url: process.argv[2], token: process.argv[3] });
      console.log(await client.call('free__echo', { text: 'from a package' }));
      await client.close();
    `;
    fs.writeFileSync(path.join(app, 'app.mjs'), program);
    const token = tokenFor('alice', { governance_level: 'OPERATOR', role: 'developer' });
    const run = spawnSync(process.execPath, [path.join(app, 'app.mjs'), `${governed.village.url}/mcp`, token], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(run.stderr).toBe('');
    expect(run.stdout).toBe('from a package\n');
    expect(fs.existsSync(path.join(home, 'dist/client/index.d.ts'))).toBe(true);
  } finally {
    fs.rmSync(app, { recursive: true, force: true });
  }
});
