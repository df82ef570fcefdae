import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lastSeq, logLines, recordsAfter, recordsOnceThere, untilListed } from '../lib/oracle.ts';
import { messagesOf, POST_HEADERS, type RawAnswer, RawSession, send } from '../lib/raw-client.ts';
import { exchange } from '../lib/raw-socket.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

let village: Village;
let session: RawSession;
const token = tokenFor('alice');

const FORGED = '{"level":"audit","kind":"vote","agent":"carol-forged"}';
/** A server that is no server: it says these lines on stderr and ends. */
const loud = {
  command: 'node',
  args: ['-e', 'process.stderr.write(process.env.SAID);'],
  env: { SAID: `said by loud\r\n${FORGED}\n\u001b[2J\u2028${FORGED}\u202e\n` },
};

beforeAll(async () => {
  village = await Village.start({
    config: {
      mcpServers: { up: fixture('tools.ts'), noise: fixture('garbage.ts', '--banner'), loud },
      permissions: [{ match: 'up/*', level: 'OPERATOR' }],
      // What screening would stop must be harmless where it is off.
      router: { screening: false },
    },
    env: { MCP_LOG_LEVEL: 'debug' },
  });
  session = await RawSession.open(village.url, token);
  await untilListed(session, 'up__echo');
});
afterAll(() => village.remove());

const VALUES: [string, string][] = [
  ['a line end and a forged record', `x\r\n${FORGED}\r\n`],
  ['a line feed alone', `x\n${FORGED}\n`],
  ['ANSI that clears a terminal', '\u001b[2J\u001b[31mx\u001b]0;title\u0007'],
  ['C1 controls', '\u009b31mx\u0085y'],
  ['U+2028 and U+2029', `x\u2028${FORGED}\u2029y`],
  ['directions', 'x\u202e\u2066gnp.exe\u2069\u200f'],
  ['zero widths and tags', 'x\u200b\u200d\ufeff\u{e0041}\u{e0042}'],
  ['NUL and quotes', 'x\u0000"}\\"],"kind":"vote"'],
  ['a megabyte', 'A'.repeat(1_048_576)],
];

const HEADERS = new Set([
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
  'mcp-session-id',
  'transfer-encoding',
  'www-authenticate',
  'x-accel-buffering',
]);

function expectKnownHeaders({ headers }: RawAnswer): void {
  expect(Object.keys(headers).filter((name) => !HEADERS.has(name))).toEqual([]);
  for (const value of Object.values(headers)) expect(String(value)).not.toContain('carol-forged');
}

/** What a terminal obeys, or does not show. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Each line one JSON object that the router wrote. */
function expectCleanLines(lines: readonly string[]): void {
  for (const line of lines) {
    expect(UNSAFE.test(line)).toBe(false);
    expect(line.length).toBeLessThan(300_000);
    const object = JSON.parse(line) as Record<string, unknown>;
    expect(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).toContain(object.level);
    expect(object.agent).not.toBe('carol-forged');
  }
}

