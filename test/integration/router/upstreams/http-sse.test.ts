/** HTTP+SSE of 2024-11-05: start, messages, failures, the end. */
import type http from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { httpSse } from '../../../../router/upstreams/http-sse.ts';
import type { Transport } from '../../../../router/upstreams/transport.ts';
import {
  answerText,
  events,
  Heard,
  idOf,
  json,
  options,
  request,
  startServer,
  type TestServer,
} from './http-harness.ts';

let server: TestServer;
let transport: Transport;
let heard: Heard;
let stream: http.ServerResponse | undefined;

async function open(
  onGet: (response: http.ServerResponse) => void,
  onPost: (id: number, response: http.ServerResponse) => void = (_id, response) => void response.writeHead(202).end(),
): Promise<void> {
  server = await startServer((received, response) => {
    if (received.method !== 'GET') return onPost(idOf(received.body), response);
    stream = response;
    onGet(response);
  });
  heard = new Heard();
  transport = httpSse({
    ...options(server.url, { headers: { 'x-key': 'k' }, maxMessageBytes: 2_000 }),
    startTimeoutMs: 300,
  });
}

const named = (response: http.ServerResponse): void =>
  events(response, 'event: endpoint\r\ndata: /post?session=1\r\n\r\n');

afterEach(async () => {
  await transport.close();
  await server.close();
});

it('[P2] posts to the endpoint that was named and takes answers from the stream, byte for byte', async () => {
  const text = '{"jsonrpc":"2.0","id":1,"result":{"n":9007199254740993,"s":"\\ud800é🐎","x":{}},"y":1}';
  await open(named, (_id, response) => {
    response.writeHead(202).end('Accepted');
    for (const byte of Buffer.from(`: c\r\n\r\nevent: message\r\ndata: ${text}\r\n\r\n`))
      stream?.write(Buffer.from([byte]));
  });
  await transport.start(heard);
  request(transport, 1);
  expect(await heard.message()).toEqual([text, undefined]);
  expect(server.received[1]).toMatchObject({
    method: 'POST',
    url: '/post?session=1',
    headers: { 'x-key': 'k', 'content-type': 'application/json' },
  });
});

it.each([
  'http://127.0.0.2:9/post',
  '//other.example/post',
  'https://127.0.0.1/post',
  'file:///etc/passwd',
  'http://[',
  '',
])('[A6] refuses the endpoint "%s" and sends it nothing', async (endpoint) => {
  await open((response) => events(response, `event: endpoint\ndata: ${endpoint === '' ? 'http://' : endpoint}\n\n`));
  await expect(transport.start(heard)).rejects.toMatchObject({ kind: 'CONNECTION_FAILED' });
  expect(() => request(transport, 1)).toThrow(/closed/);
  expect(heard.closes).toEqual([]);
});

it('[A6] does not let a server name an endpoint on another port of its host', async () => {
  const canary = await startServer((_request, response) => json(response, '{}'));
  await open((response) => events(response, `event: endpoint\ndata: ${canary.url}\n\n`));
  await expect(transport.start(heard)).rejects.toMatchObject({ kind: 'CONNECTION_FAILED' });
  expect(canary.connections()).toBe(0);
  await canary.close();
});

it.each([
  ['a status', (r: http.ServerResponse) => void r.writeHead(405).end(), 'UPSTREAM_UNAVAILABLE'],
  ['another type', (r: http.ServerResponse) => json(r, '{}'), 'UPSTREAM_INVALID'],
  ['a redirect', (r: http.ServerResponse) => void r.writeHead(307, { location: '/x' }).end(), 'UPSTREAM_UNAVAILABLE'],
  ['a packed stream', (r: http.ServerResponse) => events(r, 'x', { 'content-encoding': 'gzip' }), 'UPSTREAM_INVALID'],
  ['comments for ever', (r: http.ServerResponse) => events(r, ': hm\n\n'), 'CONNECTION_FAILED'],
  ['silence', () => {}, 'CONNECTION_FAILED'],
  ['an early end', (r: http.ServerResponse) => void r.socket?.destroy(), 'UPSTREAM_UNAVAILABLE'],
])('[R6] does not start when the server answers with %s', async (_name, onGet, kind) => {
  await open(onGet);
  await expect(transport.start(heard)).rejects.toMatchObject({ kind });
  expect(heard).toMatchObject({ messages: [], failures: [], closes: [] });
});

it('[R6] fails the request that could not be posted, and only that', async () => {
  await open(named, (id, response) => {
    if (id === 1) response.writeHead(500).end();
    else if (id === 2) response.socket?.resetAndDestroy();
    else {
      response.writeHead(202).end();
      stream?.write(`data: ${answerText(3)}\n\n`);
    }
  });
  await transport.start(heard);
  request(transport, 1);
  request(transport, 2);
  request(transport, 3);
  await heard.message();
  await heard.failure(2);
  expect([...heard.failures].sort((a, b) => a.id - b.id)).toMatchObject([
    { id: 1, kind: 'UPSTREAM_INVALID' },
    { id: 2, kind: 'CONNECTION_LOST' },
  ]);
  expect(heard.closes).toEqual([]);
});

it.each([
  ['first', (id: number) => `{"jsonrpc":"2.0","id":${id},"result":"${'x'.repeat(9_000)}"}`],
  ['last', (id: number) => `{"result":"${'x'.repeat(9_000)}","jsonrpc":"2.0","id":${id}}`],
])(
  '[R8] fails the request whose answer is above the limit, with its id %s, and serves the others',
  async (_name, big) => {
    await open(named, (id, response) => {
      response.writeHead(202).end();
      stream?.write(`data: ${id === 1 ? big(1) : answerText(id)}\n\n`);
    });
    await transport.start(heard);
    request(transport, 1);
    expect(await heard.failure()).toMatchObject({ id: 1, kind: 'RESULT_TOO_LARGE' });
    request(transport, 2);
    expect(await heard.message()).toEqual([answerText(2), undefined]);
    expect(heard.failures).toHaveLength(1);
  },
);

it('[R5] ends once when the stream ends', async () => {
  await open(named);
  await transport.start(heard);
  request(transport, 1);
  await server.request(({ method }) => method === 'POST');
  stream?.socket?.resetAndDestroy();
  expect(await heard.close()).toMatchObject({ kind: 'CONNECTION_LOST' });
  expect(() => request(transport, 2)).toThrow(/closed/);
  await transport.close();
  expect(heard.closes).toHaveLength(1);
});

it('[R5] ends the stream when it is closed', async () => {
  await open(named);
  await transport.start(heard);
  const ended = new Promise((resolve) => stream?.once('close', resolve));
  await transport.close();
  await ended;
  expect(heard.closes).toEqual([undefined]);
});
