import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Identity, openIdentity } from '../../../shared/identity/open-identity.ts';
import { type Companion, startCompanion } from '../../fixtures/identity/processes.ts';
import { lastSeq, recordsAfter, recordsOnceThere, untilListed } from '../lib/oracle.ts';
import { messagesOf, RawSession, send } from '../lib/raw-client.ts';
import { claims, fixture, sign, tokenFor, Village } from '../lib/village.ts';

/** A05, FEATURES A2. */
const MAX_REVOCATION_MS = 1_000;
/** A list that cannot be read counts for a second; then the door is closed. */
const MAX_CLOSING_MS = 1_500;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
const ledger = path.join(folder, 'ledger');
const config = {
  mcpServers: { up: fixture('tools.ts', '--ledger', ledger) },
  permissions: [{ match: 'up/*', level: 'OPERATOR' }],
};
/** Two router processes on one data folder. */
let villages: Village[];
const companions: Companion[] = [];
/** A third process on the folder, which is this one: it knows to the millisecond when a revocation was written. */
let revokedByAThird: Identity;

beforeAll(async () => {
  villages = [await Village.start({ config, folder })];
  villages.push(await Village.start({ config, folder }));
  revokedByAThird = await openIdentity({ dataDir: villages[0]!.dataDir, agents: () => undefined });
});
afterAll(async () => {
  await revokedByAThird.close();
  await Promise.all(companions.map((companion) => companion.stop()));
  await villages[1]?.stop();
  await villages[0]?.remove();
});

/** An open event stream, and when it ended. */
class Stream {
  status = 0;
  text = '';
  endedAt: number | undefined;
  readonly opened: Promise<void>;
  private readonly request: http.ClientRequest;

  constructor(url: string, target: string, headers: Record<string, string>) {
    const { hostname, port } = new URL(url);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.opened = promise;
    this.request = http.get({ hostname, port, path: target, headers, agent: false }, (response) => {
      this.status = response.statusCode ?? 0;
      response.on('data', (chunk: Buffer) => {
        this.text += chunk.toString('utf8');
        resolve();
      });
      response.on('close', () => {
        this.endedAt = performance.now();
        resolve();
      });
    });
    this.request.on('error', (error) => {
      this.endedAt ??= performance.now();
      reject(error);
    });
  }

  /** The data of the first event of this name. */
  event(name: string): string | undefined {
    return new RegExp(`event: ${name}\\ndata: (.*)\\n`).exec(this.text)?.[1];
  }

  async end(): Promise<void> {
    await vi.waitFor(() => expect(this.endedAt).toBeDefined(), { timeout: 10_000, interval: 10 });
  }

  close(): void {
    this.request.destroy();
  }
}

interface Client {
  readonly village: Village;
  readonly token: string;
  readonly session: RawSession;
  readonly stream: Stream;
  readonly legacy: Stream;
}

/** A client of every kind at once: a session, its own stream, and one of 2024-11-05. */
async function connect(village: Village, token: string): Promise<Client> {
  const session = await RawSession.open(village.url, token);
  await untilListed(session, 'up__append');
  const authorization = `Bearer ${token}`;
  const stream = new Stream(village.url, '/mcp', { ...session.headers, accept: 'text/event-stream' });
  const legacy = new Stream(village.url, '/sse', { authorization, accept: 'text/event-stream' });
  await Promise.all([stream.opened, legacy.opened]);
  expect([stream.status, legacy.status]).toEqual([200, 200]);
  return { village, token, session, stream, legacy };
}

const append = {
  jsonrpc: '2.0',
  id: 9,
  method: 'tools/call',
  params: { name: 'up__append', arguments: { key: 'late' } },
};

/** A call by the 2024-11-05 transport that is still running when the token ends. */
async function callOverSse(legacy: Stream, village: Village, token: string): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const post = (message: object) =>
    send(village.url, { path: legacy.event('endpoint')!, headers, body: JSON.stringify(message) });
  const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'old', version: '1' } };
  await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  const sleep = { name: 'up__sleep', arguments: { ms: 20_000, tag: 'over sse' } };
  expect((await post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: sleep })).status).toBe(202);
}

/** Calls until it is refused; when that was. */
async function refusedAt({ session }: Client): Promise<number> {
  for (;;) {
    const { status } = await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' });
    if (status === 401) return performance.now();
    expect(status).toBe(200);
  }
}

