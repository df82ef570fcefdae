import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Canary } from './lib/canary.ts';
import { untilReady } from './lib/faults.ts';
import { SseSession, StdioRouter } from './lib/pipe-client.ts';
import { forgetPeak, peakRssMb, rssMb } from './lib/processes.ts';
import { messagesOf, RawSession } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const LIMIT = 10 * 2 ** 20 - 2 ** 16;
/** What ten times the limit may be, and what V8 leaves lying about. */
const MAX_GROWTH_MB = (10 * LIMIT) / 2 ** 20;

let village: Village;
let session: RawSession;
let ledger: string;
let canary: Canary;

beforeAll(async () => {
  ledger = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'ledger-')), 'ledger');
  village = await Village.start({
    config: {
      mcpServers: { up: fixture('tools.ts', '--ledger', ledger), healthy: fixture('tools.ts') },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [
        { match: 'up/*', level: 'OPERATOR' },
        { match: 'healthy/*', level: 'OPERATOR' },
      ],
    },
  });
  await untilReady(village, 'up', 'healthy');
  session = await RawSession.open(village.url, tokenFor('alice'));
  await session.call('up__echo', { text: 'warm' });
  canary = await Canary.start(village.url, tokenFor('alice'), 'healthy__echo');
});

afterAll(async () => {
  await village.remove();
  fs.rmSync(path.dirname(ledger), { recursive: true, force: true });
});

/** A call of append, as text, with something put in by `put`. */
function append(put: { params?: string; args?: string; meta?: string }): string {
  const args = `{"key":"reached"${put.args ?? ''}}`;
  const meta = put.meta === undefined ? '' : `,"_meta":{"x":${put.meta}}`;
  return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__append","arguments":${args}${meta}${put.params ?? ''}}}`;
}

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

function keys(count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += `,"k${i}":0`;
  return text;
}

function padded(bytes: number): Buffer {
  const [head = '', tail = ''] = append({ args: ',"pad":"@"' }).split('@');
  return Buffer.from(head + 'x'.repeat(bytes - head.length - tail.length) + tail);
}

/** Sends a body in chunks until an answer comes or the connection goes; no Content-Length. */
function stream(chunk: Buffer, maxBytes: number): Promise<{ status: number; text: string; sent: number }> {
  const { hostname, port } = new URL(village.url);
  return new Promise((resolve, reject) => {
    let sent = 0;
    let answered = false;
    const request = http.request({
      hostname,
      port,
      method: 'POST',
      path: '/mcp',
      agent: false,
      headers: session.headers,
    });
    request.on('response', (response) => {
      answered = true;
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('close', () => resolve({ status: response.statusCode ?? 0, text, sent }));
    });
    request.on('error', (error) => {
      if (!answered) reject(error);
    });
    const more = () => {
      while (!answered && !request.destroyed && sent < maxBytes) {
        sent += chunk.length;
        if (!request.write(chunk)) {
          request.once('drain', more);
          return;
        }
      }
      if (!answered && !request.destroyed) request.end();
    };
    more();
  });
}

const DEPTHS = [1_000, 5_000, 100_000, 1_000_000];
const BOMBS: [string, () => string][] = [
  ['a million keys', () => append({ args: keys(1_000_000) })],
  ['so many keys as the limit has room for', () => append({ args: keys(600_000) })],
  ['an array of a million elements', () => append({ args: `,"list":[${'0,'.repeat(999_999)}0]` })],
  ...DEPTHS.map((depth): [string, () => string] => [
    `params nested ${depth} deep`,
    () => append({ params: `,"p":${nested(depth)}` }),
  ]),
  ...DEPTHS.map((depth): [string, () => string] => [
    `arguments nested ${depth} deep`,
    () => append({ args: `,"p":${nested(depth)}` }),
  ]),
  ...DEPTHS.map((depth): [string, () => string] => [
    `_meta nested ${depth} deep`,
    () => append({ meta: nested(depth) }),
  ]),
];

