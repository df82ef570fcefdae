import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { untilListed } from '../lib/oracle.ts';
import { RawSession, send, textOf } from '../lib/raw-client.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

let village: Village;
let session: RawSession;
const token = tokenFor('alice');

beforeAll(async () => {
  village = await Village.start({
    folder: fs.mkdtempSync(path.join(os.tmpdir(), 'village-')),
    config: {
      mcpServers: { frail: fixture('crash.ts'), steady: fixture('tools.ts') },
      permissions: [
        { match: 'frail/*', level: 'OPERATOR' },
        { match: 'steady/*', level: 'OPERATOR' },
      ],
    },
  });
  session = await RawSession.open(village.url, token);
  await untilListed(session, 'frail__pids');
  await untilListed(session, 'steady__echo');
});
afterAll(() => village.remove());

interface Service {
  readonly id: string;
  readonly status: string;
  readonly state: string;
  readonly since: string;
  readonly problem: string | null;
  readonly starts: number;
  readonly calls_in_flight: number;
  readonly tools: number;
}

async function read<T>(route: string): Promise<T> {
  const answer = await send(village.url, { method: 'GET', path: route, headers: { authorization: `Bearer ${token}` } });
  expect([route, answer.status]).toEqual([route, 200]);
  return JSON.parse(answer.text) as T;
}
const service = (id: string) => read<Service>(`/api/services/${id}/status`);
const health = () =>
  read<{ status: string; sessions: number; services: Service[]; audit: string; identity: string }>('/api/health');
const anonymous = async () => {
  const { status, text } = await send(village.url, { method: 'GET', path: '/api/health' });
  return [status, JSON.parse(text)];
};

it('[O8] tells who may know it what there is and how it is, in all three places alike', async () => {
  const whole = await health();
  expect(whole).toMatchObject({ status: 'healthy', audit: 'available', identity: 'available' });
  expect(whole.sessions).toBeGreaterThanOrEqual(1);
  const { services } = await read<{ services: Service[] }>('/api/services');
  expect(services.map(({ id }) => id)).toEqual(['router', 'frail', 'steady']);
  expect(services).toEqual(whole.services);
  expect(await service('frail')).toMatchObject({
    id: 'frail',
    status: 'healthy',
    state: 'ready',
    problem: null,
    starts: 1,
    tools: 3,
  });
});

it('[O8] counts the calls that a server runs now', async () => {
  const running = session.call('steady__sleep', { ms: 1_500 });
  await vi.waitFor(async () => expect((await service('steady')).calls_in_flight).toBe(1), {
    timeout: 1_400,
    interval: 20,
  });
  await running;
  expect((await service('steady')).calls_in_flight).toBe(0);
});

it('[O8] [R5] tells the truth while a server crashes again and again, and when it is back', async () => {
  const before = await service('frail');
  const pid = async () => (JSON.parse(textOf(await session.call('frail__pids'))) as { pid: number }).pid;
  const first = await pid();
  // Each crash makes the wait before the next start longer, so there is time to look.
  for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGKILL']) {
    const died = await session.call('frail__die', { signal });
    expect(died.error?.data).toMatchObject({ reason: 'OUTCOME_UNKNOWN' });
    const down = await vi.waitFor(
      async () => {
        const seen = await service('frail');
        expect(seen.state).not.toBe('ready');
        return seen;
      },
      { timeout: 2_000, interval: 5 },
    );
    expect(Date.parse(down.since)).toBeGreaterThanOrEqual(Date.parse(before.since));
    if (down.state === 'waiting') {
      expect(down.status).toBe('unhealthy');
      expect(down.problem).toContain(signal);
    } else expect([down.state, down.status]).toEqual(['starting', 'degraded']);
    expect(down.calls_in_flight).toBe(0);
    // The others serve, and so does the router.
    expect((await service('steady')).status).toBe('healthy');
    expect(textOf(await session.call('steady__echo', { text: 'still here' }))).toBe('still here');
    await vi.waitFor(async () => expect((await service('frail')).state).toBe('ready'), {
      timeout: 15_000,
      interval: 20,
    });
  }
  const after = await service('frail');
  expect(after).toMatchObject({ status: 'healthy', problem: null, starts: before.starts + 3 });
  expect(await pid()).not.toBe(first);
});

it('[O8] says degraded to everybody while one server is away, and why to those who may know', async () => {
  village.reconfigure({
    mcpServers: { frail: fixture('crash.ts', '--at', 'start'), steady: fixture('tools.ts') },
    permissions: [{ match: 'steady/*', level: 'OPERATOR' }],
  });
  await vi.waitFor(async () => expect(await anonymous()).toEqual([200, { status: 'degraded' }]), {
    timeout: 10_000,
    interval: 20,
  });
  await vi.waitFor(async () => expect((await service('frail')).problem).toContain('crash: cannot start'), {
    timeout: 10_000,
    interval: 20,
  });
  expect((await health()).status).toBe('degraded');
  expect((await service('steady')).status).toBe('healthy');
});

it('[O8] A01: tells nobody without a token what there is, whatever path or agent it claims', async () => {
  for (const headers of [
    {},
    { 'user-agent': 'kube-probe/1.31' },
    { 'user-agent': 'GoogleHC/1.0' },
    { 'x-forwarded-for': '127.0.0.1' },
  ]) {
    const answer = await send(village.url, { method: 'GET', path: '/api/health?verbose=1&services=1', headers });
    expect(JSON.parse(answer.text)).toEqual({ status: 'degraded' });
    for (const route of ['/api/services', '/api/services/frail/status', '/api/services/nothing/status']) {
      const refused = await send(village.url, { method: 'GET', path: route, headers });
      expect(refused.status).toBe(401);
      expect(refused.text).not.toMatch(/frail|steady/);
    }
  }
});

it('[O8] [M2] answers for a server that is not there, and for a path that is none, with 404', async () => {
  for (const route of [
    '/api/services/nothing/status',
    '/api/services/frail',
    '/api/services/',
    '/api/services/../health',
    '/api/services/__proto__/status',
    '/api/services/constructor/status',
  ]) {
    const answer = await send(village.url, {
      method: 'GET',
      path: route,
      headers: { authorization: `Bearer ${token}` },
    });
    expect([route, answer.status]).toEqual([route, 404]);
  }
});
