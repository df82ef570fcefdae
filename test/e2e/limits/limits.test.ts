import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type JsonRpc, POST_HEADERS, RawSession, send } from '../lib/raw-client.ts';
import { until } from '../lib/until.ts';
import { fixture, tokenFor, Village, type VillageConfig } from '../lib/village.ts';

const LIMIT = 60;
const config: VillageConfig = {
  mcpServers: {
    up: fixture('tools.ts'),
    other: { ...fixture('tools.ts'), securityProfile: { rate_limit: 10 } },
  },
  agents: Object.fromEntries(
    ['alice', 'bob', 'carol', 'dora', 'erin', 'frank', 'gina'].map((name) => [name, { level: 'OPERATOR' }]),
  ),
  permissions: [
    { match: 'up/*', level: 'OPERATOR' },
    { match: 'up/echo', level: 'OPERATOR' },
    { match: 'up/whoami', level: 'OPERATOR', rate: { perMinute: 3 } },
    { match: 'other/*', level: 'OPERATOR' },
  ],
  router: { rateLimit: { perMinute: LIMIT } },
};

let folder: string;
let villages: Village[];

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  villages = [];
  for (let i = 0; i < 3; i++) villages.push(await Village.start({ config, folder }));
  const session = await RawSession.open(villages[0]!.url, tokenFor('gina'));
  await session.listed('up__echo');
});
afterAll(async () => {
  for (const village of villages) await village.stop();
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

const isLimited = ({ error }: JsonRpc) => error?.code === -32005;

it('[S1] R01 counts every spelling of one caller, in every session, token, door and process, as one', async () => {
  const headers = [
    { 'x-forwarded-for': '10.1.2.3' },
    { forwarded: 'for=192.0.2.60' },
    { 'x-real-ip': '10.9.9.9' },
    { 'cf-connecting-ip': '2001:db8::7' },
    { 'user-agent': 'another one' },
  ];
  const accepted: number[] = [];
  let refused: (JsonRpc & { status: number; retryAfter: unknown }) | undefined;
  for (let round = 0; round < 6; round++) {
    for (const [i, village] of villages.entries()) {
      const token = tokenFor('alice');
      const path = round % 2 === 0 ? '/mcp' : '/mcp/up';
      // A session may no longer be opened either.
      const session = await RawSession.open(village.url, token, { path }).catch(() => undefined);
      if (session === undefined) continue;
      accepted.push(Date.now());
      const name = path === '/mcp' ? 'up__echo' : 'echo';
      const work = Array.from({ length: 12 }, (_, n) => {
        const params = { name: n % 4 === 3 ? 'nothing_of_that_name' : name, arguments: { text: 'x' } };
        const message =
          n % 4 === 2
            ? { jsonrpc: '2.0', id: n + 1, method: 'tools/list' }
            : { jsonrpc: '2.0', id: n + 1, method: 'tools/call', params };
        return session.post(message, headers[(i + n) % headers.length]);
      });
      for (const answer of await Promise.all(work)) {
        const message = JSON.parse(answer.text) as JsonRpc;
        if (isLimited(message))
          refused = { ...message, status: answer.status, retryAfter: answer.headers['retry-after'] };
        else accepted.push(Date.now());
      }
    }
  }
  expect(accepted.length).toBeLessThanOrEqual(LIMIT);
  expect(accepted.length).toBeGreaterThan(LIMIT * 0.5);
  expect(refused).toMatchObject({
    status: 200,
    id: expect.any(Number) as number,
    error: { data: { reason: 'RATE_LIMIT_EXCEEDED', limit: LIMIT } },
  });
  expect(Number(refused?.retryAfter)).toBe(Math.ceil(Number(refused?.error?.data?.retryAfterMs) / 1000));
});

it('[S1] leaves other callers alone meanwhile', async () => {
  const session = await RawSession.open(villages[1]!.url, tokenFor('bob'));
  for (let i = 0; i < 20; i++) expect((await session.call('up__echo', { text: 'x' })).error).toBeUndefined();
});

it('[S1] [D1] keeps to the limit of a row, and of a server for all its callers, on record', async () => {
  const village = villages[0]!;
  const carol = await RawSession.open(village.url, tokenFor('carol'));
  const dora = await RawSession.open(village.url, tokenFor('dora'));
  const byRow = [];
  for (let i = 0; i < 5; i++) byRow.push(isLimited(await carol.call('up__whoami')));
  expect(byRow).toEqual([false, false, false, true, true]);
  expect(isLimited(await dora.call('up__whoami'))).toBe(false);
  await dora.listed('other__echo');
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? carol : dora).call('other__echo', { text: 'x' })),
  );
  expect(answers.filter((answer) => !isLimited(answer))).toHaveLength(10);
  const records = (await village.audit()).filter(({ kind }) => kind === 'limited');
  expect(records.filter(({ tool, agent }) => tool === 'up__whoami' && agent === 'carol')).toHaveLength(2);
  expect(records.filter(({ tool }) => tool === 'other__echo')).toHaveLength(6);
  expect(records[0]).toMatchObject({ outcome: 'limited', reason: 'RATE_LIMIT_EXCEEDED' });
});

it('[S1] lets pauses grow for a caller that goes on, then closes its sessions and opens no new ones', async () => {
  const { url } = villages[2]!;
  const token = tokenFor('erin');
  const session = await RawSession.open(url, token);
  const post = () => session.post({ jsonrpc: '2.0', id: 1, method: 'prompts/list' });
  let longest = 0;
  // It never waits for as long as it is told.
  await until(
    'its session is over',
    async () => {
      const answer = await post();
      if (answer.status === 404) return true;
      longest = Math.max(longest, Number(answer.headers['retry-after'] ?? 0));
      return false;
    },
    40_000,
  );
  expect(longest).toBeGreaterThanOrEqual(32);
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'again', version: '1' } };
  const again = await send(url, {
    headers: { ...POST_HEADERS, authorization: `Bearer ${token}` },
    body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
  });
  expect(again.status).toBe(429);
  expect(Number(again.headers['retry-after'])).toBeGreaterThan(1);
}, 60_000);

it('[S1] [E1] never tells whoever may stop everything to wait with it', async () => {
  const village = villages[1]!;
  const session = await RawSession.open(
    village.url,
    tokenFor('king', { role: 'admin', governance_level: 'EMERGENCY' }),
  );
  await Promise.all(Array.from({ length: LIMIT + 20 }, () => session.request('tools/list')));
  expect(isLimited(await session.call('service_list'))).toBe(true);
  const stopped = await session.call('emergency_system_shutdown', { scope: 'tool:up__sleep', reason: 'a drill' });
  expect(stopped.result?.isError ?? false).toBe(false);
  expect(stopped.error).toBeUndefined();
});
