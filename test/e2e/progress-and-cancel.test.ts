/** B03: progress and cancellation concern one client's own calls, whatever others use as ids and tokens. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { EventClient } from './lib/event-client.ts';
import { type JsonRpc, RawSession, textOf } from './lib/raw-client.ts';
import { until } from './lib/until.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cancel-'));
const ledgerOf = { pipe: path.join(folder, 'pipe'), web: path.join(folder, 'web') };
let village: Village;
let http: Started & { url: URL };

beforeAll(async () => {
  http = await startHttpFixture('tools.ts', ['--ledger', ledgerOf.web]);
  village = await Village.start({
    config: {
      mcpServers: { pipe: fixture('tools.ts', '--ledger', ledgerOf.pipe), web: { url: http.url.href } },
      permissions: [
        { match: 'pipe/*', level: 'OPERATOR' },
        { match: 'web/*', level: 'OPERATOR' },
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

async function open(agent: string, server: string): Promise<RawSession> {
  return (await RawSession.open(village.url, tokenFor(agent))).listed(`${server}__echo`);
}

function ledger(server: 'pipe' | 'web'): string[] {
  return fs.existsSync(ledgerOf[server]) ? fs.readFileSync(ledgerOf[server], 'utf8').split('\n').slice(0, -1) : [];
}

function call(id: unknown, name: string, args: object, meta?: object): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, ...(meta && { _meta: meta }) } };
}

const TOKENS: [string, string | number][] = [
  ['the string "1"', '1'],
  ['the number 1', 1],
  ['a string of 10 kB', 'tö'.repeat(3_500)],
];

describe.each(['pipe', 'web'] as const)('%s', (server) => {
  it.each(TOKENS)(
    '[P3] B03: two clients with %s as progress token each get their own progress, in order, none after the answer',
    async (_, progressToken) => {
      const sessions = await Promise.all(['alice', 'bob'].map((agent) => open(agent, server)));
      const own = await Promise.all(sessions.map((session) => EventClient.get(session)));
      const steps = [50, 40];
      const answers = await Promise.all(
        sessions.map((session, i) =>
          session.request(
            'tools/call',
            { name: `${server}__progress`, arguments: { n: steps[i], everyMs: 2 }, _meta: { progressToken } },
            1,
          ),
        ),
      );
      for (const [i, answer] of answers.entries()) {
        expect(textOf(answer)).toBe(`${steps[i]} steps`);
        expect(answer.before.map(({ method }) => method)).toEqual(
          new Array(steps[i]).fill('notifications/progress') as string[],
        );
        expect(answer.before.every(({ params }) => params?.progressToken === progressToken)).toBe(true);
        expect(answer.before.map(({ params }) => params?.progress)).toEqual(
          Array.from({ length: steps[i]! }, (__, step) => step + 1),
        );
        expect(answer.before.every(({ params }) => params?.total === steps[i])).toBe(true);
      }
      // Nothing of it on the sessions' own streams either.
      expect(own.flatMap((stream) => stream.of('notifications/progress'))).toEqual([]);
      for (const stream of own) stream.cut();
    },
  );

  it("[P3] [D1] B03: a client's cancellation of its own call reaches the server, and no reply follows", async () => {
    const alice = await open('alice', server);
    const bob = await open('bob', server);
    const tag = `mine-${server}`;
    const posted = EventClient.post(alice, call('same', `${server}__sleep`, { ms: 20_000, tag }));
    const other = bob.request(
      'tools/call',
      { name: `${server}__sleep`, arguments: { ms: 3_000, tag: 'not-mine' } },
      'same',
    );
    const stream = await posted; // it became a stream after a second: both calls are running
    const began = performance.now();
    await alice.post({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 'same', reason: 'changed my mind' },
    });
    await until('the server heeds it', () => ledger(server).includes(`cancelled ${tag}`));
    const tookMs = performance.now() - began;
    process.stderr.write(`${server}: a cancellation reached the server in ${tookMs.toFixed(0)} ms\n`);
    expect(tookMs).toBeLessThan(10_000);
    await until('the stream of the call ends', () => stream.isOver);
    expect(stream.messages).toEqual([]);
    expect(textOf(await other)).toBe('slept 3000 ms');
    expect(ledger(server)).not.toContain('cancelled not-mine');
    const ends = (await village.audit()).filter(
      ({ kind, session, tool }) =>
        kind === 'call_finished' && session === alice.publicId && tool === `${server}__sleep`,
    );
    expect(ends.map(({ outcome }) => outcome)).toEqual(['cancelled']);
  });

  it.each([
    ['a number', 41],
    ['a string', '41'],
  ])("[P3] B03: a cancellation of another client's call, by its id as %s, does nothing", async (_, id) => {
    const alice = await open('alice', server);
    const bob = await open('bob', server);
    const posted = EventClient.post(alice, call(id, `${server}__sleep`, { ms: 2_000, tag: 'kept' }));
    const stream = await posted;
    // Her id, and whatever ids the router may use upstream.
    for (const requestId of [id, ...Array.from({ length: 100 }, (__, i) => i), alice.id]) {
      await bob.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } });
    }
    expect(textOf(await stream.answer(id))).toBe('slept 2000 ms');
    expect(ledger(server)).not.toContain('cancelled kept');
  });

  it.each(['1.5', '7.0', '1e0', 'true', '{"a":1}'])(
    '[P3] B03: a progress token of %s, which would come back as another, is refused',
    async (token) => {
      const alice = await open('alice', server);
      const answer = await alice.post(
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${server}__echo","arguments":{"text":"x"},"_meta":{"progressToken":${token}}}}`,
      );
      const { error } = JSON.parse(answer.text) as JsonRpc;
      expect(error).toMatchObject({ code: -32602, data: { reason: 'INVALID_MESSAGE_FORMAT' } });
    },
  );

  it("[P3] B03: a token cannot be chosen so that progress of one's own call reaches another's", async () => {
    const alice = await open('alice', server);
    const bob = await open('bob', server);
    const victim = await EventClient.post(
      bob,
      call(1, `${server}__progress`, { n: 3, everyMs: 500 }, { progressToken: 'bob' }),
    );
    const forged = [...Array(60).keys()].map((i) =>
      alice.post(
        `{"jsonrpc":"2.0","id":${i + 1},"method":"tools/call","params":{"name":"${server}__progress","arguments":{"n":2,"everyMs":1},"_meta":{"progressToken":${i}.0}}}`,
      ),
    );
    await Promise.all(forged);
    await victim.answer(1);
    expect(victim.of('notifications/progress').map(({ params }) => [params?.total, params?.progress])).toEqual([
      [3, 1],
      [3, 2],
      [3, 3],
    ]);
  });
});

it('[D1] a call that is cancelled while its outcome is being recorded has one closing record all the same', async () => {
  const alice = await open('alice', 'pipe');
  // Ten at a time, cancelled sooner or later: some before their server has them, some while they are being recorded.
  const lane = async (first: number) => {
    for (let i = first; i < 300; i += 10) {
      const id = `race-${i}`;
      const answered = alice.post(call(id, 'pipe__delay', { text: id, ms: 5 }));
      await wait(i % 30);
      await alice.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });
      await answered;
    }
  };
  await Promise.all(Array.from({ length: 10 }, (_, first) => lane(first)));
  const records = (await village.audit()).filter(
    ({ session, tool }) => session === alice.publicId && tool === 'pipe__delay',
  );
  const started = records.filter(({ kind }) => kind === 'call_started').map(({ callId }) => callId);
  const finished = records.filter(({ kind }) => kind === 'call_finished').map(({ callId }) => callId);
  expect(finished.toSorted()).toEqual(started.toSorted());
  const outcomes = records.filter(({ kind }) => kind === 'call_finished').map(({ outcome }) => outcome);
  expect(outcomes).toContain('cancelled');
  expect(outcomes).toContain('ok');
});
