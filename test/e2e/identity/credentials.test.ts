import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lastSeq, placesHolding, recordsOnceThere, untilListed } from '../lib/oracle.ts';
import { messagesOf, POST_HEADERS, RawSession, send } from '../lib/raw-client.ts';
import { exchange } from '../lib/raw-socket.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

let village: Village;
let session: RawSession;
let ledger: string;
const token = tokenFor('alice');
const other = tokenFor('alice');

beforeAll(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  ledger = path.join(folder, 'ledger');
  village = await Village.start({
    folder,
    config: {
      mcpServers: { up: fixture('tools.ts', '--ledger', ledger) },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [{ match: 'up/*', level: 'OPERATOR' }],
    },
  });
  session = await RawSession.open(village.url, token);
  await untilListed(session, 'up__append');
});
afterAll(() => village.remove());

const append = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'up__append', arguments: { key: 'k' } },
});

/** Everything that is answered, what is planned to be, and what a proxy or a person may make of it. */
const ROUTES: [string, string][] = [
  ['POST', '/mcp'],
  ['GET', '/mcp'],
  ['DELETE', '/mcp'],
  ['PUT', '/mcp'],
  ['PATCH', '/mcp'],
  ['HEAD', '/mcp'],
  ['OPTIONS', '/mcp'],
  ['TRACE', '/mcp'],
  ['POST', '/mcp/up'],
  ['GET', '/mcp/up'],
  ['POST', '/mcp/nothing'],
  ['POST', '/mcp/'],
  ['POST', '//mcp'],
  ['POST', '/MCP'],
  ['POST', '/mcp?x=1'],
  ['POST', '/mcp#x'],
  ['POST', '/mcp;x'],
  ['POST', '/mcp/.'],
  ['POST', '/mcp%2f'],
  ['POST', '/%6dcp'],
  ['POST', '/api/health/%2e%2e/%2e%2e/mcp'],
  ['POST', '/api/health/../../mcp'],
  ['POST', '/api/auth/login/../../../mcp'],
  ['POST', '/.well-known/oauth-protected-resource/../../mcp'],
  ['GET', '/.well-known/oauth-protected-resource/../../mcp'],
  ['GET', '/.well-known/oauth-protected-resourceful'],
  ['POST', '/.well-known/oauth-protected-resource'],
  ['GET', '/sse'],
  ['POST', '/sse'],
  ['POST', '/messages'],
  ['POST', '/messages?sessionId=x'],
  ['GET', '/ws'],
  ['GET', '/metrics'],
  ['GET', '/openapi.json'],
  ['GET', '/docs'],
  ['GET', '/admin'],
  ['GET', '/api'],
  ['GET', '/api/health/'],
  ['GET', '/api/health%2f'],
  ['GET', '/API/health'],
  ['POST', '/api/health'],
  ['GET', '/api/services'],
  ['GET', '/api/services/up/status'],
  ['GET', '/api/services/nothing/status'],
  ['POST', '/api/emergency-stop'],
  ['GET', '/api/audit'],
  ['GET', '/api/auth/verify'],
  ['POST', '/api/auth/logout'],
  ['GET', '/api/auth/login'],
  ['POST', '/api/auth/login/'],
  ['GET', '/nothing'],
];

const CREDENTIALS: [string, Record<string, string | string[]>, string, string][] = [
  ['none', {}, '', append],
  ['none, of a health check', { 'user-agent': 'kube-probe/1.31' }, '', append],
  ['Basic', { authorization: `Basic ${Buffer.from('alice:password').toString('base64')}` }, '', append],
  ['the token as Basic', { authorization: `Basic ${token}` }, '', append],
  ['bearer and junk', { authorization: 'bearer junk' }, '', append],
  ['Bearer and nothing', { authorization: 'Bearer ' }, '', append],
  ['the token without a scheme', { authorization: token }, '', append],
  ['the token in ?access_token=', {}, `access_token=${token}`, append],
  ['the token in ?token=', {}, `token=${token}`, append],
  [
    'the token in a cookie',
    { cookie: `access_token=${token}; token=${token}; Authorization=Bearer ${token}` },
    '',
    append,
  ],
  [
    'the token in other headers',
    {
      'x-access-token': token,
      'x-api-key': token,
      'proxy-authorization': `Bearer ${token}`,
      'x-forwarded-authorization': `Bearer ${token}`,
    },
    '',
    append,
  ],
  ['the token in the body', {}, '', `{"access_token":"${token}","token":"${token}",${append.slice(1)}`],
  ['a pair with a comma', { authorization: `Bearer ${token}, Bearer ${other}` }, '', append],
];

