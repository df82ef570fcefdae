import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lastSeq, recordsAfter, recordsOnceThere, untilListed } from '../lib/oracle.ts';
import { RawSession } from '../lib/raw-client.ts';
import { exchange } from '../lib/raw-socket.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

let village: Village;
let ledger: string;
let alice: RawSession;
let dave: RawSession;

beforeAll(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  ledger = path.join(folder, 'ledger');
  village = await Village.start({
    folder,
    config: {
      mcpServers: { up: fixture('tools.ts', '--ledger', ledger) },
      permissions: [
        { match: 'up/append', level: 'OPERATOR' },
        { match: 'up/echo', level: 'READ_ONLY' },
      ],
    },
  });
  alice = await RawSession.open(village.url, tokenFor('alice'));
  dave = await RawSession.open(village.url, tokenFor('dave', { governance_level: 'READ_ONLY' }));
  await untilListed(alice, 'up__append');
});
afterAll(() => village.remove());

/** Smuggled calls that ran since this was asked last. */
let seen = 0;
function ledgerLines(): number {
  const lines = fs.existsSync(ledger) ? fs.readFileSync(ledger, 'utf8').split('\n').length - 1 : 0;
  const fresh = lines - seen;
  seen = lines;
  return fresh;
}

const call = (tool: string, id: number) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: tool, arguments: tool === 'up__append' ? { key: 'smuggled' } : { text: 'outer' } },
  });

