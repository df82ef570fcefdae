/** Streamable HTTP: everything that is no answer, and answers above the limits. */
import zlib from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Answer,
  answerText,
  events,
  type Heard,
  idOf,
  json,
  notify,
  request,
  type StreamableHttp,
  startPair,
  startServer,
  type TestServer,
} from './http-harness.ts';

let server: TestServer;
let transport: StreamableHttp;
let heard: Heard;
let logged: { text: string; fields: object }[];

async function connect(answer: Answer, more: Parameters<typeof startPair>[1] = {}): Promise<void> {
  ({ server, transport, heard, logged } = await startPair(answer, more));
}

afterEach(async () => {
  await transport.close();
  await server.close();
});

const REFUSED: [string, string, RegExp, Answer][] = [
  [
    'HTML with 502',
    'UPSTREAM_INVALID',
    /status 502 with text\/html/,
    (_, r) => r.writeHead(502, { 'content-type': 'text/html' }).end('<h1>secret</h1>'),
  ],
  ['503', 'UPSTREAM_UNAVAILABLE', /status 503/, (_, r) => r.writeHead(503).end()],
  [
    'HTML with 200',
    'UPSTREAM_INVALID',
    /Expected HTTP status 200 with application\/json.*got HTTP status 200 with text\/html/,
    (_, r) => r.writeHead(200, { 'content-type': 'text/html; charset=x' }).end('<p>secret'),
  ],
  ['no content type', 'UPSTREAM_INVALID', /status 200 with nothing/, (_, r) => r.writeHead(200).end('{"secret":1}')],
  ['202 to a request', 'UPSTREAM_INVALID', /status 202/, (_, r) => r.writeHead(202).end()],
  [
    '400',
    'UPSTREAM_UNAVAILABLE',
    /status 400 with text\/plain/,
    (_, r) => r.writeHead(400, { 'content-type': 'text/plain' }).end('secret'),
  ],
  [
    '401',
    'UPSTREAM_UNAVAILABLE',
    /credentials.*401/,
    (_, r) => r.writeHead(401, { 'www-authenticate': 'Bearer' }).end(),
  ],
  ['403', 'UPSTREAM_UNAVAILABLE', /credentials.*403/, (_, r) => r.writeHead(403).end()],
  ['404 without a session', 'UPSTREAM_UNAVAILABLE', /status 404/, (_, r) => r.writeHead(404).end()],
  [
    'JSON that is no answer',
    'UPSTREAM_INVALID',
    /does not answer the request/,
    (_, r) => json(r, '{"jsonrpc":"2.0","id":null,"error":{}}'),
  ],
  ['half a JSON', 'UPSTREAM_INVALID', /does not answer the request/, (_, r) => json(r, '{"jsonrpc":"2.0","id":1,')],
  [
    'invalid UTF-8',
    'UPSTREAM_INVALID',
    /not valid UTF-8/,
    (_, r) => json(r, Buffer.from('{"jsonrpc":"2.0","id":1,"result":"\xff"}', 'latin1')),
  ],
  [
    'invalid UTF-8 in an event',
    'UPSTREAM_INVALID',
    /not valid UTF-8/,
    (_, r) => events(r, Buffer.from('data: {"jsonrpc":"2.0","id":1,"result":"\xc0\x80"}\n\n', 'latin1')),
  ],
  [
    'a stream that is none',
    'CONNECTION_LOST',
    /lost before the answer/,
    (_, r) => {
      events(r, '{"jsonrpc":"2.0","id":1,"result":{}}');
      r.end();
    },
  ],
  [
    'a stream that ends without the answer',
    'CONNECTION_LOST',
    /lost before the answer/,
    (_, r) => {
      events(r, ': bye\n\n');
      r.end();
    },
  ],
  [
    'a reset in the middle of JSON',
    'CONNECTION_LOST',
    /lost before the answer/,
    (_, r) => {
      r.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
      r.write('{"jsonrpc"', () => r.socket?.resetAndDestroy());
    },
  ],
  [
    'a reset in the middle of an event',
    'CONNECTION_LOST',
    /lost before the answer/,
    (_, r) => {
      r.writeHead(200, { 'content-type': 'text/event-stream' });
      r.write('data: {"jsonrpc"', () => r.socket?.resetAndDestroy());
    },
  ],
  [
    'no HTTP at all',
    'CONNECTION_LOST',
    /lost before the answer/,
    (_, r) => r.socket?.end('220 mail.secret.example ESMTP\r\n'),
  ],
];

