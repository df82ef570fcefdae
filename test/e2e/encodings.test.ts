import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { untilReady } from './lib/faults.ts';
import { SseSession, StdioRouter } from './lib/pipe-client.ts';
import { forgetPeak, peakRssMb, rssMb } from './lib/processes.ts';
import { messagesOf, RawSession, textOf } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

let village: Village;
let session: RawSession;
let folder: string;
let ledger: string;
let garbage: Started & { url: URL };

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'encodings-'));
  ledger = path.join(folder, 'ledger');
  garbage = await startHttpFixture('garbage.ts');
  village = await Village.start({
    config: {
      mcpServers: {
        up: fixture('tools.ts', '--ledger', ledger),
        pipe: fixture('garbage.ts'),
        web: { url: garbage.url.href, type: 'http', allowPrivateAddress: true, timeoutMs: 2_000 },
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: ['up', 'pipe', 'web'].map((id) => ({ match: `${id}/*`, level: 'OPERATOR' })),
    },
  });
  await untilReady(village, 'up', 'pipe', 'web');
  session = await RawSession.open(village.url, tokenFor('alice'));
});

afterAll(async () => {
  await village.remove();
  await garbage.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** A call of append whose key holds these bytes. */
function append(bytes: Buffer): Buffer {
  const [head = '', tail = ''] =
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__append","arguments":{"key":"@"}}}'.split('@');
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from(tail)]);
}

const GOOD = append(Buffer.from('x'));
const NOT_UTF8: [string, Buffer][] = [
  ['a lone FF', append(Buffer.of(0xff))],
  ['a lone FE', append(Buffer.of(0xfe))],
  ['an overlong NUL', append(Buffer.of(0xc0, 0x80))],
  ['an overlong slash in three bytes', append(Buffer.of(0xe0, 0x80, 0xaf))],
  ['a truncated sequence', append(Buffer.of(0xe2, 0x82))],
  ['a continuation byte alone', append(Buffer.of(0x80))],
  ['a surrogate in three bytes', append(Buffer.of(0xed, 0xa0, 0x80))],
  ['a code point beyond Unicode', append(Buffer.of(0xf4, 0x90, 0x80, 0x80))],
];
const NOT_JSON: [string, Buffer][] = [
  ['a byte order mark', Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), GOOD])],
  ['UTF-16 with its mark', Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(GOOD.toString(), 'utf16le')])],
  ['UTF-16 without a mark', Buffer.from(GOOD.toString(), 'utf16le')],
  ['nothing', Buffer.alloc(0)],
];

const BOMB = Buffer.alloc(64 << 20, 0x20);
const ENCODED: [string, string, () => Buffer][] = [
  ['gzip', 'gzip', () => zlib.gzipSync(BOMB)],
  ['a small gzip', 'gzip', () => zlib.gzipSync(GOOD)],
  ['br', 'br', () => zlib.brotliCompressSync(BOMB, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } })],
  ['deflate', 'deflate', () => zlib.deflateSync(BOMB)],
  ['zstd', 'zstd', () => zlib.zstdCompressSync(BOMB)],
  ['gzip twice', 'gzip, gzip', () => zlib.gzipSync(zlib.gzipSync(BOMB))],
  ['an unknown one', 'snappy', () => GOOD],
  ['identity beside another', 'identity, gzip', () => zlib.gzipSync(GOOD)],
  ['an empty name', '', () => GOOD],
];

describe('bytes of a client that are no UTF-8 or no JSON', () => {
  it.each([...NOT_UTF8, ...NOT_JSON])('[S3] D06: refuses %s', async (_, body) => {
    const answer = await session.post(body);
    expect(answer.status).toBe(400);
    expect(messagesOf(answer)[0]).toMatchObject({
      id: null,
      error: { code: -32700, data: { reason: 'INVALID_MESSAGE_FORMAT' } },
    });
  });

  it.each(ENCODED)('[S3] D06: refuses a body in %s and does not unfold it', async (_, encoding, make) => {
    const body = make();
    forgetPeak(village.process.pid!);
    const before = rssMb(village.process.pid!);
    const since = performance.now();
    const answer = await session.post(body, { 'content-encoding': encoding });
    expect(answer.status).toBe(415);
    expect(messagesOf(answer)[0]?.error?.code).toBe(-32600);
    expect(performance.now() - since).toBeLessThan(1_000);
    expect(peakRssMb(village.process.pid!) - before).toBeLessThan(64);
  });

  it('[S3] D06: refuses an encoding that stands twice', async () => {
    const { status } = await session.post(GOOD, { 'Content-Encoding': 'identity', 'content-encoding': 'gzip' });
    expect([400, 415]).toContain(status);
  });

  it('[S3] D06: takes identity, and text beyond ASCII as it is', async () => {
    const message = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'up__echo', arguments: { text: 'žluťoučký 🐎 \u2028' } },
    };
    const [answer] = messagesOf(await session.post(message, { 'content-encoding': 'identity' }));
    expect(textOf(answer!)).toBe('žluťoučký 🐎 \u2028');
  });

  it('[S3] D06: refuses the same over /messages', async () => {
    const legacy = await SseSession.open(village.url, tokenFor('alice'));
    for (const [, body] of [...NOT_UTF8, ...NOT_JSON]) {
      const { status } = await legacy.post(body);
      if (status === 400) continue;
      expect(status).toBe(202);
      expect((await legacy.inbox.answerTo(null)).error?.code).toBe(-32700);
    }
    for (const [, encoding, make] of ENCODED) {
      expect((await legacy.post(make(), { 'content-encoding': encoding })).status).toBe(415);
    }
    legacy.close();
  });

  it('[S3] D06: refuses the same over stdio, and goes on with the next line', async () => {
    const host = await StdioRouter.start({ ...village.env, MCP_TOKEN: tokenFor('alice') }, path.join(folder, 'stdio'));
    try {
      for (const [, body] of [...NOT_UTF8, ...NOT_JSON.slice(1, 3), ['gzip', zlib.gzipSync(GOOD)] as const]) {
        await host.post(Buffer.concat([body, Buffer.from('\n')]));
        expect((await host.inbox.answerTo(null)).error?.code).toBe(-32700);
      }
      // What is left of UTF-16 and gzip may have made lines of its own.
      await host.post({ jsonrpc: '2.0', id: 'after', method: 'ping' });
      expect((await host.inbox.answerTo('after')).result).toEqual({});
    } finally {
      await host.stop();
    }
  });

  it('[S3] D06: nothing of it reached the server', async () => {
    expect(fs.existsSync(ledger)).toBe(false);
    expect((await village.audit()).filter(({ tool }) => tool === 'up__append')).toEqual([]);
  });
});

describe('bytes of a server that are no UTF-8, or compressed', () => {
  it.each([
    ['gzip', 'UPSTREAM_UNAVAILABLE'],
    ['gzip-bomb', 'UPSTREAM_UNAVAILABLE'],
  ])('[S3] D06: refuses an answer over HTTP in mode %s without unfolding it', async (mode, reason) => {
    forgetPeak(village.process.pid!);
    const before = rssMb(village.process.pid!);
    const { error } = await session.call('web__garbage', { mode });
    expect(error?.data?.reason).toBe(reason);
    expect(error?.message).toContain('compressed');
    expect(peakRssMb(village.process.pid!) - before).toBeLessThan(64);
  });

  it.each(['binary', 'invalid-utf8', 'bom'])(
    '[S3] D06: skips lines of a pipe in mode %s and finds the answer',
    async (mode) => {
      expect(textOf(await session.call('pipe__garbage', { mode }))).toBe('right');
    },
  );
});
