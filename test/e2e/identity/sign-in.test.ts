import { afterAll, beforeAll, expect, it } from 'vitest';
import { lastSeq, placesHolding, recordsAfter, recordsOnceThere } from '../lib/oracle.ts';
import { POST_HEADERS, type RawAnswer, RawSession, send } from '../lib/raw-client.ts';
import { runCli, SECRET, tokenFor, Village } from '../lib/village.ts';

const PASSWORD = 'correct horse battery staple';
const issuer = 'https://login.village.example';
let village: Village;
/** Everything secret that was seen. */
const secrets = new Set([PASSWORD]);

beforeAll(async () => {
  village = await Village.start({
    config: { agents: { alice: { level: 'GOVERNANCE' } } },
    env: { MCP_JWT_ISSUER: issuer },
  });
  const added = await runCli(['user', 'add', 'alice', '--role', 'developer'], envOf(village), `${PASSWORD}\n`);
  expect([added.code, added.stdout]).toEqual([0, '']);
});
afterAll(() => village.remove());

function envOf({ dataDir, checkpointDir, configFile }: Village): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    AIVILLAGE_DATA_DIR: dataDir,
    AIVILLAGE_CHECKPOINT_DIR: checkpointDir,
    AIVILLAGE_CONFIG: configFile,
    MCP_JWT_ISSUER: issuer,
    MCP_JWT_SECRET_KEY: SECRET,
  };
}