describe.each(VALUES)('D07: %s', (what, value) => {
  it('[X5] [D1] in a tool name, prompt name and resource is one record each, cut, and no answer repeats it whole', async () => {
    const seq = await lastSeq(village);
    const asked: [string, object][] = [
      ['tools/call', { name: value, arguments: {} }],
      ['prompts/get', { name: value }],
      ['resources/read', { uri: `note://${value}` }],
    ];
    for (const [method, params] of asked) {
      const answer = await session.post({ jsonrpc: '2.0', id: 1, method, params });
      expectKnownHeaders(answer);
      expect(messagesOf(answer)[0]?.error).toMatchObject({ code: -32602, data: { reason: 'UNAUTHORIZED_ACCESS' } });
      expect(answer.text.length).toBeLessThan(4_096);
    }
    const denied = await recordsOnceThere(village, seq, 'call_denied', asked.length);
    expect(denied).toHaveLength(asked.length);
    expect(await recordsAfter(village, seq)).toHaveLength(asked.length);
    expect(denied[0]?.tool).toBe(value.slice(0, 1_024));
    if (value.length > 1_024) expect(denied[0]).toHaveProperty('toolDigest');
    expect(denied.every(({ agent }) => agent === 'alice')).toBe(true);
  });

  it('[X5] [D4] in arguments reaches the server as it is, and no log, audit or header', async () => {
    const seq = await lastSeq(village);
    const answer = await session.post({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'up__echo', arguments: { text: `${value} argument-canary` } },
    });
    expectKnownHeaders(answer);
    expect(messagesOf(answer)[0]?.result).toMatchObject({ content: [{ text: `${value} argument-canary` }] });
    const records = await recordsAfter(village, seq);
    expect(records.map(({ kind }) => kind)).toEqual(['call_started', 'call_finished']);
    expect(JSON.stringify(records)).not.toMatch(/argument-canary|carol-forged/);
  });

  it('[X5] in clientInfo, version, method, id, cursor and reasons changes no other record', async () => {
    const seq = await lastSeq(village);
    const clientInfo = { name: value, version: value };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const headers = { ...POST_HEADERS, authorization: `Bearer ${token}` };
    const initialize = { jsonrpc: '2.0', id: 0, method: 'initialize', params };
    expectKnownHeaders(await send(village.url, { headers, body: JSON.stringify(initialize) }));
    for (const message of [
      { jsonrpc: '2.0', id: 1, method: value },
      { jsonrpc: '2.0', id: value, method: 'ping' },
      { jsonrpc: '2.0', id: 2, method: 'tools/list', params: { cursor: value } },
      { jsonrpc: '2.0', id: 3, method: 'logging/setLevel', params: { level: value } },
      { jsonrpc: '2.0', id: 4, method: 'initialize', params: { ...params, protocolVersion: value } },
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: value, reason: value } },
      { jsonrpc: '2.0', method: value },
    ]) {
      const answer = await session.post(message);
      expect(answer.status).toBeLessThan(500);
      expectKnownHeaders(answer);
    }
    expect((await recordsAfter(village, seq)).filter(({ kind }) => kind === 'vote')).toEqual([]);
  });

  it.each([
    'User-Agent',
    'traceparent',
    'baggage',
    'Mcp-Session-Id',
    'MCP-Protocol-Version',
    'Last-Event-ID',
    'X-Request-Id',
    'Accept',
    'Referer',
  ])('[S3] in the header %s adds no header and no line', async (name) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
    const own = name === 'Mcp-Session-Id' ? '' : `Mcp-Session-Id: ${session.id}\r\n`;
    const accept = name === 'Accept' ? '' : 'Accept: application/json, text/event-stream\r\n';
    const head =
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n${own}${accept}` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n${name}: ${value}\r\n\r\n`;
    const { responses, text } = await exchange(village.url, [Buffer.from(head, 'utf8'), body], 300);
    expect(responses.length).toBeGreaterThan(0);
    for (const { status, head: answered } of responses) {
      expect(status).toBeLessThan(500);
      const names = answered
        .split('\r\n')
        .slice(1)
        .map((line) => line.split(':', 1)[0]!);
      expect(names.filter((each) => !HEADERS.has(each))).toEqual([]);
    }
    expect(text).not.toContain('carol-forged');
    if (what === 'a megabyte') expect(responses[0]?.status).toBe(431);
  });
});

it('[X5] [D1] D07: after all that every line of log, stderr and audit is one JSON object without unseen characters', async () => {
  const lines = logLines(village);
  // It was said, and is there: as text of the router's own lines.
  expect(lines.some((line) => line.includes('said by loud'))).toBe(true);
  expect(lines.some((line) => line.includes('carol-forged'))).toBe(true);
  expectCleanLines(lines);
  const stderr = village
    .stderr()
    .split('\n')
    .filter((line) => line !== '');
  expectCleanLines(stderr);
  const { stdout, code } = await village.cli('audit', 'export');
  expect(code).toBe(0);
  const records = stdout.split('\n').filter((line) => line !== '');
  for (const line of records) {
    expect(UNSAFE.test(line)).toBe(false);
    expect(typeof JSON.parse(line).kind).toBe('string');
  }
  expect((await village.cli('audit', 'verify')).stdout).toBe(`${records.length} records verified\n`);
});
