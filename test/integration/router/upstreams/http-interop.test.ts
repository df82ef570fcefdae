/** The HTTP transports against the SDK's own servers, and names that are pinned to checked addresses. */
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { type EventStore, StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, type JSONRPCMessage, ListRootsResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { httpSse } from '../../../../router/upstreams/http-sse.ts';
import { streamableHttp } from '../../../../router/upstreams/streamable-http.ts';
import type { Transport } from '../../../../router/upstreams/transport.ts';
import { checkUrl } from '../../../../shared/check-url.ts';
import { encodeOctets } from '../../../../shared/json/octets.ts';
import { answerText, Heard, json, notify, options, request, startServer } from './http-harness.ts';

let listener: http.Server;
let transport: Transport;
let heard: Heard;
/** The live server side of the test's one session. */
let sdk: Server;

/** Settled when a stream is asked for again; the answer is then sent on it, or replayed. */
let resumption = Promise.withResolvers<void>();

/** Keeps events in their order (the SDK's example sorts those of one millisecond at random). */
function orderedStore(): EventStore {
  const kept: { streamId: string; message: JSONRPCMessage }[] = [];
  return {
    storeEvent: async (streamId, message) => String(kept.push({ streamId, message })),
    replayEventsAfter: async (lastEventId, { send }) => {
      const streamId = kept[Number(lastEventId) - 1]?.streamId ?? '';
      for (const [i, event] of kept.entries()) {
        if (i >= Number(lastEventId) && event.streamId === streamId) await send(String(i + 1), event.message);
      }
      return streamId;
    },
  };
}

/** A server with the tools `echo`, `progress`, `roots` (asks the client) `poll` and
 * `poll-late` (close the stream before they answer, the latter waits until it is resumed). */
function makeServer(): Server {
  const server = new Server(
    { name: 'sdk', version: '1' },
    { capabilities: { tools: { listChanged: true }, logging: {} } },
  );
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    if (params.name === 'progress') {
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'half' } });
    } else if (params.name === 'roots') {
      const { roots } = await extra.sendRequest({ method: 'roots/list' }, ListRootsResultSchema);
      return { content: [{ type: 'text', text: String(roots.length) }] };
    } else if (params.name.startsWith('poll')) {
      extra.closeSSEStream?.();
      if (params.name === 'poll-late') await resumption.promise;
    }
    return { content: [{ type: 'text', text: params.name }] };
  });
  sdk = server;
  return server;
}

async function listen(onRequest: http.RequestListener): Promise<string> {
  listener = http.createServer(onRequest);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  heard = new Heard();
  return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
}

function initialize(version: string): void {
  const params = { protocolVersion: version, capabilities: { roots: {} }, clientInfo: { name: 'test', version: '1' } };
  transport.send(encodeOctets(JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })), 0);
}

function call(id: number, name: string): void {
  const params = { name, arguments: {} };
  transport.send(encodeOctets(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })), id);
}

afterEach(async () => {
  await transport.close();
  listener.closeAllConnections();
  await new Promise((resolve) => listener.close(resolve));
});

