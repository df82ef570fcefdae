/** Servers that end, forget or are restarted while their clients stay: healed under the client's feet (DESIGN §5, R5, P9). */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { EventClient } from './lib/event-client.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { until } from './lib/until.ts';
import { fixture, tokenFor, Village, type VillageConfig } from './lib/village.ts';

const UPDATED = 'notifications/resources/updated';
const LIST_CHANGED = /list_changed$/;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'healing-'));
let village: Village;
let http: Started & { url: URL };
let config: VillageConfig;

function ledger(server: string): string[] {
  const file = path.join(folder, server);
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

function toolsWith(server: string): { command: string; args: string[] } {
  return fixture('tools.ts', '--ledger', path.join(folder, server));
}

beforeAll(async () => {
  http = await startHttpFixture('tools.ts', ['--ledger', path.join(folder, 'web')]);
  config = {
    mcpServers: {
      pipe: toolsWith('pipe'),
      own: { ...toolsWith('own'), isolation: 'session' },
      web: { url: http.url.href },
      changing: fixture('mutate.ts'),
    },
    permissions: [
      ...['pipe', 'own', 'web', 'changing'].map((id) => ({ match: `${id}/*`, level: 'OPERATOR' })),
      { match: 'resource:note://*', level: 'OPERATOR' },
    ],
    router: { rateLimit: { perMinute: 1_000_000 } },
  };
  village = await Village.start({ config });
});
afterAll(async () => {
  await village.remove();
  await http.stop();
  fs.rmSync(folder, { recursive: true });
});

/** The processes that the router runs with this text among their arguments. */
function pids(text: string): number[] {
  return execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(village.process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(text))
    .map((line) => Number(line.trim().split(' ')[0]));
}

/** Kills it, and waits until another is there. */
async function restart(text: string): Promise<void> {
  const [old] = pids(text);
  process.kill(old!, 'SIGKILL');
  await until('a new process', () => pids(text).some((pid) => pid !== old));
}

async function open(path: string, tool: string): Promise<{ session: RawSession; stream: EventClient }> {
  const session = await (await RawSession.open(village.url, tokenFor('alice'), { path })).listed(tool);
  return { session, stream: await EventClient.get(session) };
}

it.each(['pipe', 'own'])(
  '[R5] [P3] %s is killed while idle: session, subscription and logging level go on, and no list is said to change',
  async (server) => {
    const { session, stream } = await open(`/mcp/${server}`, 'touch');
    await session.request('logging/setLevel', { level: 'debug' });
    await session.request('resources/subscribe', { uri: 'note://alice' });
    await session.call('echo', { text: 'before' });
    const old = JSON.parse(textOf(await session.call('whoami'))) as { pid: number };
    const asked = ledger(server).length;
    const changes = () => stream.messages.filter(({ method }) => LIST_CHANGED.test(method ?? ''));
    // Of the first start, which may have been under way when the session began.
    const before = changes().length;
    process.kill(old.pid, 'SIGKILL');
    // Until its death is seen, a call may still be lost with it.
    await until('another process serves', async () => {
      const answer = await session.call('whoami');
      return answer.error === undefined && (JSON.parse(textOf(answer)) as { pid: number }).pid !== old.pid;
    });
    await session.call('touch', { uri: 'note://alice' });
    await stream.notified(UPDATED);
    expect(ledger(server).slice(asked).toSorted()).toEqual(['level debug', 'subscribe note://alice']);
    expect(changes()).toHaveLength(before);
    await session.close();
  },
);

it('[R5] [P9] a server that lists something else after its restart: its clients are told, in the same session', async () => {
  const { session, stream } = await open('/mcp/changing', 'mutate');
  const told = () => stream.messages.filter(({ method }) => method === 'notifications/tools/list_changed').length;
  await session.call('mutate', { field: 'add', times: 1 });
  await until('the new tool', () => told() === 1);
  expect(await session.names()).toContain('newcomer');
  await restart('mutate.ts');
  await until('the tool that went with the restart', () => told() === 2);
  expect(await session.names()).not.toContain('newcomer');
  await session.close();
});

it('[R5] [R6] what a killed server listed stays listed, and a call waits for its return', async () => {
  const { session } = await open('/mcp/pipe', 'echo');
  for (let round = 0; round < 3; round++) {
    const [pid] = pids(path.join(folder, 'pipe'));
    process.kill(pid!, 'SIGKILL');
    expect(await session.names()).toContain('echo');
    const answer = await session.call('echo', { text: 'again' });
    // Its death may be seen only when the call is on its way; then the client is told that it may try again.
    if (answer.error !== undefined) expect(answer.error.data?.reason).toMatch(/CONNECTION_LOST|UPSTREAM_UNAVAILABLE/);
    await until('it serves', async () => textOf(await session.call('echo', { text: 'again' })) === 'again', 20_000);
  }
});

it('[R5] [P3] an HTTP server is restarted and forgets its sessions: the next call runs, once, and subscriptions go on', async () => {
  const { session, stream } = await open('/mcp/web', 'touch');
  await session.request('resources/subscribe', { uri: 'note://alice' });
  await session.request('logging/setLevel', { level: 'debug' });
  const asked = ledger('web').length;
  await http.stop();
  http = await startHttpFixture('tools.ts', ['--http', http.url.port, '--ledger', path.join(folder, 'web')]);
  const answer = await session.call('append', { key: 'once' });
  expect(textOf(answer)).toBe('written');
  expect(ledger('web').filter((line) => line === 'once')).toEqual(['once']);
  await until('the subscription is asked for again', () =>
    ledger('web').slice(asked).includes('subscribe note://alice'),
  );
  await until('the level is asked for again', () => ledger('web').slice(asked).includes('level debug'));
  // The stream on which the server tells of updates is opened after its new session is.
  await until('an update', async () => {
    await session.call('touch', { uri: 'note://alice' });
    return stream.of(UPDATED).length > 0;
  });
  expect(stream.messages.filter(({ method }) => LIST_CHANGED.test(method ?? ''))).toEqual([]);
  await session.close();
});

it('[P9] [P3] a server whose entry is changed starts anew: its sessions stay, and their subscriptions with them', async () => {
  const { session, stream } = await open('/mcp/pipe', 'touch');
  await session.request('resources/subscribe', { uri: 'note://bob' });
  const [before] = pids(path.join(folder, 'pipe'));
  village.reconfigure({
    ...config,
    mcpServers: { ...config.mcpServers, pipe: { ...toolsWith('pipe'), env: { CHANGED: 'yes' } } },
  });
  await until('the new process', () => pids(path.join(folder, 'pipe')).some((pid) => pid !== before));
  await session.listed('touch');
  const { env } = JSON.parse(textOf(await session.call('whoami'))) as { env: Record<string, string> };
  expect(env.CHANGED).toBe('yes');
  await session.call('touch', { uri: 'note://bob' });
  await stream.notified(UPDATED);
  await session.close();
});
