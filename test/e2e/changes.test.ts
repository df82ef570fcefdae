/** P9, M5, C07: what changes behind the router reaches those whom it concerns, in time, and shows nobody what is not theirs. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventClient } from './lib/event-client.ts';
import { type JsonRpc, type RawAnswer, RawSession, send, textOf } from './lib/raw-client.ts';
import { until } from './lib/until.ts';
import { fixture, tokenFor, Village, type VillageConfig } from './lib/village.ts';

const CHANGED = 'notifications/tools/list_changed';
/** Usual is a hundredth of it on an idle machine; nothing here may depend on how busy this one is. */
const LIMIT_MS = { upstream: 1_000, configuration: 10_000 };
const READ_ONLY = { governance_level: 'READ_ONLY' };

const CONFIG: VillageConfig = {
  mcpServers: { up: fixture('tools.ts'), changing: fixture('mutate.ts') },
  permissions: [
    { match: 'up/*', level: 'OPERATOR' },
    { match: 'up/echo', level: 'READ_ONLY' },
    { match: 'changing/*', level: 'OPERATOR' },
    { match: 'resource:note://me', level: 'READ_ONLY' },
    { match: 'resource:note://alice', level: 'OPERATOR' },
    { match: 'prompt:up__greet', level: 'OPERATOR' },
  ],
  router: { rateLimit: { perMinute: 1_000_000 } },
};
let village: Village;
let alice: RawSession;
let bob: RawSession;

beforeAll(async () => {
  village = await Village.start({ config: CONFIG });
  alice = await RawSession.open(village.url, tokenFor('alice'));
  await alice.listed('up__echo');
  await alice.listed('changing__mutate');
  bob = await RawSession.open(village.url, tokenFor('bob', READ_ONLY));
});
afterAll(() => village.remove());

function report(what: string, ms: readonly number[]): void {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(0);
  process.stderr.write(`${what}: median ${at(0.5)} ms, worst ${at(1)} ms of ${sorted.length}\n`);
}

it("[P9] an upstream's list_changed reaches clients at once", async () => {
  const stream = await EventClient.get(alice);
  const took: number[] = [];
  for (let round = 0; round < 10; round++) {
    const count = stream.of(CHANGED).length;
    const began = performance.now();
    // It tells of the change before it answers.
    await alice.call('changing__mutate', { field: 'add', times: 1 });
    await until('she is told', () => stream.of(CHANGED).length > count);
    took.push(stream.events.findLast(({ message }) => message?.method === CHANGED)!.at - began);
    await alice.call('changing__restore', { times: 1 });
    await until('she is told', () => stream.of(CHANGED).length > count + 1);
  }
  report('list_changed of an upstream', took);
  expect(Math.min(...took)).toBeLessThan(LIMIT_MS.upstream);
  stream.cut();
});

it('[P9] [M5] [M2] a changed configuration is in force within a second; no session is dropped, calls go on', async () => {
  const streams = await Promise.all([alice, bob].map((session) => EventClient.get(session)));
  const idle = await Promise.all(
    Array.from({ length: 20 }, (_, i) => RawSession.open(village.url, tokenFor(`idle-${i}`))),
  );
  const running = alice.call('up__sleep', { ms: 4_000 });
  const told = () => streams.map((stream) => stream.of(CHANGED).length);

  const steps: [string, VillageConfig, () => Promise<boolean>, [boolean, boolean]][] = [
    [
      'a right taken from bob',
      { ...CONFIG, permissions: CONFIG.permissions!.filter((row) => (row as { match: string }).match !== 'up/echo') },
      async () => (await bob.call('up__echo', { text: 'x' })).error?.code === -32602,
      [false, true],
    ],
    ['and given back', CONFIG, async () => textOf(await bob.call('up__echo', { text: 'x' })) === 'x', [false, true]],
    [
      'a server taken away',
      { ...CONFIG, mcpServers: { up: CONFIG.mcpServers!.up } },
      async () => !(await alice.names()).includes('changing__mutate'),
      [true, false],
    ],
    ['and another', CONFIG, async () => (await alice.names()).includes('changing__mutate'), [true, false]],
  ];
  for (const [what, config, isInForce, concerns] of steps) {
    const before = told();
    const began = performance.now();
    village.reconfigure(config);
    await until(what, isInForce);
    const tookMs = performance.now() - began;
    report(`configuration, ${what}`, [tookMs]);
    expect(tookMs).toBeLessThan(LIMIT_MS.configuration);
    for (const [i, isConcerned] of concerns.entries()) {
      if (isConcerned) await until(`${what}: told`, () => told()[i]! > before[i]!);
      else expect(told()[i]).toBe(before[i]);
    }
  }
  expect(textOf(await running)).toBe('slept 4000 ms');
  for (const session of idle) expect((await session.request('ping')).result).toEqual({});
  expect(streams.every(({ isOver }) => !isOver)).toBe(true);
  for (const stream of streams) stream.cut();
});

