import fs from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AuthAnswer, type AuthRoutes, createAuthRoutes } from '../../../../router/doors/rest-auth.ts';
import { AppError } from '../../../../shared/errors.ts';
import type { IdentityEvent } from '../../../../shared/identity/events.ts';
import { createLoginThrottle } from '../../../../shared/identity/login-throttle.ts';
import { type Identity, openIdentity } from '../../../../shared/identity/open-identity.ts';
import { Clock, expectRefused, temporaryFolder } from '../../../fixtures/identity/setup.ts';

const PASSWORD = 'correct horse battery';
let folder: string;
let clock: Clock;
let identity: Identity;
let events: IdentityEvent[];
let auditFails: boolean;
let routes: AuthRoutes;
beforeEach(async () => {
  folder = temporaryFolder();
  clock = new Clock();
  identity = await openIdentity({ dataDir: folder, agents: () => undefined, now: clock.now });
  events = [];
  auditFails = false;
  routes = createAuthRoutes({
    ...identity,
    throttle: createLoginThrottle(clock.now),
    audit: async (event) => {
      if (auditFails) throw new AppError('AUDIT_UNAVAILABLE');
      events.push(event);
    },
    now: clock.now,
  });
});
afterEach(async () => {
  await identity.close();
  fs.rmSync(folder, { recursive: true });
});

const clientKey = '127.0.0.1';
const login = (username: unknown, password: unknown) => routes.login({ body: { username, password }, clientKey });
const text = (answer: AuthAnswer, name: string) => String(answer.body[name]);
const reasonOf = (answer: AuthAnswer) => (answer.body.error as { data: { reason: string } }).data.reason;

/** Signed in as alice: both tokens and the caller that the door would make of the first. */
async function signedIn() {
  if (identity.users.find('alice') === undefined) await identity.users.add('alice', 'developer', PASSWORD);
  const answer = await login('alice', PASSWORD);
  const access = text(answer, 'access_token');
  return { access, refresh: text(answer, 'refresh_token'), caller: await identity.verifier.verify(access) };
}

it('[A3] signs in with a password and gives a pair that works', async () => {
  await identity.users.add('alice', 'developer', PASSWORD);
  const answer = await login('alice', PASSWORD);
  expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 900 } });
  expect(answer.headers['cache-control']).toBe('no-store');
  const caller = await identity.verifier.verify(text(answer, 'access_token'));
  expect(await routes.verify({ body: undefined, caller, clientKey })).toMatchObject({
    status: 200,
    body: { active: true, sub: 'alice', role: 'developer', governance_level: 'OPERATOR', exp: clock.seconds + 900 },
  });
  expect(events).toEqual([
    { event: 'auth_login', outcome: 'allowed', agentId: 'alice', tokenId: caller.tokenId, clientKey },
  ]);
});

it('[A3] answers a wrong password like an unknown name, recorded without what was typed', async () => {
  await identity.users.add('alice', 'developer', PASSWORD);
  const wrong = await login('alice', 'my secret guess');
  const unknown = await login('my secret name', PASSWORD);
  expect(wrong.status).toBe(401);
  expect(wrong.headers['www-authenticate']).toBe('Bearer');
  expect(unknown).toEqual(wrong);
  expect(events).toEqual(Array(2).fill({ event: 'auth_denied', outcome: 'denied', clientKey, reason: 'password' }));
  expect(JSON.stringify([wrong, events])).not.toMatch(/my secret|SQLITE|users/);
});

it.each(["' OR 1=1--", "');DROP TABLE users;--", '%_%', '__proto__', 'constructor', 'a\u0000b', 'hasOwnProperty'])(
  '[A3] D02, D03: the user name %j is nobody',
  async (name) => {
    await identity.users.add('alice', 'developer', PASSWORD);
    expect((await login(name, PASSWORD)).status).toBe(401);
    expect((await login('alice', name)).status).toBe(401);
    expect((await login('alice', PASSWORD)).status).toBe(200);
  },
);

it('[A3] limits guesses with 429 and says when to come back', async () => {
  await identity.users.add('alice', 'developer', PASSWORD);
  for (let i = 0; i < 5; i++) await login('alice', `wrong ${i}`);
  const answer = await login('alice', PASSWORD);
  expect(answer.status).toBe(429);
  expect(answer.headers['retry-after']).toBe('1');
  expect(answer.body.error).toMatchObject({ data: { reason: 'RATE_LIMIT_EXCEEDED', retryAfterMs: 1_000 } });
  expect(events.at(-1)).toMatchObject({ event: 'auth_denied', reason: 'rate_limited' });
  clock.pass(1_000);
  expect((await login('alice', PASSWORD)).status).toBe(200);
});

