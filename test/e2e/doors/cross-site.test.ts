import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lastSeq, recordsAfter, untilListed } from '../lib/oracle.ts';
import { RawSession, send } from '../lib/raw-client.ts';
import { exchange } from '../lib/raw-socket.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

let village: Village;
let session: RawSession;
let ledger: string;
let port: string;
const token = tokenFor('alice');
const append = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'up__append', arguments: { key: 'cross-site' } },
});

beforeAll(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  ledger = path.join(folder, 'ledger');
  village = await Village.start({
    folder,
    config: {
      mcpServers: { up: fixture('tools.ts', '--ledger', ledger) },
      permissions: [{ match: 'up/*', level: 'OPERATOR' }],
    },
    env: {
      MCP_ALLOWED_HOSTS: 'gateway.example,ported.example:8443',
      MCP_ALLOWED_ORIGINS: 'https://app.example',
    },
  });
  port = new URL(village.url).port;
  session = await RawSession.open(village.url, token);
  await untilListed(session, 'up__append');
});
afterAll(() => village.remove());

/** A call that is good but for the lines given; the status of its answer. */
async function statusOf(lines: readonly string[], target = '/mcp', body = append): Promise<number | undefined> {
  const own = (name: string, line: string) =>
    lines.some((given) => given.toLowerCase().startsWith(`${name}:`)) ? [] : [line];
  const head = [
    `POST ${target} HTTP/1.1`,
    ...own('host', `Host: 127.0.0.1:${port}`),
    ...own('content-type', 'Content-Type: application/json'),
    ...own('accept', 'Accept: application/json, text/event-stream'),
    `Authorization: Bearer ${token}`,
    `Mcp-Session-Id: ${session.id}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...lines.filter((line) => !line.endsWith(': -')),
  ].join('\r\n');
  const { responses } = await exchange(village.url, `${head}\r\n\r\n${body}`);
  for (const { head: answered } of responses) expect(answered).not.toContain('access-control-');
  return responses[0]?.status;
}

async function expectNothingRan(seq: number): Promise<void> {
  expect(fs.existsSync(ledger)).toBe(false);
  expect(await recordsAfter(village, seq, 'call_started')).toEqual([]);
}

it.each([
  'evil.example',
  'evil.example:80',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  '127.0.0.1@evil.example',
  'localhost:8083@evil.example',
  'evil.example#127.0.0.1',
  'evil.example/127.0.0.1',
  '127.0.0.1,evil.example',
  '127.0.0.1:99999999',
  '127.0.0.1:',
  '0.0.0.0',
  '[::ffff:127.0.0.1]',
  '2130706433',
  '0177.0.0.1',
  'localhost.',
  'LOCALHOST.EVIL',
  'ported.example:8444',
  'ported.example',
  'sub.gateway.example',
  '',
])('[S7] D08: refuses a good call to Host %j', async (host) => {
  const seq = await lastSeq(village);
  expect([400, 403]).toContain(await statusOf([`Host: ${host}`]));
  await expectNothingRan(seq);
});

it('[S7] D08: refuses a call without Host, with two, and with the address of another in its request line', async () => {
  const seq = await lastSeq(village);
  expect(await statusOf(['Host: -'])).toBe(400);
  expect(await statusOf([`Host: 127.0.0.1:${port}`, 'Host: evil.example'])).toBe(403);
  expect(await statusOf(['Host: evil.example', `Host: 127.0.0.1:${port}`])).toBe(403);
  expect(await statusOf([], 'http://evil.example/mcp')).toBe(403);
  expect(await statusOf([], `http://127.0.0.1:${port}/mcp`)).toBe(403);
  expect(await statusOf([], '*')).toBe(403);
  await expectNothingRan(seq);
});

it.each([
  'http://evil.example',
  'https://evil.example',
  'null',
  'file://',
  'http://localhost.evil',
  'http://127.0.0.1.evil.example',
  'http://localhost@evil.example',
  'http://evil.example#localhost',
  'http://evil.example/localhost',
  'https://app.example.evil',
  'http://app.example',
  'https://app.example:444',
  'chrome-extension://abcdef',
  '//localhost',
  'localhost',
  'http://localhost http://evil.example',
])('[S7] D08: refuses a good call of a page of Origin %j', async (origin) => {
  const seq = await lastSeq(village);
  expect(await statusOf([`Origin: ${origin}`])).toBe(403);
  await expectNothingRan(seq);
});

