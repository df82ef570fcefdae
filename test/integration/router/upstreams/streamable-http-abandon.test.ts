/** Streamable HTTP: calls that are given up, and the connections they hold. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Transport } from '../../../../router/upstreams/transport.ts';
import {
  type Answer,
  answerText,
  events,
  gone,
  type Heard,
  idOf,
  json,
  notify,
  request,
  type StreamableHttp,
  startPair,
  type TestServer,
} from './http-harness.ts';

let server: TestServer;
let transport: StreamableHttp;
let heard: Heard;

async function connect(answer: Answer, more: Parameters<typeof startPair>[1] = {}): Promise<void> {
  ({ server, transport, heard } = await startPair(answer, more));
}

afterEach(async () => {
  await transport.close();
  await server.close();
});

describe('a call that is given up', () => {
  it('[P3] ends the request of a call that was abandoned, after its cancellation', async () => {
    let closed: Promise<void> | undefined;
    await connect((received, response) => {
      if (received.body.includes('cancelled')) response.writeHead(202).end();
      else closed = gone(response);
    });
    request(transport, 1);
    await server.request(({ body }) => idOf(body) === 1);
    notify(transport, 'notifications/cancelled');
    transport.abandon(1);
    await closed;
    expect(server.received.map(({ body }) => body.includes('cancelled'))).toEqual([false, true]);
    expect(heard).toMatchObject({ messages: [], failures: [], closes: [] });
  });

  it.each(['a status and no body', 'half an event', 'comments only'])(
    '[R6] ends one that stalled after %s',
    async (form) => {
      let closed: Promise<void> | undefined;
      await connect((_request, response) => {
        closed = gone(response);
        if (form === 'half an event') events(response, 'data: {"json');
        else if (form === 'comments only') events(response, ': one\n\n: two\n\n');
        else {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.flushHeaders();
        }
      });
      request(transport, 1);
      await server.request(() => true);
      transport.abandon(1);
      await closed;
      expect(heard).toMatchObject({ messages: [], failures: [] });
    },
  );

  it('[R6] never sends one that was still waiting, and keeps the connection', async () => {
    const answers: (() => void)[] = [];
    await connect((received, response) => answers.push(() => json(response, answerText(idOf(received.body)))), {
      maxConnections: 1,
      maxBacklog: 1,
    });
    request(transport, 1);
    await server.request(({ body }) => idOf(body) === 1);
    expect(transport.congested).toBe(false);
    request(transport, 2);
    expect(transport.congested).toBe(true);
    request(transport, 3);
    transport.abandon(2);
    answers[0]?.();
    await server.request(({ body }) => idOf(body) === 3);
    answers[1]?.();
    await heard.message(2);
    expect(server.received.map(({ body }) => idOf(body))).toEqual([1, 3]);
    expect(server.connections()).toBe(1);
    expect(transport.congested).toBe(false);
  });

  it('[R6] lets answers to the server pass while every connection waits for a call', async () => {
    await connect(
      (received, response) => {
        if (received.body.includes('"result"')) {
          response.writeHead(202).end();
          finish();
        } else {
          open.push(response);
          events(response, 'data: {"jsonrpc":"2.0","id":0,"method":"roots/list"}\n\n');
        }
      },
      { maxConnections: 2 },
    );
    const open: Parameters<Answer>[1][] = [];
    const finish = (): void => {
      for (const [i, response] of open.entries()) response.end(`data: ${answerText(i + 1)}\n\n`);
    };
    request(transport, 1);
    await heard.message(1);
    request(transport, 2);
    await heard.message(2);
    transport.send('{"jsonrpc":"2.0","id":0,"result":{}}' as Parameters<Transport['send']>[0]);
    await heard.message(4);
    expect(heard.failures).toEqual([]);
  });

  it('[R6] takes a connection back from a server that answers and keeps the stream open', async () => {
    let closed: Promise<void> | undefined;
    await connect((_request, response) => {
      closed = gone(response);
      events(response, `data: ${answerText(1)}\n\n`);
    });
    request(transport, 1);
    await heard.message();
    await closed;
    expect(heard.failures).toEqual([]);
  });
});