const bodies: [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['text', 'text'],
  ['a list', []],
  ['an empty object', {}],
  ['no password', { username: 'alice' }],
  ['a number as password', { username: 'alice', password: 7 }],
  ['a list as name', { username: ['alice'], password: PASSWORD }],
  ['an empty name', { username: '', password: PASSWORD }],
  ['a name of 257 characters', { username: 'a'.repeat(257), password: PASSWORD }],
  ['a password of 1,025 characters', { username: 'alice', password: 'p'.repeat(1_025) }],
  ['a role beside', { username: 'alice', password: PASSWORD, role: 'admin' }],
  ['a __proto__ beside', JSON.parse(`{"username":"alice","password":"${PASSWORD}","__proto__":{"isAdmin":true}}`)],
];
it.each(bodies)('[A3] C08, D03: refuses a login body of %s', async (_what, body) => {
  const answer = await routes.login({ body, clientKey });
  expect(answer.status).toBe(400);
  expect(reasonOf(answer)).toBe('INVALID_MESSAGE_FORMAT');
  expect(JSON.stringify(answer)).not.toContain(PASSWORD);
  expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
});

it('[A3] refreshes once; a second time ends the family and is recorded', async () => {
  const { refresh, access } = await signedIn();
  const answer = await routes.refresh({ body: { refresh_token: refresh }, clientKey });
  expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 900 } });
  const again = await routes.refresh({ body: { refresh_token: refresh }, clientKey });
  expect(again.status).toBe(401);
  expect(events.map(({ event, reason }) => [event, reason])).toEqual([
    ['auth_login', undefined],
    ['auth_refresh', undefined],
    ['auth_denied', 'reused'],
  ]);
  await expectRefused(identity.verifier, access, 'revoked');
  await expectRefused(identity.verifier, text(answer, 'access_token'), 'revoked');
  const next = await routes.refresh({ body: { refresh_token: text(answer, 'refresh_token') }, clientKey });
  expect(next.status).toBe(401);
});

it('[A3] signs out: the access token and, when given, the refresh token end', async () => {
  const { access, refresh, caller } = await signedIn();
  const kept = await signedIn();
  const answer = await routes.logout({ body: { refresh_token: refresh }, caller, clientKey });
  expect(answer).toMatchObject({ status: 200, body: { logged_out: true } });
  await expectRefused(identity.verifier, access, 'revoked');
  expect((await routes.refresh({ body: { refresh_token: refresh }, clientKey })).status).toBe(401);
  await identity.verifier.verify(kept.access);
  expect((await routes.logout({ body: undefined, caller: kept.caller, clientKey })).status).toBe(200);
  await expectRefused(identity.verifier, kept.access, 'revoked');
  expect((await routes.refresh({ body: { refresh_token: kept.refresh }, clientKey })).status).toBe(200);
});

it("[A3] does not end another's refresh token, and says nothing about it", async () => {
  const { refresh } = await signedIn();
  await identity.users.add('bob', 'user', 'password of bob');
  const bob = await identity.verifier.verify(text(await login('bob', 'password of bob'), 'access_token'));
  expect((await routes.logout({ body: { refresh_token: refresh }, caller: bob, clientKey })).status).toBe(200);
  expect((await routes.refresh({ body: { refresh_token: refresh }, clientKey })).status).toBe(200);
});

it.each(['logout', 'verify'] as const)(
  '[A3] A01: %s without a bearer token is 401 with WWW-Authenticate',
  async (name) => {
    const answer = await routes[name]({ body: { refresh_token: 'x', access_token: 'y' }, clientKey });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(events.at(-1)).toMatchObject({ event: 'auth_denied', outcome: 'denied', reason: 'missing' });
  },
);

it('[D1] gives no token when the audit cannot take the record', async () => {
  await identity.users.add('alice', 'developer', PASSWORD);
  auditFails = true;
  const answer = await login('alice', PASSWORD);
  expect([answer.status, reasonOf(answer)]).toEqual([503, 'AUDIT_UNAVAILABLE']);
  expect(answer.body).not.toHaveProperty('access_token');
  expect((await login('alice', 'wrong password')).status).toBe(503);
});

it('[A2] A05: signs nobody in on a store that is gone', async () => {
  const pair = await signedIn();
  for (const file of fs.readdirSync(folder)) if (file.startsWith('identity.db')) fs.rmSync(`${folder}/${file}`);
  expect(identity.revocations.poll()).toBe(false);
  const refused = await routes.logout({ body: {}, caller: pair.caller, clientKey });
  expect([refused.status, reasonOf(refused)]).toEqual([503, 'CONNECTION_FAILED']);
  expect((await routes.refresh({ body: { refresh_token: pair.refresh }, clientKey })).status).toBe(503);
  expect((await login('alice', PASSWORD)).status).toBe(503);
});