it('[S7] D08: refuses two Origins, whichever is ours, and an Origin beside a strange Host', async () => {
  const seq = await lastSeq(village);
  expect(await statusOf(['Origin: http://localhost', 'Origin: http://evil.example'])).toBe(403);
  expect(await statusOf(['Origin: http://evil.example', 'Origin: http://localhost'])).toBe(403);
  expect(await statusOf(['Origin: https://app.example', 'Host: evil.example'])).toBe(403);
  expect(await statusOf(['Origin: http://evil.example', 'Host: gateway.example'])).toBe(403);
  await expectNothingRan(seq);
});

it.each([
  'text/plain',
  'text/plain;charset=UTF-8',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json;x',
  'application/json, text/plain',
  'application/json; charset=utf-16',
  'application/jsonx',
  'application/json-patch+json',
  '',
  '-',
])('[S3] D08: refuses a body of Content-Type %j', async (type) => {
  const seq = await lastSeq(village);
  expect(await statusOf([`Content-Type: ${type}`])).toBe(415);
  expect(await statusOf([`Content-Type: ${type}`, 'Origin: http://localhost'])).toBe(415);
  await expectNothingRan(seq);
});

it('[S3] D08: refuses two Content-Types', async () => {
  const seq = await lastSeq(village);
  expect(await statusOf(['Content-Type: application/json', 'Content-Type: text/plain'])).toBe(400);
  await expectNothingRan(seq);
});

it.each([
  ['a strange page', 'http://evil.example', 403],
  ['null', 'null', 403],
  ['a page of this machine', 'http://localhost:3000', 401],
  ['an allowed page', 'https://app.example', 401],
])('[S7] D08: a preflight of %s is answered without any permission', async (_what, origin, status) => {
  for (const route of [
    '/mcp',
    '/mcp/up',
    '/sse',
    '/messages',
    '/api/auth/login',
    '/api/auth/logout',
    '/api/health',
    '/api/emergency-stop',
  ]) {
    const answer = await send(village.url, {
      method: 'OPTIONS',
      path: route,
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type, mcp-session-id',
        'access-control-request-private-network': 'true',
      },
    });
    expect([route, answer.status]).toEqual([route, status]);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  }
});

it.each(['/api/health', '/.well-known/oauth-protected-resource', '/api/auth/login'])(
  '[S7] D08: checks Host and Origin also of what needs no token: %s',
  async (route) => {
    const get = (headers: Record<string, string>) => send(village.url, { method: 'GET', path: route, headers });
    expect((await get({ host: 'evil.example' })).status).toBe(403);
    expect((await get({ origin: 'http://evil.example' })).status).toBe(403);
  },
);

it('[S7] D08: binds 127.0.0.1 alone when nothing else is said', async () => {
  expect(new URL(village.url).hostname).toBe('127.0.0.1');
  const refused = await new Promise<string | undefined>((resolve) => {
    const socket = net.connect(Number(port), '127.0.0.2', () => resolve(undefined));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  expect(refused).toBe('ECONNREFUSED');
});

/** Last, because they are let through: what stood against the others was what the test said. */
it.each([
  ['localhost', []],
  ['LocalHost:1', ['Origin: http://localhost:3000']],
  ['[::1]:8083', ['Origin: http://[::1]:3000']],
  ['gateway.example', ['Origin: https://app.example']],
  ['gateway.example:9999', []],
  ['ported.example:8443', []],
  ['127.0.0.1', ['Content-Type: application/json; charset=utf-8']],
])('[S7] D08: serves Host %s with %j', async (host, lines) => {
  expect(await statusOf([`Host: ${host}`, ...lines])).toBe(200);
  expect(fs.readFileSync(ledger, 'utf8')).toContain('cross-site');
});
