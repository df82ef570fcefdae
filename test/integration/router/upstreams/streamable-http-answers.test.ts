/** Streamable HTTP: the forms of answers, byte for byte. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Transport } from '../../../../router/upstreams/transport.ts';
import {
  type Answer,
  answerText,
  events,
  type Heard,
  idOf,
  json,
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

const BYTES: [string, string][] = [
  [
    'unknown fields',
    '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"hologram","x":{"y":[]}}],"novel":null},"extra":1}',
  ],
  ['a number beyond 2^53', '{"jsonrpc":"2.0","id":1,"result":{"n":9007199254740993,"e":1.0e+02,"z":-0}}'],
  ['lone escapes', '{"jsonrpc":"2.0","id":1,"result":{"s":"\\ud800 \\u0041 \\/ \\u0000"}}'],
  ['the order of keys', '{"result":{"b":1,"a":2,"1":3},"id":1,"jsonrpc":"2.0"}'],
  ['spaces', ' {\n "jsonrpc" : "2.0" ,\t"id" : 1 , "result" : { } }\n'],
  ['characters of two, three and four bytes', '{"jsonrpc":"2.0","id":1,"result":{"s":"é漢🐎\u2028"}}'],
];

describe('the bytes of an answer', () => {
  it.each(BYTES)('[P5] keeps %s in a JSON answer', async (_name, text) => {
    await connect((_request, response) => json(response, text));
    request(transport, 1);
    expect(await heard.message()).toEqual([text, 1]);
  });

  it.each(BYTES.filter(([, text]) => !text.includes('\n')))('[P5] keeps %s in an event', async (_name, text) => {
    await connect((_request, response) => {
      events(response, `event: message\ndata: ${text}\n\n`);
      response.end();
    });
    request(transport, 1);
    expect(await heard.message()).toEqual([text, 1]);
  });

  it.each(['json', 'events'])('[P5] keeps 10 MB in %s, with characters split between chunks', async (form) => {
    const text = answerText(1, { text: 'é漢🐎x'.repeat(1_000_000) });
    expect(Buffer.byteLength(text)).toBeGreaterThan(10_000_000);
    await connect(
      (_request, response) => {
        if (form === 'json') json(response, text);
        else {
          events(response, `data: ${text}\n\n`);
          response.end();
        }
      },
      { maxMessageBytes: 16_000_000 },
    );
    request(transport, 1);
    const [came, carrier] = await heard.message();
    expect(came === text).toBe(true);
    expect(carrier).toBe(1);
  });

  it('[P5] sends a message as it is', async () => {
    await connect((received, response) => json(response, answerText(idOf(received.body))));
    const text = '{"id":3,"jsonrpc":"2.0","method":"tools/call","params":{"n":9007199254740993,"s":"é\\ud800"}}';
    transport.send(Buffer.from(text).toString('latin1') as Parameters<Transport['send']>[0], 3);
    await heard.message();
    expect(server.received[0]?.body).toBe(text);
    expect(server.received[0]?.headers).toMatchObject({
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
    });
  });

  it('[P5] reads an answer that comes byte by byte, with CRLF and a BOM', async () => {
    const text = answerText(1, { s: 'é漢🐎' });
    const stream = Buffer.from(`\uFEFF: hi\r\nid: 1\r\nevent: message\r\ndata: ${text}\r\n\r\n`);
    await connect(async (received, response) => {
      response.socket?.setNoDelay(true);
      const isJson = idOf(received.body) === 2;
      const bytes = isJson ? Buffer.from(`\uFEFF${text.replace('"id":1', '"id":2')}`) : stream;
      response.writeHead(200, { 'content-type': isJson ? 'application/json; charset=utf-8' : 'Text/Event-Stream' });
      for (const byte of bytes) {
        response.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    request(transport, 1);
    expect(await heard.message()).toEqual([text, 1]);
    request(transport, 2);
    expect((await heard.message(2))[1]).toBe(2);
  });

  it('[P3] tells on whose stream messages of the server came', async () => {
    const asks = '{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{}}';
    const progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{}}';
    await connect((received, response) => {
      if (received.body.includes('"result"')) response.writeHead(202).end();
      else if (idOf(received.body) === 7) {
        events(
          response,
          `: only a comment\n\ndata: ${progress}\n\ndata:\n\nevent: other\ndata: ignored\n\ndata: ${asks}\n\n`,
        );
        void server
          .request((answer) => answer.body.includes('"action"'))
          .then(() => response.end(`data: {"jsonrpc":"2.0",\ndata: "id":7,"result":{}}\n\n`));
      } else json(response, answerText(8));
    });
    request(transport, 7);
    await heard.message(2);
    request(transport, 8);
    await heard.message(3);
    transport.send('{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}' as Parameters<Transport['send']>[0]);
    await heard.message(4);
    expect(heard.messages).toEqual([
      [progress, 7],
      [asks, 7],
      [answerText(8), 8],
      ['{"jsonrpc":"2.0",\n"id":7,"result":{}}', 7],
    ]);
    expect(heard.failures).toEqual([]);
  });

  it('[P3] passes on an error answer that comes with an HTTP error, when it bears the id', async () => {
    const text = '{"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"no"}}';
    await connect((_request, response) => response.writeHead(400, { 'content-type': 'application/json' }).end(text));
    request(transport, 4);
    expect(await heard.message()).toEqual([text, 4]);
    request(transport, 5);
    expect(await heard.failure()).toMatchObject({ id: 5, kind: 'UPSTREAM_UNAVAILABLE' });
  });
});