describe.each([
  ['JSON answers', true, '2025-06-18'],
  ['streams', false, '2025-03-26'],
  ['streams that can be resumed', false, '2025-11-25'],
])("the SDK's Streamable HTTP server with %s", (form, enableJsonResponse, version) => {
  async function connect(): Promise<{ gets: () => number; deleted: () => boolean }> {
    resumption = Promise.withResolvers();
    const sessions = new Map<string, StreamableHTTPServerTransport>();
    let gets = 0;
    let deleted = false;
    const url = await listen(async (incoming, response) => {
      if (incoming.method === 'GET') gets++;
      if (incoming.headers['last-event-id'] !== undefined) resumption.resolve();
      const known = sessions.get(String(incoming.headers['mcp-session-id']));
      if (known !== undefined) {
        await known.handleRequest(incoming, response);
        return;
      }
      const session: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        enableJsonResponse,
        retryInterval: 60,
        ...(form.includes('resumed') ? { eventStore: orderedStore() } : {}),
        onsessioninitialized: (id) => void sessions.set(id, session),
        onsessionclosed: () => {
          deleted = true;
        },
      });
      await makeServer().connect(session as Parameters<Server['connect']>[0]);
      await session.handleRequest(incoming, response);
    });
    transport = streamableHttp(options(`${url}/mcp`));
    await transport.start(heard);
    initialize(version);
    const [answer] = await heard.message();
    expect(JSON.parse(answer)).toMatchObject({ id: 0, result: { protocolVersion: version } });
    transport.setProtocolVersion?.(version);
    notify(transport);
    await expect.poll(() => gets).toBe(1);
    return { gets: () => gets, deleted: () => deleted };
  }

  const parsed = (): { id?: number; method?: string }[] => heard.messages.slice(1).map(([text]) => JSON.parse(text));

  it('[P2] calls tools, hears notifications, and ends the session', async () => {
    const { deleted } = await connect();
    for (let id = 1; id <= 100; id++) call(id, 'echo');
    await heard.message(101);
    expect(new Set(heard.messages.map(([, carrier]) => carrier)).size).toBe(101);
    expect(parsed().every(({ id }, i) => id === heard.messages[i + 1]?.[1])).toBe(true);
    await sdk.sendToolListChanged();
    const [text, carrier] = await heard.message(102);
    expect([JSON.parse(text).method, carrier]).toEqual(['notifications/tools/list_changed', undefined]);
    await transport.close();
    expect(deleted()).toBe(true);
    expect(heard.failures).toEqual([]);
  });

  if (!enableJsonResponse) {
    it('[P3] carries what belongs to a call on its stream, also requests to the client', async () => {
      await connect();
      call(1, 'progress');
      await heard.message(3);
      call(2, 'roots');
      const [asks] = await heard.message(4);
      expect(JSON.parse(asks)).toMatchObject({ method: 'roots/list' });
      const answer = { jsonrpc: '2.0', id: JSON.parse(asks).id, result: { roots: [{ uri: 'file:///a' }] } };
      transport.send(encodeOctets(JSON.stringify(answer)));
      expect((await heard.message(5))[0]).toContain('"text":"1"');
      expect(heard.messages.map(([, carrier]) => carrier)).toEqual([0, 1, 1, 2, 2]);
    });
  }

  if (form.includes('resumed')) {
    it.each(['poll', 'poll-late'])(
      '[P7] gets the answer of a call whose stream the server closed on purpose (%s)',
      async (tool) => {
        const { gets } = await connect();
        call(1, tool);
        const [text, carrier] = await heard.message(2);
        expect(JSON.parse(text)).toMatchObject({ id: 1, result: { content: [{ text: tool }] } });
        expect(carrier).toBe(1);
        expect(gets()).toBe(2);
        expect(heard.failures).toEqual([]);
      },
    );
  }
});

it("[P2] works with the SDK's HTTP+SSE server of 2024-11-05", async () => {
  const sessions = new Map<string, SSEServerTransport>();
  const url = await listen(async (incoming, response) => {
    if (incoming.method === 'GET') {
      const session = new SSEServerTransport('/messages', response);
      sessions.set(session.sessionId, session);
      await makeServer().connect(session);
    } else {
      const id = new URL(incoming.url ?? '', 'http://localhost').searchParams.get('sessionId') ?? '';
      await sessions.get(id)?.handlePostMessage(incoming, response);
    }
  });
  transport = httpSse(options(`${url}/sse`));
  await transport.start(heard);
  initialize('2024-11-05');
  expect(JSON.parse((await heard.message())[0])).toMatchObject({ id: 0, result: { protocolVersion: '2024-11-05' } });
  notify(transport);
  call(1, 'echo');
  expect(JSON.parse((await heard.message(2))[0])).toMatchObject({ id: 1, result: { content: [{ text: 'echo' }] } });
  await sdk.close();
  expect(await heard.close()).toBeInstanceOf(Error);
});

it('[R1] connects to the address that was checked, whatever its name resolves to', async () => {
  const server = await startServer((_request, response) => json(response, answerText(1)));
  await listen(() => {});
  const { port } = new URL(server.url);
  const { url, lookup } = await checkUrl(`http://pinned.invalid:${port}/mcp`, {
    allowPrivate: true,
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
  });
  transport = streamableHttp(options(url.href, { lookup }));
  await transport.start(heard);
  request(transport, 1);
  expect(await heard.message()).toEqual([answerText(1), 1]);
  expect(server.received[0]?.headers.host).toBe(`pinned.invalid:${port}`);
  await server.close();
});