it.each(CREDENTIALS)(
  '[A1] A01: refuses on every route when the credential is: %s',
  async (_what, headers, query, body) => {
    const seq = await lastSeq(village);
    for (const [method, route] of ROUTES) {
      const [bare, fragment = ''] = route.split('#');
      const target = `${bare}${query === '' ? '' : `${bare?.includes('?') ? '&' : '?'}${query}`}${fragment === '' ? '' : `#${fragment}`}`;
      const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
      const answer = await send(village.url, {
        method,
        path: target,
        headers: { ...(hasBody ? POST_HEADERS : {}), 'mcp-session-id': session.id, ...headers },
        ...(hasBody ? { body } : {}),
      });
      const where = `${method} ${route}`;
      expect([where, answer.status]).toEqual([where, 401]);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      if (method !== 'HEAD')
        expect(messagesOf(answer)[0]?.error).toMatchObject({ code: -32011, data: { reason: 'INVALID_API_KEY' } });
      expect(answer.text).not.toContain(token.slice(-20));
    }
    expect(await recordsOnceThere(village, seq, 'auth_denied', ROUTES.length)).toHaveLength(ROUTES.length);
    expect(fs.existsSync(ledger)).toBe(false);
  },
);

it.each([
  ['the good one first', [`Bearer ${token}`, 'Bearer junk']],
  ['the good one last', ['Bearer junk', `Bearer ${token}`]],
  ['twice the good one', [`Bearer ${token}`, `Bearer ${token}`]],
  ['in another case', [`Bearer ${token}`, `bearer ${other}`]],
])('[A1] A01: refuses two Authorization headers on every route: %s', async (_what, authorization) => {
  const seq = await lastSeq(village);
  for (const [method, route] of ROUTES) {
    const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
    const { status, text } = await send(village.url, {
      method,
      path: route.split('#')[0]!,
      headers: { ...(hasBody ? POST_HEADERS : {}), 'mcp-session-id': session.id, authorization },
      ...(hasBody ? { body: append } : {}),
    });
    expect([method, route, status]).toEqual([method, route, 401]);
    expect(text).not.toContain(token.slice(-20));
  }
  const records = await recordsOnceThere(village, seq, 'auth_denied', ROUTES.length);
  expect(records.map(({ reason }) => reason)).toEqual(ROUTES.map(() => 'malformed'));
  expect(fs.existsSync(ledger)).toBe(false);
});

it('[O8] A01: answers without a token only whether it lives, and how to get a token', async () => {
  const anonymous = async (route: string) => send(village.url, { method: 'GET', path: route });
  expect(JSON.parse((await anonymous('/api/health')).text)).toEqual({ status: 'healthy' });
  const metadata = await anonymous('/.well-known/oauth-protected-resource');
  expect(metadata.status).toBe(200);
  expect(`${metadata.text}${(await anonymous('/.well-known/oauth-protected-resource/mcp/up')).text}`).not.toMatch(
    /echo|stdio|ready/,
  );
});

/** A good token opens exactly the paths that are ours; what looks like them is nothing. */
it.each([
  '//mcp',
  '/MCP',
  '/mcp/',
  '/%6dcp',
  '/mcp%2f',
  '/mcp;x',
  '/mcp/.',
  '/api/health/../../mcp',
  '/mcp/up/',
  '/mcp/up/x',
])('[A1] A01: has nothing at %s for a good token either', async (route) => {
  const answer = await exchange(
    village.url,
    `POST ${route} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nMcp-Session-Id: ${session.id}\r\n` +
      `Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nConnection: close\r\nContent-Length: ${append.length}\r\n\r\n${append}`,
  );
  expect(answer.responses.map(({ status }) => status)).toEqual([404]);
  expect(fs.existsSync(ledger)).toBe(false);
});

it('[D4] A01: keeps every misplaced token out of log, audit and files, and serves its owner as before', async () => {
  const secrets = [token, other].flatMap((text) => text.split('.').slice(1));
  expect(placesHolding(village, secrets)).toEqual([]);
  const { result } = await session.call('up__append', { key: 'k' });
  expect(result).toBeDefined();
  // The ledger can be reached: that it stayed empty above proves something.
  expect(fs.readFileSync(ledger, 'utf8')).toBe('k\n');
});
