/** Streamable HTTP: session, headers, the server's own stream, resumption, the end. */
import type http from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { streamableHttp } from '../../../../router/upstreams/streamable-http.ts';
import { AppError } from '../../../../shared/errors.ts';
import {
  type Answer,
  answerText,
  events,
  gone,
  type Heard,
  idOf,
  json,
  notify,
  options,
  type Received,
  request,
  type StreamableHttp,
  startPair,
  type TestServer,
} from './http-harness.ts';

let server: TestServer;
let transport: StreamableHttp;
let heard: Heard;
let isDeletionIgnored = false;

/** A server that gives the session `s-1`, takes notifications, and leaves the rest to `answer`. */
async function connect(answer: Answer, more: Parameters<typeof startPair>[1] = {}): Promise<void> {
  const inSession: Answer = (received, response) => {
    if (received.body.includes('"initialize"')) json(response, answerText(0), { 'mcp-session-id': 's-1' });
    else if (received.method === 'POST' && received.body.includes('notifications/')) response.writeHead(202).end();
    else if (received.method === 'DELETE' && !isDeletionIgnored) response.writeHead(200).end();
    else answer(received, response);
  };
  ({ server, transport, heard } = await startPair(inSession, more));
}

async function handshake(): Promise<void> {
  request(transport, 0, 'initialize');
  await heard.message();
  transport.setProtocolVersion?.('2025-06-18');
  notify(transport);
}

const isGet = ({ method }: Received): boolean => method === 'GET';
const none = (response: http.ServerResponse): void => void response.writeHead(405).end();

afterEach(async () => {
  await transport.close();
  await server.close();
});

describe('session and headers', () => {
  it('[P2] sends session and version from the moment they are known, and only what was configured besides', async () => {
    const asked: (number | undefined)[] = [];
    await connect(
      (received, response) => (isGet(received) ? none(response) : json(response, answerText(idOf(received.body)))),
      {
        headers: { 'X-Api-Key': 'configured', Authorization: 'replaced' },
        authorization: (id) => {
          asked.push(id);
          return id === undefined ? 'Bearer router' : `Bearer for-${id}`;
        },
      },
    );
    await handshake();
    await server.request(isGet);
    request(transport, 5);
    await heard.message(2);
    const [initialize, initialized, get, call] = server.received;
    expect(initialize?.headers).not.toHaveProperty('mcp-session-id');
    expect(initialize?.headers).not.toHaveProperty('mcp-protocol-version');
    for (const { headers } of [initialized, get, call] as Received[]) {
      expect(headers).toMatchObject({
        'mcp-session-id': 's-1',
        'mcp-protocol-version': '2025-06-18',
        'x-api-key': 'configured',
      });
    }
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer for-0',
      'Bearer router',
      'Bearer router',
      'Bearer for-5',
    ]);
    expect(get?.headers.accept).toBe('text/event-stream');
    expect(Object.keys(call?.headers ?? {}).sort()).toEqual(
      'accept accept-encoding authorization connection content-length content-type host mcp-protocol-version mcp-session-id x-api-key'.split(
        ' ',
      ),
    );
    expect(asked).toEqual([0, undefined, undefined, 5]);
  });

  it.each(['Mcp-Session-Id', 'Host', 'Transfer-Encoding', 'content-length', 'Accept'])(
    '[X1] refuses a configured header %s',
    (name) => {
      expect(() => streamableHttp(options('http://127.0.0.1:1/', { headers: { [name]: 'x' } }))).toThrow(AppError);
    },
  );

  it.each([{ 'x y': '1' }, { x: 'a\r\nb: c' }])(
    '[X1] refuses the configured headers %j, without their values',
    (headers) => {
      expect(() => streamableHttp(options('http://127.0.0.1:1/', { headers }))).toThrow(
        /characters that HTTP does not allow$/,
      );
    },
  );

  it.each(['ftp://x/', 'nonsense', 'http://u:p@x/'])('[X1] refuses the address %s', (url) => {
    expect(() => streamableHttp(options(url))).toThrow(AppError);
  });

  it('[R6] ends once when the server forgot the session, and says that this request did not run', async () => {
    await connect((received, response) => {
      if (isGet(received)) none(response);
      else if (idOf(received.body) === 2) response.writeHead(404).end();
    });
    await handshake();
    request(transport, 1);
    await server.request(({ body }) => idOf(body) === 1);
    request(transport, 2);
    expect(await heard.close()).toBeInstanceOf(AppError);
    expect(heard.failures).toEqual([{ id: 2, kind: 'UPSTREAM_UNAVAILABLE', text: expect.stringContaining('not run') }]);
    expect(() => request(transport, 3)).toThrow(AppError);
    await transport.close();
    expect(heard.closes).toHaveLength(1);
    expect(server.received.some(({ method }) => method === 'DELETE')).toBe(false);
  });

  it('[R5] deletes the session when it is closed, and ends what was open', async () => {
    let closed: Promise<void> | undefined;
    await connect((received, response) => {
      if (isGet(received)) events(response, ': open\n\n');
      else closed = gone(response);
    });
    await handshake();
    await server.request(isGet);
    request(transport, 1);
    await server.request(({ body }) => idOf(body) === 1);
    await transport.close();
    await closed;
    expect(server.received.at(-1)).toMatchObject({ method: 'DELETE', headers: { 'mcp-session-id': 's-1' } });
    expect(heard.closes).toEqual([undefined]);
    expect(heard.failures).toEqual([]);
    expect(() => notify(transport)).toThrow(/closed/);
  });

  it('[R5] closes within its time when the server does not answer the deletion', async () => {
    isDeletionIgnored = true;
    await connect((received, response) => (isGet(received) ? none(response) : undefined));
    await handshake();
    const start = performance.now();
    await transport.close();
    isDeletionIgnored = false;
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(server.received.at(-1)?.method).toBe('DELETE');
  });
});