describe('a body that is too much', () => {
  it('[S3] D05: refuses one byte over the limit by its Content-Length, and takes the limit itself', async () => {
    const over = await session.post(padded(LIMIT + 1));
    expect(over.status).toBe(413);
    expect(messagesOf(over)[0]?.error).toMatchObject({
      code: -32600,
      data: { reason: 'MESSAGE_TOO_LARGE', maxBytes: LIMIT },
    });
    const [answer] = messagesOf(await session.post(padded(LIMIT)));
    expect(answer).toMatchObject({ result: {} });
    expect(fs.readFileSync(ledger, 'utf8')).toBe('reached\n');
    fs.rmSync(ledger);
  });

  it('[S3] D05: refuses one byte over the limit in chunks, without a Content-Length', async () => {
    const body = padded(LIMIT + 1);
    const { status, text } = await stream(body, body.length);
    expect(status).toBe(413);
    expect(JSON.parse(text).error.data.reason).toBe('MESSAGE_TOO_LARGE');
  });

  it('[S3] D05: stops reading a body without end soon after the limit', async () => {
    forgetPeak(village.process.pid!);
    const before = rssMb(village.process.pid!);
    const { status, sent } = await stream(Buffer.alloc(1 << 20, 0x78), 1 << 30);
    expect(status).toBe(413);
    // What the sockets of both ends hold comes on top of what was read.
    expect(sent).toBeLessThan(2 * LIMIT);
    expect(peakRssMb(village.process.pid!) - before).toBeLessThan(MAX_GROWTH_MB);
  });

  it.each(BOMBS)('[S3] D05: refuses %s before the call exists', async (_, make) => {
    const body = make();
    forgetPeak(village.process.pid!);
    const before = rssMb(village.process.pid!);
    const answer = await session.post(body);
    expect([400, 413]).toContain(answer.status);
    expect(messagesOf(answer)[0]?.error?.code).toBe(-32600);
    expect(peakRssMb(village.process.pid!) - before).toBeLessThan(MAX_GROWTH_MB);
  });

  it('[S3] D05: refuses the same over /messages, where the answer comes on the stream', async () => {
    const legacy = await SseSession.open(village.url, tokenFor('alice'));
    const over = await legacy.post(padded(LIMIT + 1));
    expect(over.status).toBe(413);
    for (const [, make] of BOMBS) {
      const { status } = await legacy.post(Buffer.from(make()));
      if (status === 413) continue;
      const { error } = await legacy.inbox.answerTo(null);
      expect(error?.code).toBe(-32600);
    }
    legacy.close();
  });

  it('[S3] D05: refuses the same over stdio, and goes on with the next line', async () => {
    const host = await StdioRouter.start(
      { ...village.env, MCP_TOKEN: tokenFor('alice') },
      path.join(village.folder, 'stdio'),
    );
    try {
      const line = (text: string | Buffer) => host.post(Buffer.concat([Buffer.from(text), Buffer.from('\n')]));
      await line(padded(LIMIT + 1));
      expect((await host.inbox.answerTo(null)).error?.data?.reason).toBe('MESSAGE_TOO_LARGE');
      for (const [, make] of BOMBS) {
        await line(make());
        expect((await host.inbox.answerTo(null)).error?.code).toBe(-32600);
      }
      await line('{"jsonrpc":"2.0","id":"after","method":"ping"}');
      expect((await host.inbox.answerTo('after')).result).toEqual({});
    } finally {
      await host.stop();
    }
  });

  it('[S3] D05: ends a stdio session whose line has no end, with its process', async () => {
    const host = await StdioRouter.start(
      { ...village.env, MCP_TOKEN: tokenFor('alice') },
      path.join(village.folder, 'endless'),
    );
    const before = rssMb(host.process.pid!);
    let peak = before;
    const chunk = Buffer.alloc(1 << 20, 0x78);
    while (await host.post(chunk)) peak = Math.max(peak, rssMb(host.process.pid!) || 0);
    expect((await host.inbox.answerTo(null)).error?.data?.reason).toBe('MESSAGE_TOO_LARGE');
    expect(await host.stop()).toBe(0);
    expect(peak - before).toBeLessThan(MAX_GROWTH_MB);
  });

  it('[R6] D05: none of it ran, and other clients were served all the while', async () => {
    const { calls, failures, worstMs, medianMs } = await canary.stop();
    console.log(
      `canary during oversized bodies: ${calls} calls, median ${medianMs.toFixed(1)} ms, worst ${worstMs.toFixed(0)} ms`,
    );
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(20);
    expect(worstMs).toBeLessThan(1_500);
    expect(fs.existsSync(ledger)).toBe(false);
    expect((await village.cli('audit', 'verify')).code).toBe(0);
    expect(
      (await village.audit()).filter(({ tool, kind }) => tool === 'up__append' && kind === 'call_started'),
    ).toHaveLength(1);
  });
});
