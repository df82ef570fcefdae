import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startHttpFixture } from '../../fixtures/lib/start.ts';
import { placesHolding, untilListed } from '../lib/oracle.ts';
import { messagesOf, RawSession, textOf } from '../lib/raw-client.ts';
import { fixture, runCli, SECRET, tokenFor, Village } from '../lib/village.ts';

/** What a server may find of the router's environment. */
const CHILD_VARIABLES = new Set(['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER', 'AIVILLAGE_UPSTREAM', 'EXTRA']);
const CANARIES = {
  MCP_TOKEN: 'canary-of-mcp-token',
  DATABASE_URL: 'postgres://canary-of-database',
  AWS_SECRET_ACCESS_KEY: 'canary-of-aws',
  API_KEY: 'canary-of-api-key',
  LANG: 'canary-of-lang',
};
/** What a client sends beside its token. */
const CLIENT_HEADERS = {
  cookie: 'session=canary-of-cookie',
  'x-api-key': 'canary-of-x-api-key',
  'proxy-authorization': 'Basic canary-of-proxy',
  'x-forwarded-user': 'canary-of-forwarded-user',
  'x-forwarded-for': '10.99.98.97',
  'user-agent': 'canary-of-user-agent',
  'x-mcp-key': 'canary-of-mcp-key',
};
const token = tokenFor('alice');

let village: Village;
let session: RawSession;
let mirror: Awaited<ReturnType<typeof startHttpFixture>>;

beforeAll(async () => {
  mirror = await startHttpFixture('mirror.ts');
  const url = mirror.url.href;
  village = await Village.start({
    env: { ...CANARIES, EXTRA_FROM_ENV: 'meant for the server' },
    config: {
      mcpServers: {
        plain: { url, headers: { 'X-Own': `\${EXTRA_FROM_ENV}` } },
        asked: { url, assertion: true },
        up: { ...fixture('tools.ts'), env: { EXTRA: `\${EXTRA_FROM_ENV}` } },
        child: fixture('mirror.ts'),
        trusted: { ...fixture('mirror.ts'), assertion: true },
        knows: { ...fixture('tools.ts'), assertion: true },
      },
      permissions: ['plain', 'asked', 'up', 'child', 'trusted', 'knows'].map((id) => ({
        match: `${id}/*`,
        level: 'OPERATOR',
      })),
    },
  });
  session = await RawSession.open(village.url, token);
  for (const tool of [
    'plain__mirror',
    'asked__mirror',
    'up__whoami',
    'child__mirror',
    'trusted__mirror',
    'knows__whoami',
  ]) {
    await untilListed(session, tool);
  }
});
afterAll(async () => {
  await village.remove();
  await mirror.stop();
});

/** Calls with everything a careless proxy would pass on; the tool's text. */
async function call(name: string, meta?: object): Promise<string> {
  const params = { name, arguments: { a: 1 }, ...(meta === undefined ? {} : { _meta: meta }) };
  const answer = await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }, CLIENT_HEADERS);
  const [message] = messagesOf(answer);
  expect(message?.result).toBeDefined();
  return textOf(message!);
}

function expectNothingOfOurs(seen: string): void {
  expect(seen).not.toMatch(/canary|10\.99\.98\.97/);
  for (const piece of token.split('.').slice(1)) expect(seen).not.toContain(piece);
  expect(seen).not.toContain(SECRET);
  expect(seen).not.toContain(session.id);
}

interface Mirrored {
  readonly rawHeaders?: string[];
  readonly bodyBase64: string;
}
function read(text: string): { headers: Map<string, string>; body: string } {
  const { rawHeaders = [], bodyBase64 } = JSON.parse(text) as Mirrored;
  const headers = new Map<string, string>();
  for (let i = 0; i < rawHeaders.length; i += 2) headers.set(rawHeaders[i]!.toLowerCase(), rawHeaders[i + 1]!);
  return { headers, body: Buffer.from(bodyBase64, 'base64').toString() };
}

function payloadOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString());
}

/** An assertion names alice to this one server, for a minute. */
function expectAssertion(jwt: string, serverId: string): void {
  const claims = payloadOf(jwt);
  expect(claims).toMatchObject({
    type: 'assertion',
    sub: 'alice',
    aud: serverId,
    iss: 'aivillage',
    governance_level: 'OPERATOR',
  });
  expect(claims.act).toEqual({ sub: 'aivillage' });
  expect(Number(claims.exp) - Number(claims.iat)).toBe(60);
}

it('[A6] B06: an HTTP server sees its configured headers and nothing of the caller', async () => {
  const text = await call('plain__mirror');
  const { headers, body } = read(text);
  expect([...headers.keys()].sort()).toEqual(
    [
      'accept',
      'accept-encoding',
      'connection',
      'content-length',
      'content-type',
      'host',
      'mcp-protocol-version',
      'x-own',
    ].sort(),
  );
  expect(headers.get('x-own')).toBe('meant for the server');
  expectNothingOfOurs(text + body);
});

