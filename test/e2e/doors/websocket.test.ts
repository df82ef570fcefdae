import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { lastSeq, placesHolding, recordsAfter, recordsOnceThere, untilListed } from '../lib/oracle.ts';
import { rssMb } from '../lib/processes.ts';
import { RawSession, send, textOf } from '../lib/raw-client.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';
import { bearer, type Connection, openWebSocket, refusalOf } from '../lib/web-socket.ts';

let village: Village;
let ledger: string;
const token = tokenFor('alice');
const MAX_MESSAGE_BYTES = 1_000_000;

beforeAll(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  ledger = path.join(folder, 'ledger');
  fs.writeFileSync(ledger, '');
  village = await Village.start({
    folder,
    config: {
      mcpServers: { up: fixture('tools.ts', '--ledger', ledger), other: fixture('tools.ts') },
      agents: { king: { level: 'EMERGENCY', role: 'admin' } },
      permissions: ['up/*', 'other/*'].map((match) => ({ match, level: 'OPERATOR' })),
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
    env: { MCP_MAX_MESSAGE_BYTES: String(MAX_MESSAGE_BYTES) },
  });
  const session = await RawSession.open(village.url, token);
  await untilListed(session, 'up__echo');
  await untilListed(session, 'other__echo');
});
afterAll(() => village.remove());

const written = () => fs.readFileSync(ledger, 'utf8');

it('[P8] is a session as at every other door: calls are answered, and its end is the end of its calls', async () => {
  const seq = await lastSeq(village);
  const connection = await openWebSocket(village, bearer(token));
  expect(connection.ws.protocol).toBe('mcp');
  expect(textOf(await connection.call('up__echo', { text: 'Grüße 🙂' }))).toBe('Grüße 🙂');
  void connection.call('up__sleep', { ms: 20_000, tag: 'left alone' }).catch(() => {});
  await recordsOnceThere(village, seq, 'call_started', 2);
  await connection.close();
  await vi.waitFor(() => expect(written()).toContain('cancelled left alone'), { timeout: 5_000, interval: 20 });
  const opened = await recordsOnceThere(village, seq, 'session_opened', 1);
  expect(opened[0]).toMatchObject({ agent: 'alice', details: { door: 'websocket' } });
  await recordsOnceThere(village, seq, 'session_closed', 1);
});

it('[P8] a page, which cannot set the header, shows its token as a subprotocol; only "mcp" is answered', async () => {
  const connection = await openWebSocket(village, { protocols: ['mcp', `bearer.${token}`] });
  expect(connection.ws.protocol).toBe('mcp');
  expect(textOf(await connection.call('up__echo', { text: 'from a page' }))).toBe('from a page');
  await connection.close();
});

it("[P8] [C1] Node's own WebSocket, the one that pages have, is served", async () => {
  const ws = new WebSocket(`${village.url.replace('http', 'ws')}/ws`, ['mcp', `bearer.${token}`]);
  await new Promise((resolve, reject) => {
    ws.onopen = resolve;
    ws.onerror = reject;
  });
  expect(ws.protocol).toBe('mcp');
  ws.close();
});

const REFUSED: [string, number, object][] = [
  ['no token', 401, {}],
  ['a token in the query', 401, { path: `/ws?token=${token}&access_token=${token}` }],
  ['a token in a cookie', 401, { headers: { cookie: `token=${token}` } }],
  ['a token that is none', 401, { protocols: ['mcp', 'bearer.junk'] }],
  ['two tokens as subprotocols', 401, { protocols: ['mcp', `bearer.${token}`, `bearer.${tokenFor('bob')}`] }],
  ['a token in both places', 401, { ...bearer(token), protocols: ['mcp', `bearer.${token}`] }],
  ['a token that has ended', 401, bearer(tokenFor('alice', { exp: Math.floor(Date.now() / 1000) - 60 }))],
  ['no subprotocol', 400, { ...bearer(token), protocols: [] }],
  ['another subprotocol', 400, { ...bearer(token), protocols: ['graphql-ws'] }],
  ['a foreign Origin', 403, { ...bearer(token), origin: 'http://evil.example' }],
  ['an Origin that is null', 403, { ...bearer(token), origin: 'null' }],
  ['a foreign Host', 403, { headers: { authorization: `Bearer ${token}`, host: 'evil.example' } }],
];