describe("the server's own stream", () => {
  it('[P3] brings messages without a carrier, and is opened again from where it broke', async () => {
    const note = (n: number): string =>
      `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"n":${n}}}`;
    let opened = 0;
    await connect((received, response) => {
      if (!isGet(received)) return;
      opened++;
      if (opened === 1) events(response, `retry: 60\nid: e-1\ndata: ${note(1)}\n\nid: lost\ndata: half`);
      else if (opened === 2) response.writeHead(503).end();
      else events(response, `data: ${note(2)}\n\n`);
      if (opened === 1) setImmediate(() => response.socket?.resetAndDestroy());
    });
    await handshake();
    await heard.message(3);
    expect(heard.messages.slice(1)).toEqual([
      [note(1), undefined],
      [note(2), undefined],
    ]);
    expect(server.received.filter(isGet).map(({ headers }) => headers['last-event-id'])).toEqual([
      undefined,
      'e-1',
      'e-1',
    ]);
    expect(heard).toMatchObject({ failures: [], closes: [] });
  });

  it.each([405, 401, 400, 403])('[P3] is done without when the server answers %i', async (status) => {
    await connect((received, response) => {
      if (isGet(received)) response.writeHead(status).end();
      else json(response, answerText(idOf(received.body)));
    });
    await handshake();
    await server.request(isGet);
    request(transport, 1);
    await heard.message(2);
    expect(heard).toMatchObject({ failures: [], closes: [] });
  });

  it('[R8] passes over a message above the limit and goes on', async () => {
    await connect(
      (received, response) => {
        if (isGet(received))
          events(response, `data: "${'x'.repeat(5_000)}"\n\ndata: {"jsonrpc":"2.0","method":"n"}\n\n`);
      },
      { maxMessageBytes: 2_000 },
    );
    await handshake();
    await heard.message(2);
    expect(heard.messages[1]?.[0]).toBe('{"jsonrpc":"2.0","method":"n"}');
    expect(server.received.filter(isGet)).toHaveLength(1);
  });
});