describe('what is no answer', () => {
  it('[R6] ends every one of many calls exactly once, whatever the server does to each', async () => {
    const answers: Answer[] = [
      ...REFUSED.map(([, , , answer]) => answer),
      (received, response) => json(response, answerText(idOf(received.body))),
      (received, response) => events(response, `data: ${answerText(idOf(received.body))}\n\n`),
      (_received, response) => response.socket?.resetAndDestroy(),
    ];
    await connect((received, response) => answers[idOf(received.body) % answers.length]?.(received, response), {
      maxConnections: 16,
    });
    const count = answers.length * 20;
    for (let id = 0; id < count; id++) request(transport, id);
    const ended = (): number[] => {
      const answered = heard.messages.flatMap(([text, id]) =>
        id !== undefined && text === answerText(id) ? [id] : [],
      );
      return [...answered, ...heard.failures.map(({ id }) => id)];
    };
    await expect.poll(() => ended().length, { timeout: 20_000 }).toBe(count);
    expect(new Set(ended()).size).toBe(count);
    expect(transport.congested).toBe(false);
    expect(heard.closes).toEqual([]);
  });

  it.each(REFUSED)('[R6] fails the request for %s and works on', async (_name, kind, text, answer) => {
    await connect((received, response) => {
      if (idOf(received.body) === 1) answer(received, response);
      else json(response, answerText(idOf(received.body)));
    });
    request(transport, 1);
    const failure = await heard.failure();
    expect(failure).toEqual({ id: 1, kind, text: expect.stringMatching(text) });
    expect(failure.text).not.toMatch(/secret|127\.0\.0\.1|mcp/);
    request(transport, 2);
    await expect.poll(() => heard.messages.at(-1)).toEqual([answerText(2), 2]);
    expect(heard.failures).toHaveLength(1);
    expect(heard.closes).toEqual([]);
  });

  it('[R6] says that a server that cannot be reached did not get the request', async () => {
    await connect(() => {});
    await server.close();
    request(transport, 1);
    expect(await heard.failure()).toMatchObject({ id: 1, kind: 'UPSTREAM_UNAVAILABLE' });
    server = await startServer(() => {});
  });

  it.each([
    ['gzip', zlib.gzipSync(Buffer.alloc(50_000_000, 0x20))],
    [
      'br',
      zlib.brotliCompressSync(Buffer.alloc(50_000_000, 0x20), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
    ],
    ['deflate', zlib.deflateSync(Buffer.alloc(50_000_000, 0x20))],
    ['zstd', zlib.zstdCompressSync(Buffer.alloc(50_000_000, 0x20))],
    ['gzip, gzip', zlib.gzipSync(zlib.gzipSync(Buffer.alloc(50_000_000, 0x20)))],
    ['unheard-of', Buffer.from('{}')],
  ])('[R8] refuses an answer packed with %s without unpacking it', async (encoding, bomb) => {
    await connect((received, response) => {
      const packed = { 'content-encoding': encoding };
      if (idOf(received.body) === 1) json(response, bomb, packed);
      else events(response, bomb, packed);
    });
    const before = process.memoryUsage().rss;
    request(transport, 1);
    request(transport, 2);
    await heard.failure(2);
    expect(heard.failures).toEqual([
      expect.objectContaining({ kind: 'UPSTREAM_INVALID', text: expect.stringContaining('compressed') }),
      expect.objectContaining({ kind: 'UPSTREAM_INVALID' }),
    ]);
    expect(heard.messages).toEqual([]);
    expect(process.memoryUsage().rss - before).toBeLessThan(64_000_000);
  });

  it.each(['a declared length', 'chunks', 'one event', 'many lines of one event'])(
    '[R8] ends 1 GB in %s at the limit with bounded memory',
    async (form) => {
      let written = 0;
      const piece = Buffer.alloc(65_536, 0x61);
      if (form === 'many lines of one event') for (let at = 0; at < piece.length; at += 64) piece.write('\ndata: ', at);
      await connect((received, response) => {
        if (idOf(received.body) === 2) {
          json(response, answerText(2));
          return;
        }
        const type = form.includes('event') ? 'text/event-stream' : 'application/json';
        const length = form === 'a declared length' ? { 'content-length': 1_073_741_824 } : {};
        response.writeHead(200, { 'content-type': type, ...length });
        response.write(
          type === 'application/json'
            ? '{"jsonrpc":"2.0","id":1,"result":"'
            : 'data: {"jsonrpc":"2.0","id":1,"result":"',
        );
        const more = (): void => {
          while (written < 1_073_741_824 && !response.destroyed) {
            written += piece.length;
            if (!response.write(piece)) {
              response.once('drain', more);
              return;
            }
          }
        };
        more();
      });
      const before = process.memoryUsage().rss;
      request(transport, 1);
      expect(await heard.failure()).toEqual({
        id: 1,
        kind: 'RESULT_TOO_LARGE',
        text: 'The result is larger than the limit of 1000000 bytes',
      });
      request(transport, 2);
      expect(await heard.message()).toEqual([answerText(2), 2]);
      expect(written).toBeLessThan(100_000_000);
      expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
      expect(heard.failures).toHaveLength(1);
    },
  );

  it('[R8] takes an answer of exactly the limit', async () => {
    const text = answerText(1, 'x'.repeat(900));
    await connect((_request, response) => json(response, text), { maxMessageBytes: text.length });
    request(transport, 1);
    expect(await heard.message()).toEqual([text, 1]);
  });

  it.each([302, 307])('[A6] does not follow a redirect (%i), and sends the other host nothing', async (status) => {
    const canary = await startServer((_request, response) => json(response, answerText(1)));
    await connect((_request, response) => response.writeHead(status, { location: canary.url }).end(), {
      headers: { 'x-api-key': 'k' },
      authorization: () => 'Bearer assertion',
    });
    transport.setProtocolVersion?.('2025-06-18');
    request(transport, 1);
    notify(transport);
    expect(await heard.failure()).toMatchObject({
      kind: 'UPSTREAM_UNAVAILABLE',
      text: expect.stringContaining('redirects are not followed'),
    });
    await expect.poll(() => logged.length).toBe(1);
    expect(server.received).toHaveLength(2);
    expect(canary.received).toEqual([]);
    expect(canary.connections()).toBe(0);
    await canary.close();
  });
});