it.each(REFUSED)('[P8] [A1] A01, D08: refuses %s before it is a session', async (_, status, options) => {
  const seq = await lastSeq(village);
  const refusal = await refusalOf(village, options);
  expect(refusal.status).toBe(status);
  expect(refusal.body).not.toContain(token.slice(0, 40));
  expect(refusal.headers['sec-websocket-protocol']).toBeUndefined();
  if (status === 401) {
    expect(refusal.headers['www-authenticate']).toContain('Bearer');
    await recordsOnceThere(village, seq, 'auth_denied', 1);
  }
  expect(await recordsAfter(village, seq, 'session_opened')).toEqual([]);
});

it('[P8] answers at /ws only what asks for a WebSocket, and elsewhere passes over offers to upgrade', async () => {
  const plain = await send(village.url, {
    method: 'GET',
    path: '/ws',
    headers: { authorization: `Bearer ${token}` },
  });
  expect(plain.status).toBe(400);
  const offer = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' };
  const session = await RawSession.open(village.url, token);
  const listed = await session.post('{"jsonrpc":"2.0","id":1,"method":"tools/list"}', offer);
  expect(listed.status).toBe(200);
});

it('[P8] [A2] A05: the end of a token ends the connection within a second, after its calls have said why', async () => {
  const jti = `ws-${Date.now()}`;
  const connection = await openWebSocket(village, bearer(tokenFor('alice', { jti })));
  const bystander = await openWebSocket(village, bearer(token));
  const seq = await lastSeq(village);
  const running = connection.call('up__sleep', { ms: 20_000, tag: jti });
  await recordsOnceThere(village, seq, 'call_started', 1);
  const { stdout, code } = await village.cli('token', 'revoke', jti);
  expect(code, stdout).toBe(0);
  const revokedAt = performance.now();
  expect((await running).error).toMatchObject({ code: -32011, data: { reason: 'INVALID_API_KEY' } });
  const ended = await connection.ended;
  expect(ended).toMatchObject({ code: 1008, reason: 'the token no longer holds' });
  expect(ended.at - revokedAt).toBeLessThan(1_000);
  expect((await bystander.request('ping')).result).toEqual({});
  await bystander.close();
});

it('[P8] [A2] a newer token of the same agent keeps a connection that outlives the old one; one of another agent does not', async () => {
  const jti = `old-${Date.now()}`;
  const seq = await lastSeq(village);
  const connection = await openWebSocket(village, bearer(tokenFor('alice', { jti })));
  connection.notify('notifications/io.aivillage/token', { token: tokenFor('bob') });
  const refusal = await connection.heard(({ error }) => error !== undefined);
  expect(refusal).toMatchObject({ id: null, error: { data: { reason: 'INVALID_API_KEY' } } });
  connection.notify('notifications/io.aivillage/token', { token: tokenFor('alice', { jti: `${jti}-new` }) });
  await connection.request('ping');
  await village.cli('token', 'revoke', jti);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(textOf(await connection.call('up__echo', { text: 'still here' }))).toBe('still here');
  await village.cli('token', 'revoke', `${jti}-new`);
  expect((await connection.ended).code).toBe(1008);
  expect(await recordsAfter(village, seq, 'auth_denied')).toHaveLength(1);
});