describe('a stream that ends before its answer', () => {
  it('[P7] is resumed by GET when the server closes it on purpose, after the time it named', async () => {
    const seenAt: number[] = [];
    await connect((received, response) => {
      if (isGet(received)) {
        if (received.headers['last-event-id'] === undefined) return none(response);
        seenAt.push(performance.now());
        if (seenAt.length === 1) events(response, ': not yet\n\n');
        else events(response, `id: p-2\ndata: ${answerText(1, 'late')}\n\n`);
        response.end();
        return;
      }
      events(response, 'id: p-1\nretry: 120\ndata: \n\n');
      seenAt.length = 0;
      startedAt = performance.now();
      response.end();
    });
    let startedAt = 0;
    await handshake();
    request(transport, 1);
    expect(await heard.message(2)).toEqual([answerText(1, 'late'), 1]);
    const resumed = server.received.filter(({ headers }) => headers['last-event-id'] !== undefined);
    expect(resumed.map(({ headers }) => headers['last-event-id'])).toEqual(['p-1', 'p-1']);
    expect((seenAt[0] ?? 0) - startedAt).toBeGreaterThanOrEqual(100);
    expect(heard.failures).toEqual([]);
  });

  it('[P7] is resumed after a reset, also when the first tries fail', async () => {
    let tries = 0;
    await connect((received, response) => {
      if (!isGet(received)) {
        events(response, 'id: ž\ndata: {"jsonrpc":"2.0","method":"n"}\n\n');
        setImmediate(() => response.socket?.resetAndDestroy());
      } else if (received.headers['last-event-id'] === undefined) none(response);
      else if (++tries === 1) response.socket?.destroy();
      else if (tries === 2) response.writeHead(502).end();
      else events(response, `data: ${answerText(1)}\n\n`);
    });
    await handshake();
    request(transport, 1);
    expect(await heard.message(3)).toEqual([answerText(1), 1]);
    expect(tries).toBe(3);
    const ids = server.received.map(({ headers }) => headers['last-event-id']).filter((id) => typeof id === 'string');
    expect(ids.map((id) => Buffer.from(id, 'latin1').toString())).toEqual(['ž', 'ž', 'ž']);
  });

  it('[P7] is given up after some tries, with CONNECTION_LOST', async () => {
    await connect((received, response) => {
      if (!isGet(received)) {
        events(response, 'id: 1\ndata:\n\n');
        response.end();
      } else if (received.headers['last-event-id'] === undefined) none(response);
      else response.writeHead(500).end();
    });
    await handshake();
    request(transport, 1);
    expect(await heard.failure()).toMatchObject({ id: 1, kind: 'CONNECTION_LOST' });
    expect(server.received.filter(({ headers }) => headers['last-event-id'] === '1')).toHaveLength(3);
  });

  it('[P7] is given up at once when the server cannot resume', async () => {
    await connect((received, response) => {
      if (isGet(received)) return none(response);
      events(response, 'id: 1\ndata:\n\n');
      response.end();
    });
    await handshake();
    request(transport, 1);
    expect(await heard.failure()).toMatchObject({
      id: 1,
      kind: 'CONNECTION_LOST',
      text: expect.stringContaining('405'),
    });
  });

  it('[P3] is not resumed once the call was abandoned', async () => {
    await connect((received, response) => {
      if (isGet(received)) return none(response);
      if (idOf(received.body) === 2) return json(response, answerText(2));
      events(response, 'id: 1\nretry: 100\ndata: {"jsonrpc":"2.0","method":"n"}\n\n');
      response.end();
    });
    await handshake();
    request(transport, 1);
    await heard.message(2);
    request(transport, 2);
    await heard.message(3);
    transport.abandon(1);
    await transport.close();
    expect(server.received.filter(({ headers }) => headers['last-event-id'] !== undefined)).toEqual([]);
    expect(heard.failures).toEqual([]);
  });
});
