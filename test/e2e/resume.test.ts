/** P7: a client whose connection breaks goes on where it was; one that does not read is cut off, and may go on too. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { EventClient } from './lib/event-client.ts';
import { type JsonRpc, RawSession, send, textOf } from './lib/raw-client.ts';
import { until } from './lib/until.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const UPDATED = 'notifications/resources/updated';
const PROGRESS = 'notifications/progress';
let village: Village;
let http: Started & { url: URL };

beforeAll(async () => {
  http = await startHttpFixture('tools.ts');
  village = await Village.start({
    config: {
      mcpServers: { pipe: fixture('tools.ts'), web: { url: http.url.href } },
      permissions: [
        { match: 'pipe/*', level: 'OPERATOR' },
        { match: 'web/*', level: 'OPERATOR' },
        { match: 'resource:note://*', level: 'OPERATOR' },
      ],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  });
});
afterAll(async () => {
  await village.remove();
  await http.stop();
});

async function open(agent: string, path = '/mcp', tool = 'pipe__echo'): Promise<RawSession> {
  return (await RawSession.open(village.url, tokenFor(agent), { path })).listed(tool);
}

function call(id: unknown, name: string, args: object, progressToken?: unknown): object {
  const meta = progressToken === undefined ? {} : { _meta: { progressToken } };
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, ...meta } };
}

/** What two connections of one stream brought, in order. */
function joined(...parts: EventClient[]): JsonRpc[] {
  return parts.flatMap((part) => part.messages);
}

describe.each(['pipe', 'web'])('%s', (server) => {
  it('[P7] a call whose connection is cut amid its progress loses no message and gets none twice', async () => {
    const session = await open('alice', '/mcp', `${server}__progress`);
    const first = await EventClient.post(session, call(1, `${server}__progress`, { n: 60, everyMs: 20 }, 'p'));
    const parts = [first];
    for (const step of [10, 25, 40]) {
      const current = parts.at(-1)!;
      await until(`step ${step}`, () => current.messages.some(({ params }) => params?.progress === step));
      current.cut();
      parts.push(await EventClient.get(session, current.lastEventId));
    }
    await parts.at(-1)!.answer(1);
    const messages = joined(...parts);
    expect(messages.filter(({ method }) => method === PROGRESS).map(({ params }) => params?.progress)).toEqual(
      Array.from({ length: 60 }, (_, i) => i + 1),
    );
    expect(messages.filter(({ id }) => id === 1).map(textOf)).toEqual(['60 steps']);
    await until('the stream ends with the answer', () => parts.at(-1)!.isOver);
  });
});

it('[P7] a call that ends while its client is away keeps its answer for it', async () => {
  const session = await open('alice');
  const stream = await EventClient.post(session, call('away', 'pipe__delay', { text: 'kept', ms: 2_000 }));
  // It became a stream after a second, with an id to come back with and no message yet.
  await until('an event id', () => stream.lastEventId);
  expect(stream.messages).toEqual([]);
  stream.cut();
  await until('the call is over', async () =>
    (await village.audit()).some(({ kind, tool, session: of }) => {
      return kind === 'call_finished' && tool === 'pipe__delay' && of === session.publicId;
    }),
  );
  for (let again = 0; again < 2; again++) {
    // Whoever asks from the same place gets the same, however often.
    const resumed = await EventClient.get(session, stream.lastEventId);
    expect(textOf(await resumed.answer('away'))).toContain('kept');
    await until('the stream ends', () => resumed.isOver);
  }
});

it('[P7] sixty calls cut at once all get their answers', async () => {
  const session = await open('alice');
  const streams = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      EventClient.post(session, call(i, 'pipe__progress', { n: 30, everyMs: 50 }, `token ${i}`)),
    ),
  );
  await Promise.all(streams.map((stream) => stream.notified(PROGRESS, 20_000)));
  for (const stream of streams) stream.cut();
  await until('all calls are over', async () => {
    const ends = (await village.audit()).filter(
      ({ kind, tool, session: of }) => kind === 'call_finished' && tool === 'pipe__progress' && of === session.publicId,
    );
    return ends.length === streams.length;
  });
  const resumed = await Promise.all(streams.map((stream) => EventClient.get(session, stream.lastEventId)));
  for (const [i, stream] of resumed.entries()) {
    expect(textOf(await stream.answer(i))).toBe('30 steps');
    const messages = joined(streams[i]!, stream).filter(({ method }) => method === PROGRESS);
    expect(messages.map(({ params }) => params?.progress)).toEqual(Array.from({ length: 30 }, (_, step) => step + 1));
    expect(messages.every(({ params }) => params?.progressToken === `token ${i}`)).toBe(true);
  }
});