it('[P8] [S3] D05, D06: what is too large, no UTF-8 or no text ends its connection, and no other', async () => {
  const bystander = await openWebSocket(village, bearer(token));
  const send = async (data: string | Buffer, binary: boolean): Promise<number> => {
    const connection = await openWebSocket(village, bearer(token));
    connection.ws.send(data, { binary });
    return (await connection.ended).code;
  };
  expect(await send('x'.repeat(MAX_MESSAGE_BYTES + 1), false)).toBe(1009);
  expect(await send(Buffer.from([0x22, 0xc3, 0x28, 0x22]), false)).toBe(1007);
  expect(await send(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}'), true)).toBe(1003);
  bystander.ws.send('{"jsonrpc":"2.0",');
  expect(await bystander.heard(({ error }) => error !== undefined)).toMatchObject({
    id: null,
    error: { code: -32700 },
  });
  const deep = `{"jsonrpc":"2.0","id":7,"method":"ping","params":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
  bystander.ws.send(deep);
  await vi.waitFor(() => expect(bystander.messages.filter(({ error }) => error !== undefined)).toHaveLength(2));
  expect((await bystander.request('ping')).result).toEqual({});
  await bystander.close();
});

it('[P8] an idle connection is closed after MCP_CONNECTION_TIMEOUT, one with a call in flight is not', async () => {
  const short = await Village.start({
    config: { mcpServers: { up: fixture('tools.ts') }, permissions: [{ match: 'up/*', level: 'OPERATOR' }] },
    env: { MCP_CONNECTION_TIMEOUT: '1' },
  });
  try {
    await untilListed(await RawSession.open(short.url, token), 'up__sleep');
    const idle = await openWebSocket(short, bearer(token));
    const busy = await openWebSocket(short, bearer(token));
    const call = busy.call('up__sleep', { ms: 2_500 });
    expect(await idle.ended).toMatchObject({ code: 1001, reason: 'idle' });
    expect(textOf(await call)).toBe('slept 2500 ms');
    await busy.close();
  } finally {
    await short.remove();
  }
});

it('[P8] [S3] D09: a client that does not read costs a bounded amount of memory and is cut off; others go on', async () => {
  const before = rssMb(village.process.pid!);
  const bystander = await openWebSocket(village, bearer(token));
  const seq = await lastSeq(village);
  const deaf = await openWebSocket(village, bearer(token));
  deaf.ws.pause();
  const flood = {
    name: 'up__progress',
    arguments: { n: 3_000, everyMs: 1, pad: 100_000 },
    _meta: { progressToken: 1 },
  };
  void deaf.request('tools/call', flood).catch(() => {});
  for (let i = 0; i < 20; i++) {
    expect(textOf(await bystander.call('other__echo', { text: 'x' }))).toBe('x');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const grown = rssMb(village.process.pid!) - before;
  console.info(`300 MB of progress for a client that does not read: ${Math.round(grown)} MB more`);
  expect(grown).toBeLessThan(200);
  await vi.waitFor(async () => expect(await recordsAfter(village, seq, 'session_closed')).toHaveLength(1), {
    timeout: 15_000,
    interval: 100,
  });
  deaf.ws.resume();
  await deaf.ended;
  const large = 'x'.repeat(900_000);
  const reader = await openWebSocket(village, bearer(token));
  const answers = await Promise.all([1, 2, 3].map(() => reader.call('up__echo', { text: large })));
  expect(answers.map((answer) => textOf(answer).length)).toEqual([900_000, 900_000, 900_000]);
  await reader.close();
  await bystander.close();
});

it('[P8] at most 1,000 connections are open; the next is told to try later', { timeout: 60_000 }, async () => {
  const open: Connection[] = [];
  while (open.length < 1_000) {
    const more = Array.from({ length: 50 }, () => openWebSocket(village, bearer(token)));
    open.push(...(await Promise.all(more)));
  }
  const refusal = await refusalOf(village, bearer(token));
  expect(refusal).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
  expect((await open[0]!.request('ping')).result).toEqual({});
  await Promise.all(open.map((connection) => connection.close()));
  const again = await openWebSocket(village, bearer(token));
  await again.close();
});

it('[P8] [E2] an emergency stop holds for calls over it, and the connection stays', async () => {
  const connection = await openWebSocket(village, bearer(token));
  const stopped = await village.cli('stop', '--reason', 'a test', '--scope', 'server:up');
  expect(stopped.code, stopped.stderr).toBe(0);
  await vi.waitFor(async () => {
    const { error } = await connection.call('up__echo', { text: 'x' });
    expect(error?.data).toMatchObject({ reason: 'EMERGENCY_STOP' });
  });
  await village.cli('resume', '--justification', 'the test is over');
  await vi.waitFor(async () => expect(textOf(await connection.call('up__echo', { text: 'x' }))).toBe('x'), {
    timeout: 10_000,
  });
  await connection.close();
});

it('[P8] [A1] no token that was shown is in the files or the log; the end of the router ends the connections', async () => {
  expect(placesHolding(village, [token.split('.')[2]!])).toEqual([]);
  const connection = await openWebSocket(village, bearer(token));
  await village.stop();
  expect((await connection.ended).code).toBe(1001);
});
