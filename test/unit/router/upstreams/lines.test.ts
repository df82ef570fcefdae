import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Lines } from '../../../../router/upstreams/lines.ts';
import { decodeOctets } from '../../../../shared/json/octets.ts';

function collector(maxBytes: number) {
  const seen: string[] = [];
  const lines = new Lines(maxBytes, {
    onLine: (line) => seen.push(decodeOctets(line)),
    onBadLine: () => seen.push('(bad)'),
    onTooLong: (head) => seen.push(`(long ${head.slice(0, 8)})`),
    onTooLongEnd: (tail) => seen.push(`(end ${tail.slice(-4)})`),
    onEndless: () => seen.push('(endless)'),
  });
  return { lines, seen };
}

it('[R6] gives the same lines however the bytes are cut', () => {
  const text = Buffer.from('{"a":"é€😀"}\r\n\n  \n{"b":2}\n{"c":"ü"}\n', 'utf8');
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (sizes) => {
      const { lines, seen } = collector(1000);
      let at = 0;
      for (let i = 0; at < text.length; i++) {
        const size = sizes[i % sizes.length]!;
        lines.push(text.subarray(at, at + size));
        at += size;
      }
      expect(seen).toEqual(['{"a":"é€😀"}\r', '{"b":2}', '{"c":"ü"}']);
    }),
  );
});

it('[S3] skips a line that is not UTF-8 and goes on', () => {
  const { lines, seen } = collector(1000);
  lines.push(Buffer.concat([Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]), Buffer.from('{"ok":1}\n')]));
  expect(seen).toEqual(['(bad)', '{"ok":1}']);
});

it('strips a byte order mark', () => {
  const { lines, seen } = collector(1000);
  lines.push(Buffer.from('\ufeff{"ok":1}\n'));
  expect(seen).toEqual(['{"ok":1}']);
});

it('[R8] skips a line over the limit, telling its head and its tail, and goes on with the next', () => {
  const { lines, seen } = collector(20);
  for (let i = 0; i < 6; i++) lines.push(Buffer.from('0123456789'));
  lines.push(Buffer.from('tail\n{"ok":1}\n'));
  expect(seen).toEqual(['(long 01234567)', '(end tail)', '{"ok":1}']);
});

it('[R8] tells a line that does not end', () => {
  const { lines, seen } = collector(20);
  for (let i = 0; i < 9; i++) lines.push(Buffer.from('0123456789'));
  expect(seen.slice(0, 2)).toEqual(['(long 01234567)', '(endless)']);
});
