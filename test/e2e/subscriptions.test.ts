/** B05 and P3: updates of resources, and changes of lists, reach those who asked for them and may see them. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { EventClient } from './lib/event-client.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { until } from './lib/until.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const UPDATED = 'notifications/resources/updated';
const LIST_CHANGED = 'notifications/tools/list_changed';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'subscriptions-'));
let village: Village;
let http: Started & { url: URL };
let alice: RawSession;
let aliceToo: RawSession;
let bob: RawSession;

/** The files are the truth of what the servers were asked. */
function ledger(server: string): string[] {
  const file = path.join(folder, server);
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

/** Every subscription that the server took was taken back. */
function isQuiet(server: string): boolean {
  const lines = ledger(server).filter((line) => line.includes('subscribe '));
  return server === 'own' || lines.filter((line) => line.startsWith('un')).length * 2 === lines.length;
}

function forgetLedgers(): void {
  for (const file of fs.readdirSync(folder)) fs.truncateSync(path.join(folder, file));
}

beforeAll(async () => {
  http = await startHttpFixture('tools.ts', ['--ledger', path.join(folder, 'web')]);
  village = await Village.start({
    config: {
      mcpServers: {
        pipe: fixture('tools.ts', '--ledger', path.join(folder, 'pipe')),
        web: { url: http.url.href },
        own: { ...fixture('tools.ts', '--ledger', path.join(folder, 'own')), isolation: 'session' },
        changing: fixture('mutate.ts'),
      },
      permissions: [
        ...['pipe', 'web', 'own', 'changing'].map((id) => ({ match: `${id}/*`, level: 'OPERATOR' })),
        { match: 'resource:note://me', level: 'READ_ONLY' },
        { match: 'resource:note://*', level: 'OPERATOR' },
      ],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  });
});
afterAll(async () => {
  await village.remove();
  await http.stop();
  fs.rmSync(folder, { recursive: true });
});

describe.each(['pipe', 'web', 'own'])('%s', (server) => {
  const endpoint = { path: `/mcp/${server}` };
  const subscribe = (session: RawSession, uri: string) => session.request('resources/subscribe', { uri });
  const unsubscribe = (session: RawSession, uri: string) => session.request('resources/unsubscribe', { uri });
  const touch = async (session: RawSession, uri: string, n = 1) =>
    expect(textOf(await session.call('touch', { uri, n }))).toBe('touched');

  beforeEach(async () => {
    const dave = { governance_level: 'READ_ONLY' };
    [alice, aliceToo, bob] = await Promise.all([
      RawSession.open(village.url, tokenFor('alice'), endpoint),
      RawSession.open(village.url, tokenFor('alice'), endpoint),
      RawSession.open(village.url, tokenFor('bob', dave), endpoint),
    ]);
    await alice.listed('touch');
    await until('the server has heard of the end of earlier sessions', () => isQuiet(server));
    forgetLedgers();
  });
  afterEach(async () => {
    await Promise.all([alice, aliceToo, bob].map((session) => session.close()));
  });

  it('[P3] B05: a hundred updates reach the subscriber, none of them anyone else', async () => {
    const [hers, hersToo, his] = await Promise.all([alice, aliceToo, bob].map((session) => EventClient.get(session)));
    expect((await subscribe(alice, 'note://alice')).result).toEqual({});
    expect((await subscribe(bob, 'note://me')).result).toEqual({});
    await touch(alice, 'note://alice', 100);
    await until('all updates', () => hers!.of(UPDATED).length === 100);
    expect(hers!.of(UPDATED).every(({ params }) => params?.uri === 'note://alice')).toBe(true);
    // What follows on his stream shows that nothing was on the way.
    await touch(server === 'own' ? aliceToo : alice, 'note://me');
    expect(hersToo!.of(UPDATED)).toEqual([]);
    expect(his!.of(UPDATED).filter(({ params }) => params?.uri !== 'note://me')).toEqual([]);
    for (const stream of [hers!, hersToo!, his!]) stream.cut();
  });

  it('[M2] [P3] B05: who may not read a resource cannot subscribe to it, as if it were not there', async () => {
    const denied = await subscribe(bob, 'note://alice');
    const unknown = await subscribe(bob, 'secret://nothing');
    expect(denied.error).toEqual({ ...unknown.error, message: 'Unknown resource: note://alice' });
    expect(ledger(server)).toEqual([]);
    const records = (await village.audit()).filter(
      ({ session, kind }) => session === bob.publicId && kind === 'call_denied',
    );
    expect(records).toHaveLength(2);
  });

  it("[P3] B05: nobody can end another's subscription", async () => {
    const stream = await EventClient.get(alice);
    await subscribe(alice, 'note://alice');
    expect((await unsubscribe(bob, 'note://alice')).error?.code).toBe(-32602);
    expect((await unsubscribe(aliceToo, 'note://alice')).error?.code).toBe(-32602);
    await touch(alice, 'note://alice');
    await stream.notified(UPDATED);
    stream.cut();
  });

  it('[P3] a subscription ends with unsubscribe, and with its session', async () => {
    await subscribe(alice, 'note://alice');
    await unsubscribe(alice, 'note://alice');
    await until('the server is told', () => ledger(server).includes('unsubscribe note://alice'));
    forgetLedgers();
    await subscribe(alice, 'note://bob');
    await alice.close();
    if (server !== 'own') await until('the server is told', () => ledger(server).includes('unsubscribe note://bob'));
  });
});

describe.each(['pipe', 'web'])('%s, shared', (server) => {
  it('[P3] a server is asked once for the subscriptions of fifty sessions, and told once that nobody wants them', async () => {
    await until('the server has heard of the end of earlier sessions', () => isQuiet(server));
    forgetLedgers();
    const sessions = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        RawSession.open(village.url, tokenFor(`reader-${i}`), { path: `/mcp/${server}` }),
      ),
    );
    await sessions[0]!.listed('touch');
    const streams = await Promise.all(sessions.map((session) => EventClient.get(session)));
    const uri = 'note://alice';
    await Promise.all(sessions.map((session) => session.request('resources/subscribe', { uri })));
    // Twice by the same session is the same subscription.
    await sessions[0]!.request('resources/subscribe', { uri });
    expect(ledger(server)).toEqual([`subscribe ${uri}`]);
    await sessions[0]!.call('touch', { uri });
    await Promise.all(streams.map((stream) => stream.notified(UPDATED)));
    expect(streams.every((stream) => stream.of(UPDATED).length === 1)).toBe(true);
    const [stays, ...leave] = sessions;
    await Promise.all(
      leave.map((session, i) => (i % 2 === 0 ? session.close() : session.request('resources/unsubscribe', { uri }))),
    );
    await stays!.call('touch', { uri });
    await until('the one that stays is told', () => streams[0]!.of(UPDATED).length === 2);
    expect(ledger(server)).toEqual([`subscribe ${uri}`]);
    await stays!.request('resources/unsubscribe', { uri });
    await until('the server is told', () => ledger(server).length === 2);
    expect(ledger(server)).toEqual([`subscribe ${uri}`, `unsubscribe ${uri}`]);
    for (const stream of streams) stream.cut();
    await stays!.close();
  });

  it('[P3] whoever comes as the last one leaves has its subscription', async () => {
    await until('the server has heard of the end of earlier sessions', () => isQuiet(server));
    forgetLedgers();
    const open = (agent: string) => RawSession.open(village.url, tokenFor(agent), { path: `/mcp/${server}` });
    const [one, other] = await Promise.all([open('one'), open('other')]);
    await one.listed('touch');
    const uri = 'note://bob';
    for (let round = 0; round < 20; round++) {
      const [leaving, coming] = round % 2 === 0 ? [one, other] : [other, one];
      if (round === 0) await leaving.request('resources/subscribe', { uri });
      await Promise.all([
        leaving.request('resources/unsubscribe', { uri }),
        coming.request('resources/subscribe', { uri }),
      ]);
      const lines = await until('the server is asked', () => {
        const all = ledger(server).filter((line) => line.endsWith(uri));
        return all.at(-1) === `subscribe ${uri}` ? all : undefined;
      });
      for (const [i, line] of lines.entries()) expect(line).toBe(`${i % 2 === 0 ? 'subscribe' : 'unsubscribe'} ${uri}`);
    }
  });
});

