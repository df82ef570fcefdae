import { afterAll, beforeAll, expect, it } from 'vitest';
import { HELD_OUT, TUNED } from '../fixtures/screening/attacks.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { RecordingServer } from './lib/recording-server.ts';
import { LAUNCHER, tokenFor, Village } from './lib/village.ts';

let server: RecordingServer;
let village: Village;
let alice: RawSession;

const config = (router: Record<string, unknown>) => ({
  mcpServers: { up: server.entry, hyperrag: { command: 'node', args: [LAUNCHER, 'serve', 'hyperrag'] } },
  agents: { alice: { level: 'OPERATOR' } },
  permissions: [{ match: 'up/*', level: 'OPERATOR' }],
  router,
});

beforeAll(async () => {
  server = await RecordingServer.start('up', { tools: ['take'] });
  village = await Village.start({ config: config({}) });
  alice = await RawSession.open(village.url, tokenFor('alice'));
  await alice.namesOnceThere('up__take', 'hyperrag_query');
});
afterAll(async () => {
  await village.remove();
  await server.close();
});

it('[S2] [D1] [D4] blocks an attack before any byte of it leaves, and the record says why and shows no value', async () => {
  const attacks = [...TUNED, ...HELD_OUT];
  const blocked = [];
  for (const args of attacks) {
    const { error } = await alice.call('up__take', args);
    if (error !== undefined) blocked.push(error);
  }
  expect(blocked.length).toBeGreaterThanOrEqual(attacks.length * 0.95);
  expect(blocked[0]).toMatchObject({
    code: -32010,
    data: { reason: 'SECURITY_VIOLATION', score: expect.any(Number) as number },
  });
  expect(server.received.length).toBe(attacks.length - blocked.length);
  const records = (await village.audit()).filter(({ kind }) => kind === 'screened');
  expect(records).toHaveLength(blocked.length);
  expect(records[0]).toMatchObject({ outcome: 'blocked', tool: 'up__take', reason: 'SECURITY_VIOLATION' });
  expect((records[0] as { details: { features: string } }).details.features).toMatch(
    /sql-quote-break 0\.9 in username/,
  );
  expect(JSON.stringify(records)).not.toMatch(/evil\.example|etc\/passwd|198\.51\.100/);
});

it('[S2] lets honest calls of the same session pass, and what our own servers take as a text', async () => {
  const before = server.received.length;
  expect((await alice.call('up__take', { path: 'src/index.ts', note: "it's fine; thanks" })).error).toBeUndefined();
  expect(server.received.length).toBe(before + 1);
  const answer = await alice.call('hyperrag_query', { query: "robert'); DROP TABLE students;--" });
  expect(answer.error).toBeUndefined();
  expect(textOf(answer)).toContain('results');
});

it('[S2] [M5] can be switched off', async () => {
  village.reconfigure(config({ screening: false }));
  await expect
    .poll(async () => (await alice.call('up__take', { username: "admin' OR '1'='1" })).error, { timeout: 10_000 })
    .toBeUndefined();
});
