import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SseParser } from '../../../../../router/upstreams/http/sse-parser.ts';

interface Seen {
  events: [type: string, data: string][];
  oversize: [part: string, ended: boolean][];
  lastEventId: string | undefined;
  retryMs: number | undefined;
}

function parse(chunks: readonly Buffer[], maxBytes = 1_000): Seen {
  const events: [string, string][] = [];
  const oversize: [string, boolean][] = [];
  const parser = new SseParser(maxBytes, {
    onEvent: (type, data) => events.push([type, data.toString('latin1')]),
    onOversize: (part, ended) => oversize.push([part.toString('latin1'), ended]),
  });
  for (const chunk of chunks) parser.push(chunk);
  return { events, oversize, lastEventId: parser.lastEventId, retryMs: parser.retryMs };
}

const text = (stream: string): Buffer[] => [Buffer.from(stream)];
const bytewise = (stream: Buffer): Buffer[] => Array.from(stream, (byte) => Buffer.from([byte]));
const octets = (value: string): string => Buffer.from(value).toString('latin1');

describe('the event stream parser', () => {
  it.each([
    ['LF', 'data: a\n\n', [['message', 'a']]],
    ['CRLF', 'data: a\r\n\r\n', [['message', 'a']]],
    [
      'CR',
      'data: a\r\rdata: b\r\r',
      [
        ['message', 'a'],
        ['message', 'b'],
      ],
    ],
    ['mixed line ends', 'data: a\r\ndata: b\ndata: c\r\r\n', [['message', 'a\nb\nc']]],
    ['no space after the colon', 'data:a\n\n', [['message', 'a']]],
    ['only the first space goes', 'data:  a \n\n', [['message', ' a ']]],
    ['a named event', 'event: endpoint\ndata: /x\n\n', [['endpoint', '/x']]],
    [
      'the name does not last',
      'event: e\ndata: 1\n\ndata: 2\n\n',
      [
        ['e', '1'],
        ['message', '2'],
      ],
    ],
    ['comments only', ': hello\n:\n\n: again\n\n', []],
    ['a comment inside', 'data: a\n: c\ndata: b\n\n', [['message', 'a\nb']]],
    ['a BOM at the start', '\uFEFFdata: a\n\n', [['message', 'a']]],
    ['a BOM later is part of the name', 'data: a\n\n\uFEFFdata: b\n\n', [['message', 'a']]],
    ['a field without colon', 'data\n\n', [['message', '']]],
    ['unknown fields', 'foo: 1\ndat: 2\ndataa: 3\n data: 4\ndata: 5\n\n', [['message', '5']]],
    ['an event that does not end', 'data: a\n\ndata: b\n', [['message', 'a']]],
    ['an event without data', 'event: x\n\n', []],
    ['bytes beyond ASCII', 'data: {"a":"žluťoučký 🐎"}\n\n', [['message', octets('{"a":"žluťoučký 🐎"}')]]],
  ] satisfies [string, string, [string, string][]][])(
    '[P7] reads %s, whole and byte by byte',
    (_name, stream, expected) => {
      expect(parse(text(stream)).events).toEqual(expected);
      expect(parse(bytewise(Buffer.from(stream))).events).toEqual(expected);
    },
  );

  it('[P7] remembers the id of the last whole event and the time to wait', () => {
    expect(parse(text('id: 1\nretry: 250\ndata:\n\nid: 2\ndata: x\n'))).toMatchObject({
      lastEventId: '1',
      retryMs: 250,
    });
    expect(parse(text('id: 7\n\n'))).toMatchObject({ lastEventId: '7', events: [] });
    expect(parse(text('id: 7\n\nid\n\n')).lastEventId).toBeUndefined();
    expect(parse(text('id: 7\n\nid: a\0b\n\n')).lastEventId).toBe('7');
    expect(parse(text(`id: 7\n\nid: ${'x'.repeat(1025)}\n\n`)).lastEventId).toBe('7');
    expect(parse(text('retry: 1e3\n\nretry: -1\n\nretry: 9\n\n')).retryMs).toBe(9);
  });

  it('[P5] keeps bytes that are not UTF-8 as they came', () => {
    const stream = Buffer.concat([Buffer.from('data: '), Buffer.from([0xff, 0xc0, 0x80]), Buffer.from('\n\n')]);
    expect(parse([stream]).events).toEqual([['message', '\xff\xc0\x80']]);
  });

  it('[R8] passes over an event above the limit, shows its ends, and goes on', () => {
    const big = `{"jsonrpc":"2.0","id":5,"result":"${'x'.repeat(2_000)}"}`;
    const stream = Buffer.from(`data: ${big}\n\ndata: next\n\n`);
    for (const chunks of [[stream], bytewise(stream)]) {
      const { events, oversize } = parse(chunks);
      expect(events).toEqual([['message', 'next']]);
      expect(oversize.map(([, ended]) => ended)).toEqual([false, true]);
      expect(oversize[0]?.[0].startsWith('{"jsonrpc":"2.0","id":5,"result":"x')).toBe(true);
      expect(oversize[1]?.[0].endsWith('xxx"}')).toBe(true);
    }
  });

  it('[R8] counts the lines of an event together, and takes exactly the limit', () => {
    const line = `data: ${'y'.repeat(99)}\n`;
    expect(parse(text(`${line.repeat(10)}\n`), 999).events[0]?.[1]).toHaveLength(999);
    expect(parse(text(`${line.repeat(10)}\n`), 998)).toMatchObject({ events: [], oversize: [{}, {}] });
    expect(parse(text(`data: ${'y'.repeat(999)}\n\n`), 999).events).toHaveLength(1);
    expect(parse(text(`data: ${'y'.repeat(1_000)}\n\n`), 999).events).toHaveLength(0);
  });

  it('[R8] holds no more than the limit of a line that does not end', () => {
    const chunk = Buffer.alloc(65_536, 0x61);
    let oversize = 0;
    const parser = new SseParser(1_000_000, { onEvent: () => {}, onOversize: () => oversize++ });
    parser.push(Buffer.from('data: '));
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 4_000; i++) parser.push(chunk);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16_000_000);
    expect(oversize).toBe(1);
  });

  it('reports nothing after it was stopped, also of the same chunk', () => {
    const seen: string[] = [];
    const parser = new SseParser(100, {
      onEvent: (_type, data) => {
        seen.push(data.toString());
        parser.stop();
      },
      onOversize: () => {},
    });
    parser.push(Buffer.from('data: 1\n\ndata: 2\n\n'));
    expect(seen).toEqual(['1']);
  });

  it('[P7] gives the same events however the bytes are split', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'data',
        'data:',
        'data: ',
        'event: ',
        'id: ',
        'retry: ',
        ':',
        ' ',
        '\n',
        '\r',
        '\r\n',
        '\n\n',
        '\uFEFF',
      ),
      fc.constantFrom('12', 'é', '漢', '🐎', '{"a":1}', 'x'.repeat(60), 'z'.repeat(200)),
    );
    const stream = fc.array(piece, { maxLength: 60 }).map((pieces) => Buffer.from(pieces.join('')));
    const cuts = fc.array(fc.nat(400), { maxLength: 30 });
    fc.assert(
      fc.property(stream, cuts, (bytes, at) => {
        const points = [...new Set([0, ...at.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
          (a, b) => a - b,
        );
        const chunks = points.slice(1).map((end, i) => bytes.subarray(points[i], end));
        const whole = parse([bytes], 150);
        const split = parse(chunks, 150);
        const byByte = parse(bytewise(bytes), 150);
        for (const other of [split, byByte]) {
          expect({ ...other, oversize: [] }).toEqual({ ...whole, oversize: [] });
          expect(other.oversize.map(([, ended]) => ended)).toEqual(whole.oversize.map(([, ended]) => ended));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