function post(name: string, body: object | undefined, token?: string): Promise<RawAnswer> {
  return send(village.url, {
    path: `/api/auth/${name}`,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function verify(token: string): Promise<RawAnswer> {
  return send(village.url, { method: 'GET', path: '/api/auth/verify', headers: { authorization: `Bearer ${token}` } });
}

interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
}

function pairOf(answer: RawAnswer): Pair {
  expect(answer.status).toBe(200);
  expect(answer.headers['cache-control']).toBe('no-store');
  const body = JSON.parse(answer.text);
  expect(body).toEqual({
    access_token: expect.any(String),
    refresh_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: expect.any(Number),
  });
  expect(body.expires_in).toBeGreaterThan(890);
  expect(body.expires_in).toBeLessThanOrEqual(900);
  for (const token of [body.access_token, body.refresh_token] as string[]) secrets.add(token.split('.')[2]!);
  return body;
}

const signIn = async () => pairOf(await post('login', { username: 'alice', password: PASSWORD }));

it('[A3] a person added on the command line signs in, calls, asks who it is, and signs out', async () => {
  const seq = await lastSeq(village);
  const pair = await signIn();
  expect(JSON.parse((await verify(pair.access_token)).text)).toMatchObject({
    active: true,
    sub: 'alice',
    role: 'developer',
  });
  const session = await RawSession.open(village.url, pair.access_token);
  expect(await session.names()).toContain('service_list');
  expect((await post('logout', { refresh_token: pair.refresh_token }, pair.access_token)).status).toBe(200);
  expect((await verify(pair.access_token)).status).toBe(401);
  expect((await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(401);
  expect((await post('refresh', { refresh_token: pair.refresh_token })).status).toBe(401);
  const kinds = (await recordsOnceThere(village, seq, 'auth_denied', 3)).map(({ reason }) => reason);
  expect(kinds).toEqual(['revoked', 'revoked', 'revoked']);
  const all = await recordsAfter(village, seq);
  expect(
    all
      .filter(({ kind }) => kind === 'login' || kind === 'logout')
      .map(({ kind, agent, outcome }) => [kind, agent, outcome]),
  ).toEqual([
    ['login', 'alice', 'ok'],
    ['logout', 'alice', 'ok'],
  ]);
});

it('[A3] signs out also with no body at all', async () => {
  const { access_token } = await signIn();
  expect((await post('logout', undefined, access_token)).status).toBe(200);
  expect((await verify(access_token)).status).toBe(401);
});

it('[A2] a refresh rotates: the next pair holds, and the tokens say what they are', async () => {
  const first = await signIn();
  const second = pairOf(await post('refresh', { refresh_token: first.refresh_token }));
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect((await verify(second.access_token)).status).toBe(200);
  const payload = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
  const [access, refresh] = [payload(second.access_token), payload(second.refresh_token)];
  expect([access.type, access.exp - access.iat]).toEqual(['access', 900]);
  expect([refresh.type, refresh.exp - refresh.iat]).toEqual(['refresh', 7 * 86_400]);
  // Neither is good as the other.
  expect((await verify(second.refresh_token)).status).toBe(401);
  expect((await post('refresh', { refresh_token: second.access_token })).status).toBe(401);
  const session = { ...POST_HEADERS, authorization: `Bearer ${second.refresh_token}` };
  expect((await send(village.url, { headers: session, body: '{}' })).status).toBe(401);
});

it('[A2] A05: a refresh token that comes a second time ends its family, with all that came of it', async () => {
  const seq = await lastSeq(village);
  const first = await signIn();
  const stranger = await signIn();
  const second = pairOf(await post('refresh', { refresh_token: first.refresh_token }));
  const session = await RawSession.open(village.url, second.access_token);
  const again = await post('refresh', { refresh_token: first.refresh_token });
  expect([again.status, again.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  for (const token of [first.access_token, second.access_token]) expect((await verify(token)).status).toBe(401);
  expect((await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(401);
  expect((await post('refresh', { refresh_token: second.refresh_token })).status).toBe(401);
  expect((await recordsOnceThere(village, seq, 'auth_denied', 5)).map(({ reason }) => reason)).toContain('reused');
  // Another signing-in of the same person is another family.
  expect((await verify(stranger.access_token)).status).toBe(200);
  pairOf(await post('refresh', { refresh_token: stranger.refresh_token }));
});

it('[A2] A05: of fifty exchanges of one refresh token at the same time, one at most succeeds', async () => {
  const { refresh_token } = await signIn();
  const answers = await Promise.all(Array.from({ length: 50 }, () => post('refresh', { refresh_token })));
  const good = answers.filter(({ status }) => status === 200);
  expect(good).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(49);
  // And that one came to nothing, because the others showed that the token had been copied.
  expect((await verify(pairOf(good[0]!).access_token)).status).toBe(401);
});

it('[A3] [D4] says the same of a wrong password and of nobody, and keeps what was typed to itself', async () => {
  const seq = await lastSeq(village);
  const typed = 'my other password 1';
  secrets.add(typed).add('a name that I typed');
  const wrong = await post('login', { username: 'alice', password: typed });
  const nobody = await post('login', { username: 'a name that I typed', password: typed });
  expect([wrong.status, wrong.text]).toEqual([401, nobody.text]);
  expect(wrong.headers['www-authenticate']).toBe('Bearer');
  expect((await recordsOnceThere(village, seq, 'auth_denied', 2)).map(({ reason, agent }) => [reason, agent])).toEqual([
    ['password', undefined],
    ['password', undefined],
  ]);
});

it('[A3] S1: slows down who guesses, says for how long, and lets others in', async () => {
  const added = await runCli(['user', 'add', 'bob', '--role', 'user'], envOf(village), 'the password of bob\n');
  expect(added.code).toBe(0);
  for (let i = 0; i < 5; i++)
    expect((await post('login', { username: 'bob', password: `guess ${i}` })).status).toBe(401);
  const limited = await post('login', { username: 'bob', password: 'the password of bob' });
  expect(limited.status).toBe(429);
  expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
  await signIn();
});

it.each([
  ['no JSON', '{"username":'],
  ['a key twice', '{"username":"alice","username":"king","password":"x"}'],
  ['a role beside', `{"username":"alice","password":"${PASSWORD}","role":"admin"}`],
  ['a list', '[]'],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
])('[A3] C04, C08, D06: refuses a login body with %s', async (_what, body) => {
  const answer = await send(village.url, {
    path: '/api/auth/login',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(answer.status).toBe(400);
  expect(answer.text).not.toContain(PASSWORD);
});

it('[A3] refuses a short password and a name that is taken, in a sentence', async () => {
  const short = await runCli(['user', 'add', 'carol', '--role', 'user'], envOf(village), 'short\n');
  const taken = await runCli(['user', 'add', 'alice', '--role', 'admin'], envOf(village), `${PASSWORD}\n`);
  const nothing = await runCli(['user', 'add', 'carol', '--role', 'user'], envOf(village), '');
  for (const { code, stderr } of [short, taken, nothing]) {
    expect(code).not.toBe(0);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).not.toMatch(/ at .*\.ts:/);
  }
});

it('[A2] a person that is removed is out: on open sessions too, and cannot refresh', async () => {
  await runCli(['user', 'add', 'eve', '--role', 'user'], envOf(village), 'the password of eve\n');
  const pair = pairOf(await post('login', { username: 'eve', password: 'the password of eve' }));
  expect((await village.cli('user', 'remove', 'eve')).code).toBe(0);
  await expect.poll(async () => (await verify(pair.access_token)).status, { timeout: 2_000 }).toBe(401);
  expect((await post('refresh', { refresh_token: pair.refresh_token })).status).toBe(401);
  expect((await post('login', { username: 'eve', password: 'the password of eve' })).status).toBe(401);
});

it('[A2] `token issue` gives a token that holds, `token revoke` ends it within a second', async () => {
  const issued = await village.cli('token', 'issue', '--agent', 'alice', '--ttl', '5m');
  const token = issued.stdout.trim();
  secrets.add(token.split('.')[2]!);
  expect(JSON.parse((await verify(token)).text)).toMatchObject({ sub: 'alice', governance_level: 'GOVERNANCE' });
  const { jti, exp, iat } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
  expect(exp - iat).toBe(300);
  expect((await village.cli('token', 'revoke', jti)).code).toBe(0);
  await expect.poll(async () => (await verify(token)).status, { timeout: 1_000 }).toBe(401);
});

it.each([
  ['', '', '/mcp'],
  ['/mcp', '/mcp', '/mcp'],
  ['/mcp/monitoring', '/mcp/monitoring', '/mcp/monitoring'],
])(
  '[A6] tells by RFC 9728 at …resource%s what it is and who issues tokens for it',
  async (suffix, endpoint, resource) => {
    const metadata = `${village.url}/.well-known/oauth-protected-resource${suffix}`;
    const answer = await send(village.url, { method: 'GET', path: new URL(metadata).pathname });
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(answer.text)).toEqual({
      resource: `${village.url}${resource}`,
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
      resource_name: 'aivillage',
    });
    if (endpoint === '') return;
    const refused = await send(village.url, { path: endpoint, headers: POST_HEADERS, body: '{}' });
    expect(refused.headers['www-authenticate']).toBe(`Bearer resource_metadata="${metadata}"`);
    const headers = { ...POST_HEADERS, authorization: 'Bearer junk' };
    const invalid = await send(village.url, { path: endpoint, headers, body: '{}' });
    expect(invalid.headers['www-authenticate']).toBe(`Bearer error="invalid_token", resource_metadata="${metadata}"`);
  },
);

it.each(['x', '/', '/nothing', '/mcp/', '/mcp/a/b', '/mcp/..', '/mcp%2fx', '//mcp'])(
  '[A6] has no metadata at …resource%s',
  async (suffix) => {
    const path = `/.well-known/oauth-protected-resource${suffix}`;
    expect((await send(village.url, { method: 'GET', path })).status).toBe(401);
  },
);

it('[A6] takes tokens of this issuer and for this audience alone', async () => {
  expect((await verify(tokenFor('alice', { iss: issuer }))).status).toBe(200);
  expect((await verify(tokenFor('alice'))).status).toBe(401);
  expect((await verify(tokenFor('alice', { iss: issuer, aud: `${village.url}/mcp` }))).status).toBe(401);
  expect((await verify(tokenFor('alice', { iss: issuer, aud: ['other', 'aivillage'] }))).status).toBe(200);
});

it('[D4] kept every password and token out of log, audit and files', async () => {
  expect(secrets.size).toBeGreaterThan(10);
  expect(placesHolding(village, [...secrets])).toEqual([]);
  expect((await village.cli('audit', 'verify')).code).toBe(0);
});