/** A request of this session; `framing` says where its body ends. */
function request(session: RawSession, framing: readonly string[], body: string, more: readonly string[] = []): string {
  return [
    'POST /mcp HTTP/1.1',
    'Host: 127.0.0.1',
    `Authorization: Bearer ${session.token}`,
    `Mcp-Session-Id: ${session.id}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    ...framing,
    ...more,
    '',
    body,
  ].join('\r\n');
}

const echo = call('up__echo', 1);
/** What must never run: a whole request by alice, who may, inside one by dave. */
const inner = () => request(alice, [`Content-Length: ${call('up__append', 2).length}`], call('up__append', 2));
const chunk = (text: string, size = text.length.toString(16)) => `${size}\r\n${text}\r\n`;

const AMBIGUOUS: [string, () => string][] = [
  [
    'CL and TE',
    () => request(dave, [`Content-Length: ${echo.length + 5}`, 'Transfer-Encoding: chunked'], `0\r\n\r\n${inner()}`),
  ],
  [
    'TE and CL',
    () => request(dave, ['Transfer-Encoding: chunked', 'Content-Length: 4'], `${chunk(echo)}0\r\n\r\n${inner()}`),
  ],
  [
    'two TE',
    () =>
      request(dave, ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], `${chunk(echo)}0\r\n\r\n${inner()}`),
  ],
  [
    'TE identity, then chunked',
    () =>
      request(dave, ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'], `${chunk(echo)}0\r\n\r\n${inner()}`),
  ],
  [
    'TE chunked, identity',
    () => request(dave, ['Transfer-Encoding: chunked, identity'], `${chunk(echo)}0\r\n\r\n${inner()}`),
  ],
  ['TE xchunked', () => request(dave, ['Transfer-Encoding: xchunked'], `${chunk(echo)}0\r\n\r\n${inner()}`)],
  [
    'TE with a tab before it',
    () => request(dave, ['Transfer-Encoding:\tchunked', `Content-Length: ${echo.length}`], `${echo}${inner()}`),
  ],
  [
    'TE with a vertical tab',
    () => request(dave, ['Transfer-Encoding: \u000bchunked', `Content-Length: ${echo.length}`], `${echo}${inner()}`),
  ],
  [
    'two different CL',
    () => request(dave, [`Content-Length: ${echo.length}`, 'Content-Length: 0'], `${echo}${inner()}`),
  ],
  [
    'two equal CL',
    () => request(dave, [`Content-Length: ${echo.length}`, `Content-Length: ${echo.length}`], `${echo}${inner()}`),
  ],
  ['CL as a list', () => request(dave, [`Content-Length: ${echo.length}, ${echo.length}`], `${echo}${inner()}`)],
  ['CL +5', () => request(dave, [`Content-Length: +${echo.length}`], `${echo}${inner()}`)],
  ['CL 0x5', () => request(dave, [`Content-Length: 0x${echo.length.toString(16)}`], `${echo}${inner()}`)],
  ['CL -1', () => request(dave, ['Content-Length: -1'], `${echo}${inner()}`)],
  [
    'CL with a space inside',
    () => request(dave, [`Content-Length: ${String(echo.length).split('').join(' ')}`], `${echo}${inner()}`),
  ],
  ['CL beyond 2^64', () => request(dave, ['Content-Length: 18446744073709551616'], `${echo}${inner()}`)],
  ['CL empty', () => request(dave, ['Content-Length:'], `${echo}${inner()}`)],
  ['a space before the colon', () => request(dave, [`Content-Length : ${echo.length}`], `${echo}${inner()}`)],
  [
    'a space before the colon of TE',
    () => request(dave, ['Transfer-Encoding : chunked', `Content-Length: ${echo.length}`], `${echo}${inner()}`),
  ],
  [
    'a header line that begins with a space',
    () => request(dave, [' Content-Length: 0', `Content-Length: ${echo.length}`], `${echo}${inner()}`),
  ],
  [
    'obs-fold',
    () =>
      request(
        dave,
        ['X-Folded: a', ' Transfer-Encoding: chunked', `Content-Length: ${echo.length}`],
        `${echo}${inner()}`,
      ),
  ],
  [
    'obs-fold of TE',
    () => request(dave, ['Transfer-Encoding:', ' chunked', `Content-Length: ${echo.length}`], `${echo}${inner()}`),
  ],
  ['bare LF after headers', () => request(dave, [`X-A: b\nContent-Length: ${echo.length}`], `${echo}${inner()}`)],
  [
    'bare LF everywhere',
    () => request(dave, [`Content-Length: ${echo.length}`], echo).replaceAll('\r\n', '\n') + inner(),
  ],
  [
    'bare CR',
    () => request(dave, [`X-A: b\rContent-Length: 0`, `Content-Length: ${echo.length}`], `${echo}${inner()}`),
  ],
  ['NUL in a header', () => request(dave, ['X-A: b\u0000c', `Content-Length: ${echo.length}`], `${echo}${inner()}`)],
  [
    'a chunk size of +5',
    () =>
      request(
        dave,
        ['Transfer-Encoding: chunked'],
        `${chunk(echo, `+${echo.length.toString(16)}`)}0\r\n\r\n${inner()}`,
      ),
  ],
  [
    'a chunk size of 0x5',
    () =>
      request(
        dave,
        ['Transfer-Encoding: chunked'],
        `${chunk(echo, `0x${echo.length.toString(16)}`)}0\r\n\r\n${inner()}`,
      ),
  ],
  [
    'a chunk size beyond 2^64',
    () => request(dave, ['Transfer-Encoding: chunked'], `${chunk(echo, 'f'.repeat(17))}0\r\n\r\n${inner()}`),
  ],
  [
    'a chunk that is longer than it says',
    () =>
      request(
        dave,
        ['Transfer-Encoding: chunked'],
        `${chunk(echo, (echo.length - 3).toString(16))}0\r\n\r\n${inner()}`,
      ),
  ],
  [
    'a chunk that ends with LF',
    () => request(dave, ['Transfer-Encoding: chunked'], `${echo.length.toString(16)}\n${echo}\n0\n\n${inner()}`),
  ],
  [
    'a bare LF inside a chunk extension',
    () =>
      request(
        dave,
        ['Transfer-Encoding: chunked'],
        `${echo.length.toString(16)};a\nb\r\n${echo}\r\n0\r\n\r\n${inner()}`,
      ),
  ],
  [
    'HTTP/1.0 with TE',
    () =>
      request(dave, ['Transfer-Encoding: chunked'], `${chunk(echo)}0\r\n\r\n${inner()}`).replace(
        'HTTP/1.1',
        'HTTP/1.0',
      ),
  ],
  ['HTTP/0.9', () => `GET /api/health\r\n\r\n${inner()}`],
  ['HTTP/2 preface', () => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${inner()}`],
  [
    'two spaces in the request line',
    () => request(dave, [`Content-Length: ${echo.length}`], echo).replace('POST /mcp', 'POST  /mcp x') + inner(),
  ],
];

it.each(AMBIGUOUS)(
  '[S3] D10: answers %s with one refusal and closes; what is inside never runs',
  async (_what, make) => {
    const seq = await lastSeq(village);
    const { responses, closed, text } = await exchange(village.url, Buffer.from(make(), 'latin1'));
    expect([text.slice(0, 400), responses.length]).toEqual([text.slice(0, 400), 1]);
    expect([responses[0]?.status, closed]).toEqual([400, true]);
    expect(await recordsAfter(village, seq)).toEqual([]);
    expect(ledgerLines()).toBe(0);
  },
);