it("[P7] [P3] the session's own stream goes on behind the last event, and a new one brings only what is new", async () => {
  const session = await open('alice', '/mcp/pipe', 'echo');
  await session.request('resources/subscribe', { uri: 'note://alice' });
  const touch = () => session.call('touch', { uri: 'note://alice' });
  const first = await EventClient.get(session);
  await touch();
  await first.notified(UPDATED);
  const seen = first.lastEventId;
  first.cut();
  await touch();
  await touch();
  const resumed = await EventClient.get(session, seen);
  await until('what was missed', () => resumed.of(UPDATED).length === 2);
  resumed.cut();
  await touch();
  const fresh = await EventClient.get(session);
  await until('what is new', () => fresh.of(UPDATED).length === 1);
  await touch();
  await until('the next', () => fresh.of(UPDATED).length === 2);
  const ids = [first, resumed, fresh].flatMap(({ events }) =>
    events.flatMap(({ id, message }) => (message === undefined ? [] : [id])),
  );
  expect(ids.length).toBeGreaterThanOrEqual(5);
  expect(new Set(ids).size).toBe(ids.length);
  fresh.cut();
});

it.each(['0.99999999999999999', 'nonsense', '999.1', '1', '1.-1', '1.1.1', '', '../0.1', '0.1%00'])(
  '[P7] refuses the event id "%s"',
  async (id) => {
    const session = await open('alice');
    const answer = await send(session.url, {
      method: 'GET',
      headers: { ...session.headers, accept: 'text/event-stream', 'last-event-id': id },
      timeoutMs: 3_000,
    }).catch((error: Error) => ({ status: error.message, text: '' }));
    expect(answer.status).toBe(400);
  },
);

it('[P7] event ids of one session lead nowhere in another', async () => {
  const alice = await open('alice');
  const bob = await open('bob');
  const stream = await EventClient.post(alice, call(1, 'pipe__progress', { n: 40, everyMs: 50 }, 'p'));
  await stream.notified(PROGRESS);
  const answer = await send(bob.url, {
    method: 'GET',
    headers: { ...bob.headers, accept: 'text/event-stream', 'last-event-id': stream.lastEventId! },
  });
  expect(answer.status).toBe(400);
  await stream.answer(1);
});

function residentMb(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
}

it('[S3] D09: a client that does not read its stream is cut off, while others are served, and can come back', async () => {
  const sleeper = await open('sleeper');
  const other = await open('other');
  const pid = village.process.pid!;
  const before = residentMb(pid);
  // 60 MB of progress: far more than any socket takes in.
  const stream = await EventClient.post(sleeper, call(1, 'pipe__progress', { n: 600, everyMs: 1, pad: 100_000 }, 'p'));
  stream.stopReading();
  let most = 0;
  await until(
    'the call is over',
    async () => {
      expect(textOf(await other.call('pipe__echo', { text: 'served' }))).toBe('served');
      most = Math.max(most, residentMb(pid));
      return (await village.audit()).some(
        ({ kind, session, tool }) =>
          kind === 'call_finished' && session === sleeper.publicId && tool === 'pipe__progress',
      );
    },
    25_000,
  );
  process.stderr.write(
    `a client that never reads: router ${before.toFixed(0)} MB before, ${most.toFixed(0)} MB at most\n`,
  );
  expect(most - before).toBeLessThan(200);
  stream.startReading();
  await until('the connection is gone', () => stream.isOver);
  expect(stream.text.length).toBeLessThan(40_000_000);
  expect(stream.messages.some(({ id }) => id === 1)).toBe(false);
  const resumed = await EventClient.get(sleeper, stream.lastEventId);
  expect(textOf(await resumed.answer(1))).toBe('600 steps');
});

/** A client of the transport of 2024-11-05 that stopped reading its stream. */
class Sloth {
  readonly stream: EventClient;
  private readonly endpoint: string;
  private readonly token: string;
  private nextId = 1;

  private constructor(stream: EventClient, endpoint: string, token: string) {
    this.stream = stream;
    this.endpoint = endpoint;
    this.token = token;
  }

  static async open(token: string): Promise<Sloth> {
    const stream = await EventClient.sse(village.url, token);
    const endpoint = await until('the endpoint', () => /data: (\/messages\S+)/.exec(stream.text)?.[1]);
    const sloth = new Sloth(stream, endpoint, token);
    const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'sloth', version: '1' } };
    await sloth.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    await stream.answer(0);
    stream.stopReading();
    return sloth;
  }

  post(message: object): Promise<{ status: number }> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${this.token}` };
    return send(village.url, { path: this.endpoint, headers, body: JSON.stringify(message) });
  }

  /** Has half a megabyte sent to it. */
  async feed(): Promise<void> {
    await this.post(call(this.nextId++, 'pipe__echo', { text: '.'.repeat(500_000) }));
  }

  async isServed(): Promise<boolean> {
    return (await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' })).status === 202;
  }
}

/** How many feeds it takes until a client that does not read is cut off. */
async function feedsUntilCut(): Promise<number> {
  const sloth = await Sloth.open(tokenFor('sloth'));
  for (let feeds = 1; feeds <= 100; feeds++) {
    await sloth.feed();
    if (!(await sloth.isServed())) return feeds;
  }
  throw new Error('50 MB were sent to a client that does not read');
}

it('[S3] D09: a client of the old transport that does not read loses its session, and others are served', async () => {
  const feeds = await feedsUntilCut();
  process.stderr.write(`a client that never reads was cut after ${feeds / 2} MB, what the sockets took included\n`);
  const other = await open('other');
  expect(await other.call('pipe__echo', { text: 'alive' })).toMatchObject({ result: { content: [{ text: 'alive' }] } });
});