it('[P9] a configuration with a mistake changes nothing, and the next good one does', async () => {
  const stream = await EventClient.get(alice);
  const count = stream.of(CHANGED).length;
  village.reconfigure({ ...CONFIG, permissions: [{ match: 'up/*', level: 'NOBODY' }] });
  await until('the mistake is told', () => village.stderr().includes('the changed configuration is not used'));
  expect(textOf(await alice.call('up__echo', { text: 'as before' }))).toBe('as before');
  expect(stream.of(CHANGED)).toHaveLength(count);
  village.reconfigure({
    ...CONFIG,
    mcpServers: { ...CONFIG.mcpServers, more: fixture('tools.ts') },
    permissions: [...CONFIG.permissions!, { match: 'more/*', level: 'OPERATOR' }],
  });
  await alice.listed('more__echo');
  await until('she is told', () => stream.of(CHANGED).length > count);
  stream.cut();
});

const HERS = ['up__sleep', 'up__append', 'up__whoami', 'changing__', 'note://alice', 'greet', 'Greet'];

it('[M2] C07: a thousand lists and reads of two callers in turn show neither what is the other’s', async () => {
  const of = (session: RawSession) => [
    () => session.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    () => session.post({ jsonrpc: '2.0', id: 2, method: 'resources/list' }),
    () => session.post({ jsonrpc: '2.0', id: 3, method: 'prompts/list' }),
    () => session.post({ jsonrpc: '2.0', id: 4, method: 'resources/read', params: { uri: 'note://me' } }),
    () => session.post({ jsonrpc: '2.0', id: 5, method: 'resources/read', params: { uri: 'note://alice' } }),
    () =>
      session.post({
        jsonrpc: '2.0',
        id: 6,
        method: 'prompts/get',
        params: { name: 'up__greet', arguments: { name: 'x' } },
      }),
  ];
  const [hers, his] = [of(alice), of(bob)];
  const answers = { alice: [] as RawAnswer[], bob: [] as RawAnswer[] };
  for (let round = 0; round < 1_000 / (2 * hers.length); round++) {
    await Promise.all(
      hers.map(async (_, i) => {
        const [first, second] = await Promise.all([hers[i]!(), his[(i + round) % his.length]!()]);
        answers.alice.push(first);
        answers.bob.push(second);
      }),
    );
  }
  for (const { text, headers } of answers.bob) {
    expect(headers['cache-control']).toMatch(/no-store/);
    expect(headers.etag).toBeUndefined();
    // An unknown name comes back in the words of the refusal, as he sent it; nothing else of it does.
    const { error } = JSON.parse(text) as JsonRpc;
    if (error === undefined) for (const word of HERS) expect(text).not.toContain(word);
    else expect(error.message).toMatch(/^Unknown (resource: note:\/\/alice|prompt: up__greet)$/);
  }
  const kinds = new Map(answers.alice.map(({ text }) => [(JSON.parse(text) as { id: number }).id, text]));
  expect(kinds.get(1)).toContain('up__sleep');
  expect(kinds.get(5)).toContain('the text of note://alice');
  expect(answers.alice.every(({ text }) => !text.includes('"error"'))).toBe(true);
});

it('[M2] C07: conditional requests and shared caches get nothing', async () => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
  const answer = await send(bob.url, {
    headers: { ...bob.headers, 'if-none-match': '*', 'if-modified-since': new Date().toUTCString() },
    body,
  });
  expect(answer.status).toBe(200);
  expect(answer.headers['cache-control']).toMatch(/no-store/);
  const stream = await EventClient.get(bob);
  expect(stream.headers['cache-control']).toMatch(/no-store/);
  stream.cut();
});

it('[M2] C07: a right that goes between two pages of a list goes from the second', async () => {
  village.reconfigure({ ...CONFIG, router: { ...CONFIG.router, pageSize: 2 } });
  const page = async (cursor?: unknown) =>
    (await alice.request('tools/list', cursor === undefined ? {} : { cursor })).result!;
  const first = await until('short pages', async () => {
    const result = await page();
    return (result.tools as unknown[]).length === 2 ? result : undefined;
  });
  village.reconfigure({
    ...CONFIG,
    router: { ...CONFIG.router, pageSize: 2 },
    permissions: CONFIG.permissions!.filter((row) => (row as { match: string }).match !== 'changing/*'),
  });
  await until('the right is gone', async () => !(await alice.names()).some((name) => name.startsWith('changing__')));
  let cursor = first.nextCursor;
  const rest: string[] = [];
  while (cursor !== undefined) {
    const result = await page(cursor);
    rest.push(...(result.tools as { name: string }[]).map(({ name }) => name));
    cursor = result.nextCursor;
  }
  expect(rest.length).toBeGreaterThan(2);
  expect(rest.filter((name) => name.startsWith('changing__'))).toEqual([]);
});
