/** P3: what the router relays beside calls, through each door and from each kind of server, to exactly the session concerned. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ListRootsRequestSchema, LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { EventClient } from './lib/event-client.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { until } from './lib/until.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'relayed-'));
let village: Village;
let http: Started & { url: URL };

function ledger(server: string): string[] {
  const file = path.join(folder, server);
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

beforeAll(async () => {
  http = await startHttpFixture('tools.ts', ['--ledger', path.join(folder, 'web')]);
  const servers = ['pipe', 'web', 'own', 'ask'];
  village = await Village.start({
    config: {
      mcpServers: {
        pipe: fixture('tools.ts', '--ledger', path.join(folder, 'pipe')),
        web: { url: http.url.href },
        own: { ...fixture('tools.ts', '--ledger', path.join(folder, 'own')), isolation: 'session' },
        ask: fixture('ask.ts'),
      },
      permissions: [
        ...servers.map((id) => ({ match: `${id}/*`, level: 'OPERATOR' })),
        ...servers.map((id) => ({ match: `prompt:${id}/*`, level: 'OPERATOR' })),
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

async function open(agent: string, server: string): Promise<RawSession> {
  return (await RawSession.open(village.url, tokenFor(agent), { path: `/mcp/${server}` })).listed('echo');
}

const LOG = 'notifications/message';

describe.each(['pipe', 'web', 'own'])('%s', (server) => {
  it('[P3] log messages reach the session of the call, from its level on, and the server is asked for the most verbose', async () => {
    const [alice, bob] = await Promise.all([open('alice', server), open('bob', server)]);
    const own = await Promise.all([alice, bob].map((session) => EventClient.get(session)));
    const logged = async (session: RawSession, level: string) =>
      (await session.call('log', { level, data: `${level} of ${session.id}` })).before;
    // Who said nothing of levels gets what the server sends.
    expect(await logged(alice, 'debug')).toHaveLength(1);
    expect((await alice.request('logging/setLevel', { level: 'warning' })).result).toEqual({});
    await until('the server is asked', () => ledger(server).at(-1) === 'level warning');
    expect((await bob.request('logging/setLevel', { level: 'debug' })).result).toEqual({});
    expect((await logged(bob, 'debug'))[0]).toMatchObject({
      method: LOG,
      params: { level: 'debug', data: `debug of ${bob.id}` },
    });
    expect(await logged(alice, 'notice')).toEqual([]);
    expect(await logged(alice, 'warning')).toHaveLength(1);
    expect((await logged(alice, 'emergency'))[0]?.params?.data).toBe(`emergency of ${alice.id}`);
    const isShared = server !== 'own';
    await until('the server is asked', () => ledger(server).includes('level debug'));
    if (isShared) {
      expect(ledger(server)).toEqual(['level warning', 'level debug']);
      // The one that wanted most is gone: what is left is the most verbose.
      await bob.close();
      await until('the server is asked', () => ledger(server).at(-1) === 'level warning');
    }
    expect(own.flatMap((stream) => stream.of(LOG))).toEqual([]);
    for (const stream of own) stream.cut();
    await Promise.all([alice.close(), bob.close()]);
  });

  it.each([{}, { level: 'loud' }, { level: 7 }])('[P3] refuses the logging level %j', async (params) => {
    const session = await open('alice', server);
    expect((await session.request('logging/setLevel', params)).error?.code).toBe(-32602);
    await session.close();
  });

  it('[P3] resources, prompts, completions and pings come back as the server gives them', async () => {
    const session = await open('alice', server);
    expect((await session.request('resources/read', { uri: 'note://me' })).result).toEqual({
      contents: [{ uri: 'note://me', mimeType: 'text/plain', text: 'the text of note://me' }],
    });
    expect((await session.request('prompts/get', { name: 'greet', arguments: { name: 'Ada' } })).result).toEqual({
      messages: [{ role: 'user', content: { type: 'text', text: 'Greet Ada' } }],
    });
    const ref = { type: 'ref/prompt', name: 'greet' };
    expect(
      (await session.request('completion/complete', { ref, argument: { name: 'name', value: 'a' } })).result,
    ).toEqual({ completion: { values: ['alice'] } });
    expect((await session.request('ping')).result).toEqual({});
    // An error of the server is the server's own.
    expect((await session.request('resources/read', { uri: 'note://nobody' })).error).toMatchObject({
      code: -32002,
      message: 'Resource not found',
    });
    await session.close();
  });
});

it('[P3] on the merged endpoint a prompt and its completion go by their listed name', async () => {
  const session = await (await RawSession.open(village.url, tokenFor('alice'))).listed('pipe__echo');
  await session.listed('pipe__greet', 'prompts/list', 'prompts');
  const prompt = await session.request('prompts/get', { name: 'pipe__greet', arguments: { name: 'Ada' } });
  expect(JSON.stringify(prompt.result)).toContain('Greet Ada');
  const ref = { type: 'ref/prompt', name: 'pipe__greet' };
  const completed = await session.request('completion/complete', { ref, argument: { name: 'name', value: 'b' } });
  expect(completed.result).toEqual({ completion: { values: ['bob'] } });
});

const DOORS: [string, (token: string) => SSEClientTransport | StreamableHTTPClientTransport][] = [
  [
    'Streamable HTTP',
    (token) =>
      new StreamableHTTPClientTransport(new URL(`${village.url}/mcp`), {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      }),
  ],
  [
    'HTTP+SSE',
    (token) =>
      new SSEClientTransport(new URL(`${village.url}/sse`), {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
        eventSourceInit: {
          fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
        },
      }),
  ],
];

it.each(DOORS)(
  "[P3] over %s the SDK's client has progress, logging, questions and cancellation",
  async (_, transport) => {
    const client = new Client({ name: 'sdk', version: '1' }, { capabilities: { roots: { listChanged: true } } });
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///home', name: 'home' }] }));
    const logs: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      logs.push(params.data);
    });
    await client.connect(transport(tokenFor('alice')));
    await until('the tools', async () => {
      const names = (await client.listTools()).tools.map(({ name }) => name);
      return ['pipe__echo', 'web__echo', 'ask__roots'].every((name) => names.includes(name));
    });
    const steps: number[] = [];
    const progress = { name: 'pipe__progress', arguments: { n: 5, everyMs: 20 } };
    const result = await client.callTool(progress, undefined, { onprogress: (step) => steps.push(step.progress) });
    expect(textOf({ result })).toBe('5 steps');
    // The SDK's client forgets whom to tell when steps come in one piece with the answer, so the last may be missing here.
    expect(steps.length).toBeGreaterThan(0);
    expect(steps).toEqual([1, 2, 3, 4, 5].slice(0, steps.length));
    await client.callTool({ name: 'pipe__log', arguments: { level: 'info', data: 'said' } });
    await until('the log message', () => logs.includes('said'));
    const roots = await client.callTool({ name: 'ask__roots', arguments: {} });
    expect(textOf({ result: roots })).toContain('file:///home');
    await client.sendRootsListChanged();
    const controller = new AbortController();
    const tag = `door ${_}`;
    const running = async () =>
      (await village.audit()).filter(({ tool, kind }) => tool === 'web__sleep' && kind === 'call_started').length;
    const before = await running();
    const sleeping = client.callTool({ name: 'web__sleep', arguments: { ms: 20_000, tag } }, undefined, {
      signal: controller.signal,
    });
    await until('the call runs', async () => (await running()) > before);
    controller.abort('enough');
    await expect(sleeping).rejects.toThrow('enough');
    await until('the server heeds it', () => ledger('web').includes(`cancelled ${tag}`));
    expect(await client.ping()).toEqual({});
    await client.close();
  },
);
