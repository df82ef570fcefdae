import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { messagesOf, POST_HEADERS, RawSession, send, textOf } from './lib/raw-client.ts';
import { ANSWERS, connect } from './lib/sdk-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const UPSTREAMS = ['stdio_2024-11-05', 'stdio_2025-03-26', 'http_2025-06-18', 'sse_named', 'sse_found'];

const started: Started[] = [];
let village: Village;

beforeAll(async () => {
  const http = await startHttpFixture('old.ts', ['--speak', '2025-06-18']);
  const sse = await startHttpFixture('old.ts', [], 'sse');
  started.push(http, sse);
  village = await Village.start({
    config: {
      mcpServers: {
        'stdio_2024-11-05': fixture('old.ts', '--speak', '2024-11-05'),
        'stdio_2025-03-26': fixture('old.ts', '--speak', '2025-03-26'),
        'http_2025-06-18': { url: http.url.href },
        sse_named: { type: 'sse', url: sse.url.href },
        // No type: Streamable HTTP is tried first, then the older transport.
        sse_found: { url: sse.url.href },
        unheard: fixture('old.ts', '--speak', '2099-01-01'),
        up: fixture('tools.ts'),
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [...UPSTREAMS, 'unheard', 'up'].map((id) => ({ match: `${id}/*`, level: 'OPERATOR' })),
    },
  });
});
afterAll(async () => {
  await village.remove();
  await Promise.all(started.map((each) => each.stop()));
});

describe.each(UPSTREAMS)('the upstream %s', (upstream) => {
  it.each(VERSIONS)('[P2] [P3] serves a client of %s in all that it has', async (version) => {
    const { client, version: negotiated } = await connect(
      village,
      tokenFor('alice'),
      'http',
      version,
      `/mcp/${upstream}`,
    );
    expect(negotiated).toBe(version);
    expect(client.getServerVersion()?.name).toBe('old');
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['echo', 'sample', 'progress', 'grow']),
    );
    const echo = await client.callTool({ name: 'echo', arguments: { text: 'a' } });
    expect(echo.content).toEqual([{ type: 'text', text: 'a' }]);
    const sample = await client.callTool({ name: 'sample', arguments: { prompt: 'p' } });
    expect(sample.content).toEqual([{ type: 'text', text: JSON.stringify(ANSWERS.sampling) }]);
    const heard: number[] = [];
    const onprogress = ({ progress }: { progress: number }): void => void heard.push(progress);
    await client.callTool({ name: 'progress' }, undefined, { onprogress });
    expect(heard).toEqual([1]);
    await client.close();
  });

  it('[P3] [P9] lists what the server adds while it runs', async () => {
    const session = await RawSession.open(village.url, tokenFor('alice'), { path: `/mcp/${upstream}` });
    await session.call('grow');
    await expect.poll(() => session.names()).toContain('grown');
    expect(textOf(await session.call('grown'))).toBe('grown');
    await session.close();
  });
});

it('[P2] does not serve a server whose version it does not know, and says so to its owner', async () => {
  const session = await RawSession.open(village.url, tokenFor('alice'));
  expect(await session.names()).not.toContain('unheard__echo');
  expect(village.stderr()).toContain('The server speaks a protocol version that the router does not know');
  await session.close();
});

describe('a batch', () => {
  const call = (id: number, name: string, args: object): object => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: args },
  });
  const open = (version: string, jti = `batch ${version}`): Promise<RawSession> =>
    RawSession.open(village.url, tokenFor('alice', { jti }), { version });
  const recorded = async (jti: string): Promise<string[]> =>
    (await village.audit())
      .filter(({ tokenId }) => tokenId === jti)
      .map(({ kind }) => String(kind))
      .filter((kind) => kind.startsWith('call_'));

  it('[P10] [M2] runs on a session of 2025-03-26, each message checked by itself', async () => {
    const session = await open('2025-03-26', 'a batch that runs');
    const answers = messagesOf(
      await session.post([
        call(1, 'up__echo', { text: 'one' }),
        { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
        call(2, 'service_register', { id: 'x' }),
        { jsonrpc: '2.0', id: 3 },
        call(4, 'up__echo', { text: 'two' }),
        { jsonrpc: '2.0', id: 5, method: 'ping' },
        { jsonrpc: '2.0', id: 6, method: 'initialize', params: {} },
      ]),
    );
    const about = (id: unknown) => answers.find((answer) => answer.id === id);
    expect(answers).toHaveLength(6);
    expect(textOf(about(1)!)).toBe('one');
    expect(about(2)?.error).toMatchObject({ code: -32602, message: 'Unknown tool: service_register' });
    expect(textOf(about(4)!)).toBe('two');
    expect(about(5)?.result).toEqual({});
    expect(answers.filter(({ id }) => id === null).map(({ error }) => error?.code)).toEqual([-32600, -32600]);
    expect((await recorded('a batch that runs')).sort()).toEqual([
      'call_denied',
      'call_finished',
      'call_finished',
      'call_started',
      'call_started',
    ]);
  });

  it('[P10] of notifications alone is taken without an answer', async () => {
    const session = await open('2025-03-26');
    const answer = await session.post([{ jsonrpc: '2.0', method: 'notifications/roots/list_changed' }]);
    expect([answer.status, answer.text]).toEqual([202, '']);
  });

  it.each([
    ['empty', '[]'],
    ['not JSON', '[{"jsonrpc":"2.0","id":1,"method":"ping"},'],
    [
      'longer than 100',
      JSON.stringify(Array.from({ length: 101 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' }))),
    ],
  ])('[P10] [S3] that is %s is refused whole', async (_, text) => {
    const session = await open('2025-03-26');
    const answer = await session.post(text);
    expect(answer.status).toBe(400);
    expect(messagesOf(answer)).toMatchObject([{ id: null, error: { data: { reason: 'INVALID_MESSAGE_FORMAT' } } }]);
  });

  it.each(['2024-11-05', '2025-06-18', '2025-11-25'])('[P10] is refused whole on a session of %s', async (version) => {
    const session = await open(version);
    const answer = await session.post([call(1, 'up__echo', { text: 'one' })]);
    expect(answer.status).toBe(400);
    expect(messagesOf(answer)).toMatchObject([{ id: null, error: { code: -32600 } }]);
    expect(await recorded(`batch ${version}`)).toEqual([]);
  });

  it('[P10] is refused without a session', async () => {
    const answer = await send(village.url, {
      headers: { ...POST_HEADERS, authorization: `Bearer ${tokenFor('alice')}` },
      body: JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'ping' }]),
    });
    expect(answer.status).toBe(400);
  });
});