it('[S3] D10: answers a chunk extension of 1 MB with 413 and closes', async () => {
  const bytes = request(dave, ['Transfer-Encoding: chunked'], `5;${'x'.repeat(1_048_576)}\r\n${echo}`);
  const { responses, closed } = await exchange(village.url, bytes);
  expect([responses.map(({ status }) => status), closed]).toEqual([[413], true]);
});

it('[S3] D10: answers a chunk trailer that says who calls as if it were not there', async () => {
  const trailer = `0\r\nAuthorization: Bearer ${alice.token}\r\nMcp-Session-Id: ${alice.id}\r\n\r\n`;
  const append = call('up__append', 1);
  const { responses } = await exchange(
    village.url,
    request(dave, ['Transfer-Encoding: chunked'], `${chunk(append)}${trailer}`),
    400,
  );
  expect(responses.map(({ body }) => body)).toEqual([expect.stringContaining('Unknown tool: up__append')]);
  expect(ledgerLines()).toBe(0);
});

it('[S3] [M2] D10: judges pipelined requests each by its own token', async () => {
  const seq = await lastSeq(village);
  const by = (session: RawSession, body: string, authorization = `Bearer ${session.token}`) =>
    request(session, [`Content-Length: ${body.length}`], body).replace(`Bearer ${session.token}`, authorization);
  // dave's denied call stands between two good ones of his; then a request without any right on the same connection.
  const parts = [
    by(dave, echo),
    by(dave, call('up__append', 2)),
    by(dave, call('up__echo', 3)),
    by(alice, call('up__append', 4), 'Bearer junk'),
  ];
  const { responses } = await exchange(village.url, parts.join(''), 600);
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 401]);
  expect(responses.map(({ body }) => (JSON.parse(body) as { id: unknown }).id)).toEqual([1, 2, 3, null]);
  expect(JSON.parse(responses[1]!.body).error).toMatchObject({ code: -32602, message: 'Unknown tool: up__append' });
  expect(ledgerLines()).toBe(0);
  const denied = await recordsOnceThere(village, seq, 'call_denied', 1);
  expect(denied.map(({ agent, tool }) => [agent, tool])).toEqual([['dave', 'up__append']]);
  expect((await recordsAfter(village, seq)).filter(({ agent }) => agent === 'alice')).toEqual([]);
});

it('[S3] D10: a refused request with a body takes its connection along, so that the body is no next request', async () => {
  const seq = await lastSeq(village);
  const body = inner();
  const head = (authorization: string) =>
    `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const whole = await exchange(village.url, `${head('Bearer junk')}${body}`);
  expect([whole.responses.map(({ status }) => status), whole.closed]).toEqual([[401], true]);
  // The same with the body on its way when the refusal leaves.
  const split = await exchange(village.url, [head('Bearer junk'), body]);
  expect(split.responses.map(({ status }) => status)).toEqual([401]);
  expect(ledgerLines()).toBe(0);
  expect(await recordsAfter(village, seq, 'call_started')).toEqual([]);
});

it.each([
  ['h2c', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA']],
  ['an unknown protocol', ['Connection: Upgrade', 'Upgrade: evil/1']],
])('[S3] D10: takes no upgrade to %s', async (_what, more) => {
  const { responses } = await exchange(
    village.url,
    request(dave, [`Content-Length: ${echo.length}`], `${echo}`, more),
    400,
  );
  expect(responses.map(({ status }) => status)).not.toContain(101);
  expect(responses[0]?.status).toBeLessThan(500);
});

it('[S3] D10: CONNECT opens no tunnel', async () => {
  const { text } = await exchange(
    village.url,
    `CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${alice.token}\r\n\r\n${inner()}`,
    400,
  );
  expect(text).not.toMatch(/^HTTP\/1\.1 2/);
  expect(ledgerLines()).toBe(0);
});

it('[S3] D10: the same bytes, framed as they should be, do run: the refusals were for the framing', async () => {
  const good = await exchange(
    village.url,
    request(dave, ['Transfer-Encoding: chunked'], `${chunk(echo)}0\r\n\r\n${inner()}`),
    600,
  );
  expect(good.responses.map(({ status }) => status)).toEqual([200, 200]);
  expect(ledgerLines()).toBe(1);
  expect((await village.cli('audit', 'verify')).code).toBe(0);
});
