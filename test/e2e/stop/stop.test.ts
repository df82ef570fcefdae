import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { RawSession, send } from '../lib/raw-client.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stop-'));
const arrivals = path.join(folder, 'arrivals.txt');
const EMERGENCY = { governance_level: 'EMERGENCY', role: 'admin' };
const config = {
  mcpServers: { work: fixture('arrivals.ts', '--arrivals', arrivals), other: fixture('tools.ts') },
  agents: { king: { level: 'EMERGENCY', role: 'admin' }, alice: { level: 'OPERATOR' }, mallory: { level: 'OPERATOR' } },
  permissions: [
    { match: 'work/*', level: 'OPERATOR' },
    { match: 'other/*', level: 'OPERATOR' },
  ],
};
let village: Village;

beforeAll(async () => {
  village = await Village.start({ config, env: { MCP_EMERGENCY_STOP_TIMEOUT: '1' } });
});
beforeEach(() => ready());
afterEach(async () => {
  await village.cli('resume', '--justification', 'the next test begins');
});
afterAll(async () => {
  await village.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

function stopBody(body: object, token: string, path: '' | '/resume' = '', headers = {}) {
  return send(village.url, {
    path: `/api/emergency-stop${path}`,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

const open = (agent: string, claims = {}) => RawSession.open(village.url, tokenFor(agent, claims));
/** Servers start when they are first wanted, and again when a stop that had them killed is over. */
const ready = () =>
  expect.poll(async () => (await open('alice')).names(), { timeout: 10_000 }).toEqual(expect.arrayContaining(NAMES));
const NAMES = ['work__work', 'other__echo'];
const arrived = () => fs.readFileSync(arrivals, 'utf8').split('\n').filter(Boolean);

it('[E1] H01: the tool stops, the stopped read why and since when, and the same level resumes with a justification', async () => {
  const king = await open('king', EMERGENCY);
  const alice = await open('alice');
  expect((await alice.call('work__work', { key: 'before' })).result).toBeDefined();
  const stop = await king.call('emergency_system_shutdown', { reason: 'smoke in the server room' });
  expect(stop.result?.structuredContent).toMatchObject({ state: 'stopped', routers_behind: 0, recorded: true });
  const refused = await alice.call('work__work', { key: 'held' });
  expect(refused.error).toMatchObject({ code: -32003, data: { reason: 'EMERGENCY_STOP', scope: 'all' } });
  // What there is stays unknown to whom it was unknown, stopped or not.
  expect((await alice.call('work__nothing')).error).toEqual(refused.error);
  const noReason = await king.call('emergency_system_resume', {});
  expect(noReason.result).toMatchObject({ isError: true });
  expect((await alice.call('emergency_system_resume', { justification: 'please' })).error?.data?.reason).toBe(
    'EMERGENCY_STOP',
  );
  const resumed = await king.call('emergency_system_resume', { justification: 'it was toast' });
  expect(resumed.result?.structuredContent).toMatchObject({ state: 'running', since: null });
  expect((await alice.call('work__work', { key: 'after' })).result).toBeDefined();
  // Held calls are not made up for.
  expect(arrived().some((line) => line.endsWith(' held'))).toBe(false);
  const kinds = (await village.audit()).filter(({ kind }) => kind === 'stop' || kind === 'resume');
  expect(kinds).toMatchObject([
    { kind: 'stop', agent: 'king', reason: 'smoke in the server room' },
    { kind: 'resume', agent: 'king', reason: 'it was toast' },
    // The command of afterEach comes after this look.
  ]);
});

it.each(['server:work', 'tool:work__work', 'agent:alice'])(
  '[E1] H01: the scope %s stops that and nothing else',
  async (scope) => {
    const king = await open('king', EMERGENCY);
    const alice = await open('alice');
    const mallory = await open('mallory');
    await king.call('emergency_system_shutdown', { scope, reason: 'only this' });
    expect((await alice.call('work__work', { key: 'x' })).error?.data).toMatchObject({
      reason: 'EMERGENCY_STOP',
      scope,
    });
    const other = await mallory.call(scope === 'agent:alice' ? 'work__work' : 'other__echo', { key: 'y', text: 'y' });
    expect(other.error).toBeUndefined();
    expect((await alice.call('other__echo', { text: 'z' })).error?.data?.reason).toBe(
      scope === 'agent:alice' ? 'EMERGENCY_STOP' : undefined,
    );
  },
);

it('[E1] H01: POST stops and POST to /resume resumes, for level EMERGENCY only; other levels, forms and pages change nothing', async () => {
  const king = tokenFor('king', EMERGENCY);
  const alice = tokenFor('alice');
  expect((await stopBody({ reason: 'no' }, alice)).status).toBe(403);
  expect((await stopBody({}, king)).status).toBe(400);
  expect((await stopBody({ reason: 'x', scope: 'everything' }, king)).status).toBe(400);
  expect((await stopBody({ reason: 'x' }, king, '', { origin: 'https://evil.example' })).status).toBe(403);
  expect((await stopBody({ reason: 'x' }, 'nonsense')).status).toBe(401);
  const session = await open('alice');
  expect((await session.call('other__echo', { text: 'on' })).error).toBeUndefined();

  expect((await stopBody({ reason: 'yes' }, king)).status).toBe(200);
  expect((await stopBody({ reason: 'again' }, king)).status).toBe(200);
  expect((await session.call('other__echo', { text: 'off' })).error?.data?.reason).toBe('EMERGENCY_STOP');
  expect((await stopBody({ justification: 'mine' }, alice, '/resume')).status).toBe(403);
  expect((await stopBody({}, king, '/resume')).status).toBe(400);
  expect((await stopBody({ justification: 'over' }, king, '/resume')).status).toBe(200);
  expect((await session.call('other__echo', { text: 'on' })).error).toBeUndefined();
});

it('[E1] the command stops a router that runs, and its audit names the owner', async () => {
  const session = await open('alice');
  const { code, stdout } = await village.cli('stop', '--reason', 'by hand');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'Stopped: all (by hand; by owner).\n' });
  expect((await session.call('other__echo', { text: 'off' })).error?.data?.reason).toBe('EMERGENCY_STOP');
  expect((await village.cli('resume', '--justification', ' ')).code).toBe(1);
  expect((await village.cli('resume', '--justification', 'done')).stdout).toBe('Nothing is stopped.\n');
  expect((await session.call('other__echo', { text: 'on' })).error).toBeUndefined();
  expect((await village.audit()).filter(({ kind }) => kind === 'stop').at(-1)).toMatchObject({ agent: 'owner' });
  expect((await village.cli('audit', 'verify')).code).toBe(0);
});

it('[E2] H01: calls in flight end with EMERGENCY_STOP within a second, and a process that goes on is killed after the grace', async () => {
  const alice = await open('alice');
  const king = await open('king', EMERGENCY);
  const status = async () => (await king.call('service_status', { id: 'work' })).result?.structuredContent;
  const before = (await status()) as { starts: number };
  const held = [1, 2, 3].map((n) => alice.call('work__work', { ms: 30_000, key: `slow ${n}` }));
  while (arrived().filter((line) => line.includes(' slow ')).length < 3) await new Promise(setImmediate);
  const since = performance.now();
  await king.call('emergency_system_shutdown', { scope: 'tool:work__work', reason: 'too slow' });
  for (const { error } of await Promise.all(held)) expect(error?.data?.reason).toBe('EMERGENCY_STOP');
  expect(performance.now() - since).toBeLessThan(1_000);
  await expect.poll(status, { timeout: 10_000 }).toMatchObject({ starts: before.starts + 1, state: 'ready' });
  const outcomes = (await village.audit()).filter(
    ({ kind, outcome }) => kind === 'call_finished' && outcome === 'stopped',
  );
  expect(outcomes).toHaveLength(3);
});

it('[E3] H01: kill -9 and a restart leave it stopped; nothing is started or sent meanwhile', async () => {
  const king = tokenFor('king', EMERGENCY);
  expect((await stopBody({ reason: 'for good' }, king)).status).toBe(200);
  await village.stop('SIGKILL');
  const count = arrived().length;
  village = await Village.start({ config, folder: village.folder, env: { MCP_EMERGENCY_STOP_TIMEOUT: '1' } });
  const session = await open('alice');
  expect(await session.names()).toEqual(expect.not.arrayContaining(['work__work']));
  expect((await session.call('work__work', { key: 'x' })).error?.data?.reason).toBe('EMERGENCY_STOP');
  expect(arrived().length).toBe(count);
  expect((await stopBody({ justification: 'found it' }, king, '/resume')).status).toBe(200);
  await expect
    .poll(async () => (await session.call('work__work', { key: 'y' })).error, { timeout: 10_000 })
    .toBeUndefined();
});

it('[E3] H01: a state that cannot be read stops everything, and a resume mends it', async () => {
  const file = path.join(village.dataDir, 'emergency-stop.json');
  const session = await open('alice');
  fs.writeFileSync(file, '{"stops": [');
  await expect
    .poll(async () => (await session.call('other__echo', { text: 'x' })).error?.data?.reason)
    .toBe('EMERGENCY_STOP');
  const king = await open('king', EMERGENCY);
  await king.call('emergency_system_resume', { justification: 'the file was torn' });
  expect((await session.call('other__echo', { text: 'x' })).error).toBeUndefined();
});

it('[E3] H01: neither the file nor the row alone lets go', async () => {
  const king = await open('king', EMERGENCY);
  await king.call('emergency_system_shutdown', { reason: 'both' });
  fs.rmSync(path.join(village.dataDir, 'emergency-stop.json'));
  const session = await open('alice');
  expect((await session.call('other__echo', { text: 'x' })).error?.data?.reason).toBe('EMERGENCY_STOP');
});