it('[A2] A05: a revoked token is refused within a second by all processes, on open sessions and streams', async () => {
  const jti = `revoked-${Date.now()}`;
  const token = tokenFor('alice', { jti });
  const others = tokenFor('bob');
  const clients = await Promise.all(villages.map((village) => connect(village, token)));
  const bystanders = await Promise.all(villages.map((village) => connect(village, others)));
  const seq = await lastSeq(villages[0]!);
  const running = clients.map(({ session }) => session.call('up__sleep', { ms: 20_000, tag: jti }));
  for (const { legacy, village } of clients) await callOverSse(legacy, village, token);
  await vi.waitFor(async () => expect(await recordsAfter(villages[0]!, seq, 'call_started')).toHaveLength(4), {
    timeout: 5_000,
  });
  const refused = clients.map(refusedAt);
  await revokedByAThird.revocations.revoke(jti, Math.floor(Date.now() / 1000) + 900);
  const acknowledgedAt = performance.now();
  const delays = (await Promise.all(refused)).map((at) => at - acknowledgedAt);
  await Promise.all(clients.flatMap(({ stream, legacy }) => [stream.end(), legacy.end()]));
  delays.push(
    ...clients.flatMap(({ stream, legacy }) => [stream.endedAt!, legacy.endedAt!]).map((at) => at - acknowledgedAt),
  );
  console.info(`revocation held after ${delays.map((ms) => ms.toFixed(0)).join(', ')} ms`);
  expect(Math.max(...delays)).toBeLessThan(MAX_REVOCATION_MS);

  for (const answer of await Promise.all(running))
    expect(answer.error?.data).toMatchObject({ reason: 'INVALID_API_KEY' });
  const cancelled = [...Array(2).fill(`cancelled ${jti}`), ...Array(2).fill('cancelled over sse')];
  await vi.waitFor(() => expect(fs.readFileSync(ledger, 'utf8').trim().split('\n').sort()).toEqual(cancelled.sort()), {
    timeout: 5_000,
  });
  for (const { session, village } of clients) {
    expect((await session.post(append)).status).toBe(401);
    expect(
      (await send(village.url, { method: 'GET', headers: { ...session.headers, accept: 'text/event-stream' } })).status,
    ).toBe(401);
    expect((await session.close()).status).toBe(401);
  }
  expect(fs.readFileSync(ledger, 'utf8')).not.toContain('late');
  const denied = await recordsOnceThere(villages[0]!, seq, 'auth_denied', 8);
  expect(new Set(denied.map(({ reason }) => reason))).toEqual(new Set(['revoked']));

  for (const { session, stream, legacy } of bystanders) {
    expect([stream.endedAt, legacy.endedAt]).toEqual([undefined, undefined]);
    expect((await session.request('ping')).result).toEqual({});
    stream.close();
    legacy.close();
  }
});

it('[A2] A05: a session goes on with a new token, but what the revoked one opened in it ends', async () => {
  const village = villages[1]!;
  const old = await connect(village, tokenFor('alice', { jti: `old-${Date.now()}` }));
  const renewed = tokenFor('alice');
  const running = old.session.call('up__sleep', { ms: 20_000, tag: 'of the old token' });
  const next = (message: object) => old.session.post(message, { authorization: `Bearer ${renewed}` });
  expect((await next({ jsonrpc: '2.0', id: 'n', method: 'ping' })).status).toBe(200);
  const jti = JSON.parse(Buffer.from(old.token.split('.')[1]!, 'base64url').toString()).jti;
  await villages[0]!.cli('token', 'revoke', jti);
  const acknowledgedAt = performance.now();
  await Promise.all([old.stream.end(), old.legacy.end()]);
  expect(Math.max(old.stream.endedAt!, old.legacy.endedAt!) - acknowledgedAt).toBeLessThan(MAX_REVOCATION_MS);
  expect((await running).error?.data).toMatchObject({ reason: 'INVALID_API_KEY' });
  const answer = await next({
    jsonrpc: '2.0',
    id: 'm',
    method: 'tools/call',
    params: { name: 'up__echo', arguments: { text: 'on' } },
  });
  expect(messagesOf(answer)[0]?.result).toMatchObject({ content: [{ text: 'on' }] });
});

