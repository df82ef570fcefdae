import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { messagesOf, RawSession, send, textOf } from './lib/raw-client.ts';
import { connect } from './lib/sdk-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

let village: Village;
let http: Started;

beforeAll(async () => {
  const started = await startHttpFixture('conformance.ts');
  http = started;
  village = await Village.start({
    config: {
      mcpServers: { stdio: fixture('conformance.ts'), http: { url: started.url.href } },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: ['stdio/*', 'http/*'].map((match) => ({ match, level: 'OPERATOR' })),
    },
  });
});
afterAll(async () => {
  await village.remove();
  await http.stop();
});

const CALL = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'test_reconnection', arguments: {} },
};
const DONE = 'Reconnection test completed';
const STREAM_FIRST = { accept: 'text/event-stream, application/json' };

function open(path: string, version: string): Promise<RawSession> {
  return RawSession.open(village.url, tokenFor('alice'), { path, version });
}

describe.each(['stdio', 'http'])('a server over %s that lets go of the stream of a call (SEP-1699)', (upstream) => {
  it('[P3] [P7] makes the client let go too, and come back for the answer', async () => {
    const session = await open(`/mcp/${upstream}`, '2025-11-25');
    const first = await session.post(CALL);
    expect(first.headers['content-type']).toBe('text/event-stream');
    expect(messagesOf(first)).toEqual([]);
    const eventId = /^id: (\S+)\ndata: \n\n/.exec(first.text)?.[1];
    expect(first.text).toMatch(/\nretry: 100\n\n$/);
    const { accept: _, ...headers } = session.headers;
    const second = await send(village.url, {
      method: 'GET',
      path: session.path,
      headers: { ...headers, accept: 'text/event-stream', 'last-event-id': eventId! },
    });
    expect(messagesOf(second).map(textOf)).toEqual([DONE]);
  });

  it("[P3] [P7] is polled by the SDK's client without its user's noticing", async () => {
    const { client } = await connect(village, tokenFor('alice'), 'http', '2025-11-25', `/mcp/${upstream}`);
    const { content } = await client.callTool({ name: 'test_reconnection' });
    expect(content).toEqual([{ type: 'text', text: DONE }]);
    await client.close();
  });

  it.each(['2025-03-26', '2025-06-18'])(
    '[P2] does not disturb a client of %s, which knows no polling',
    async (version) => {
      const session = await open(`/mcp/${upstream}`, version);
      expect(messagesOf(await session.post(CALL)).map(textOf)).toEqual([DONE]);
      expect(messagesOf(await session.post({ ...CALL, id: 2 }, STREAM_FIRST)).map(textOf)).toEqual([DONE]);
    },
  );
});

it.each([
  ['application/json, text/event-stream', 'application/json'],
  ['text/event-stream, application/json', 'text/event-stream'],
  ['*/*', 'application/json'],
])('[P3] answers a client that accepts %s by %s', async (accept, type) => {
  const session = await open('/mcp', '2025-11-25');
  const answer = await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { accept });
  expect(answer.headers['content-type']).toBe(type);
  expect(messagesOf(answer)).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
});