it('[P9] [M2] B05: a changed list is told to those for whom it changed, and to nobody else', async () => {
  const admin = await (await RawSession.open(village.url, tokenFor('alice'))).listed('changing__mutate');
  const dave = await RawSession.open(village.url, tokenFor('dave', { governance_level: 'READ_ONLY' }));
  const elsewhere = await RawSession.open(village.url, tokenFor('alice'), { path: '/mcp/pipe' });
  const [hers, his, other] = await Promise.all([admin, dave, elsewhere].map((session) => EventClient.get(session)));
  const before = hers!.of(LIST_CHANGED).length;
  for (const [tool, args] of [
    ['mutate', { field: 'add' }],
    ['mutate', { field: 'remove' }],
    ['restore', {}],
  ] as const) {
    const count = hers!.of(LIST_CHANGED).length;
    await admin.call(`changing__${tool}`, { ...args, times: 1 });
    await until('she is told', () => hers!.of(LIST_CHANGED).length > count);
  }
  expect(hers!.of(LIST_CHANGED).length).toBeGreaterThanOrEqual(before + 3);
  expect(his!.of(LIST_CHANGED)).toEqual([]);
  expect(other!.of(LIST_CHANGED).length).toBe(0);
  for (const stream of [hers!, his!, other!]) stream.cut();
});

it('[P9] a server that says a thousand times that its list changed, when it did not, disturbs nobody', async () => {
  const session = await (await RawSession.open(village.url, tokenFor('alice'))).listed('changing__mutate');
  await session.call('changing__restore', { times: 1 });
  const stream = await EventClient.get(session);
  await session.call('changing__mutate', { field: 'title', times: 1 });
  await until('the first change', () => stream.of(LIST_CHANGED).length > 0);
  const count = stream.of(LIST_CHANGED).length;
  await session.call('changing__mutate', { field: 'title', times: 1_000 });
  // A further change of the one that is withheld by now would be seen by nobody.
  await session.call('changing__mutate', { field: 'add', times: 1 });
  await until('the next change', () => stream.of(LIST_CHANGED).length > count);
  expect(stream.of(LIST_CHANGED)).toHaveLength(count + 1);
  stream.cut();
});