it('[A1] A05: an open session and its streams end with its token', async () => {
  const now = Math.floor(Date.now() / 1000);
  // 30 s of leeway: it holds for two seconds more.
  const token = sign(claims('alice', { iat: now - 600, exp: now - 27 }));
  const { session, stream, legacy } = await connect(villages[0]!, token);
  await Promise.all([stream.end(), legacy.end()]);
  expect((await session.post(append)).status).toBe(401);
  expect(Date.now() / 1000).toBeGreaterThanOrEqual(now - 27 + 30);
});

const databaseOf = ({ dataDir }: Village) => path.join(dataDir, 'identity.db');

it('[A2] A05: while the store is locked no process serves a known, a revoked or a new token; then each again', async () => {
  const revoked = tokenFor('alice', { jti: 'revoked-before' });
  await villages[0]!.cli('token', 'revoke', 'revoked-before');
  const clients = await Promise.all(villages.map((village) => connect(village, tokenFor('alice'))));
  const locker = startCompanion('locker', databaseOf(villages[0]!));
  companions.push(locker);
  expect(await locker.next()).toBe('locked');
  const lockedAt = performance.now();
  const closed = await Promise.all(clients.map(refusedAt));
  await Promise.all(clients.flatMap(({ stream, legacy }) => [stream.end(), legacy.end()]));
  const delays = [...closed, ...clients.flatMap(({ stream, legacy }) => [stream.endedAt!, legacy.endedAt!])].map(
    (at) => at - lockedAt,
  );
  console.info(`closed ${delays.map((ms) => ms.toFixed(0)).join(', ')} ms after the store was locked`);
  expect(Math.max(...delays)).toBeLessThan(MAX_CLOSING_MS);
  for (const { session, village } of clients) {
    for (const token of [session.token, revoked, tokenFor('carol')]) {
      const answer = await session.post(append, { authorization: `Bearer ${token}` });
      expect([answer.status, messagesOf(answer)[0]?.error?.message]).toEqual([
        401,
        'The revocation list cannot be read, so no token is accepted; try again later',
      ]);
    }
    const login = await send(village.url, {
      path: '/api/auth/login',
      headers: { 'content-type': 'application/json' },
      body: '{"username":"alice","password":"does not matter"}',
    });
    expect([401, 503]).toContain(login.status);
  }
  locker.send('release');
  expect(await locker.next()).toBe('released');
  const releasedAt = performance.now();
  for (const { session } of clients) {
    await vi.waitFor(
      async () => expect((await session.post({ jsonrpc: '2.0', id: 2, method: 'ping' })).status).toBe(200),
      {
        timeout: 5_000,
        interval: 20,
      },
    );
    expect((await session.post(append, { authorization: `Bearer ${revoked}` })).status).toBe(401);
  }
  console.info(`open again ${(performance.now() - releasedAt).toFixed(0)} ms after the lock was released`);
  expect(fs.readFileSync(ledger, 'utf8')).not.toContain('late');
});

it('[A2] [O8] A05: when the store is deleted no process serves anybody, and health says so', async () => {
  const clients = await Promise.all(villages.map((village) => connect(village, tokenFor('alice'))));
  const seq = await lastSeq(villages[0]!);
  for (const end of ['', '-wal', '-shm']) fs.rmSync(`${databaseOf(villages[0]!)}${end}`, { force: true });
  const deletedAt = performance.now();
  const closed = await Promise.all(clients.map(refusedAt));
  expect(Math.max(...closed) - deletedAt).toBeLessThan(MAX_CLOSING_MS);
  for (const { session, village } of clients) {
    expect((await session.post(append)).status).toBe(401);
    expect((await session.post(append, { authorization: `Bearer ${tokenFor('dave')}` })).status).toBe(401);
    const health = await send(village.url, { method: 'GET', path: '/api/health' });
    expect([health.status, health.text]).toEqual([503, '{"status":"unhealthy"}']);
  }
  const denied = await recordsOnceThere(villages[0]!, seq, 'auth_denied', 6);
  expect(new Set(denied.map(({ reason }) => reason))).toEqual(new Set(['revocations_unreadable']));
  expect(fs.readFileSync(ledger, 'utf8')).not.toContain('late');
  // Nobody made a new, empty store in its place: that would forget every revocation.
  expect(fs.existsSync(databaseOf(villages[0]!))).toBe(false);
});