it('[A6] B06: an HTTP server that asks for it gets an assertion of its own, never the token', async () => {
  const text = await call('asked__mirror');
  const { headers, body } = read(text);
  const assertion = /^Bearer (\S+)$/.exec(headers.get('authorization') ?? '')?.[1];
  expectAssertion(assertion!, 'asked');
  expectNothingOfOurs(text + body);
  // And it opens nothing here.
  expect(
    (await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { authorization: `Bearer ${assertion}` })).status,
  ).toBe(401);
});

it('[A6] B06: a stdio server sees the call alone; one that asks for it an assertion in _meta', async () => {
  const plain = await call('child__mirror');
  expectNothingOfOurs(read(plain).body);
  expect(JSON.parse(read(plain).body).params).toEqual({ name: 'mirror', arguments: { a: 1 } });
  const trusted = JSON.parse(read(await call('trusted__mirror')).body).params;
  expectAssertion(trusted._meta['io.aivillage/assertion'], 'trusted');
  expectNothingOfOurs(JSON.stringify(trusted));
});

it("[A6] B06: a caller cannot bring an assertion of its own to a server that trusts the router's", async () => {
  const params = { name: 'trusted__mirror', arguments: {}, _meta: { 'io.aivillage/assertion': 'forged' } };
  const [message] = messagesOf(await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }));
  expect(message?.error?.code).toBe(-32602);
});

it.each([
  ['up', []],
  ['knows', ['AIVILLAGE_ASSERTION_KEY', 'MCP_JWT_ISSUER']],
])('[A6] [R5] B06: the process of %s has the allow-listed variables, and no file of ours open', async (id, more) => {
  const { env, fds, argv } = JSON.parse(await call(`${id}__whoami`)) as {
    env: Record<string, string>;
    fds: string[];
    argv: string[];
  };
  const allowed = new Set([...CHILD_VARIABLES, ...more]);
  expect(Object.keys(env).filter((name) => !allowed.has(name))).toEqual([]);
  if (id === 'up') expect(env.EXTRA).toBe('meant for the server');
  expectNothingOfOurs(JSON.stringify({ env, argv }));
  expect(fds.filter((fd) => fd.includes(village.folder))).toEqual([]);
});

const SECRET_PLACES: Record<string, (text: string) => object> = {
  env: (text) => ({ ...fixture('tools.ts'), env: { X: text } }),
  args: (text) => ({ command: 'node', args: ['x.js', `--key=${text}`] }),
  command: (text) => ({ command: text }),
  cwd: (text) => ({ ...fixture('tools.ts'), cwd: `/tmp/${text}` }),
  url: (text) => ({ url: `http://127.0.0.1/${text}` }),
  headers: (text) => ({ url: 'http://127.0.0.1/', headers: { 'X-Key': text } }),
};

it('[X1] B06: refuses a configuration that would hand a secret of the router to a server, naming every place of it', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  const file = path.join(folder, 'mcp-servers.json');
  const forms = ['MCP_JWT_SECRET_KEY', 'MCP_TOKEN'].flatMap((name) => [
    `\${${name}}`,
    `\${env:${name}}`,
    `\${${name}:-x}`,
  ]);
  const entries = Object.entries(SECRET_PLACES).flatMap(([place, entry]) =>
    forms.map((form, i) => [`leak-${place}-${i}`, entry(form)] as const),
  );
  fs.writeFileSync(file, JSON.stringify({ mcpServers: Object.fromEntries(entries) }));
  const { code, stdout, stderr } = await runCli(['router', '--http', '0', '--config', file], {
    PATH: process.env.PATH,
    AIVILLAGE_DATA_DIR: path.join(folder, 'data'),
    MCP_JWT_SECRET_KEY: SECRET,
    MCP_TOKEN: 'canary-token',
  });
  fs.rmSync(folder, { recursive: true });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(file);
  const lines = stderr.split('\n');
  for (const [id] of entries) {
    const place = id.split('-')[1]!;
    expect(lines.find((line) => line.includes(id))).toMatch(new RegExp(`${place}.*(MCP_JWT_SECRET_KEY|MCP_TOKEN)`));
  }
  expect(stderr).not.toMatch(new RegExp(`canary-token|${SECRET}`));
});

it('[A6] every server of ours verifies the assertion: a call through the router is served', async () => {
  expect(textOf(await session.call('service_list'))).toContain('"plain"');
});

it('[D4] B06: nothing of it stands in log, audit or files', () => {
  expect(placesHolding(village, ['canary-of', SECRET, ...token.split('.').slice(1)])).toEqual([]);
});
