import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeOctets, encodeOctets, type Octets } from '../../../../shared/json/octets.ts';
import { JsonScanError, RELAY_LIMITS, STRICT_LIMITS, scanArray, scanObject } from '../../../../shared/json/scan.ts';

const octets = encodeOctets;

function kindOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof JsonScanError) return error.kind;
    throw error;
  }
  return 'accepted';
}

describe('the scanner against JSON.parse', () => {
  it('[S3] accepts what JSON.parse accepts and finds every member where it stands', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()),
        fc.integer({ min: 0, max: 3 }),
        (value, indent) => {
          const text = octets(JSON.stringify(value, null, indent));
          const members = scanObject(text, STRICT_LIMITS);
          const found = Object.fromEntries(
            members.map(({ key, start, end }) => [
              decodeOctets(key as Octets),
              JSON.parse(decodeOctets(text.slice(start, end) as Octets)),
            ]),
          );
          expect(found).toEqual(JSON.parse(JSON.stringify(value)));
        },
      ),
    );
  });

  it('[S3] decides like JSON.parse on damaged text', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.nat(),
        fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '\\', '0', 'e', '-', '.', '\n', 'x'),
        (value, at, change) => {
          const whole = JSON.stringify({ a: value, b: [value] });
          const i = at % whole.length;
          const text = whole.slice(0, i) + change + whole.slice(i + 1);
          let parsed: unknown;
          try {
            parsed = JSON.parse(text);
          } catch {
            parsed = undefined;
          }
          const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
          expect(kindOf(() => scanObject(octets(text), RELAY_LIMITS)) === 'accepted').toBe(isObject);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['{"a":01}'],
    ['{"a":+1}'],
    ['{"a":1.}'],
    ['{"a":.5}'],
    ['{"a":1e}'],
    ['{"a":NaN}'],
    ['{"a":"\\x41"}'],
    ['{"a":"\\u12g4"}'],
    ['{"a":"\t"}'],
    ['{"a":1,}'],
    ['{,}'],
    ['{"a" 1}'],
    ["{'a':1}"],
    ['{"a":1}}'],
    ['{"a":1'],
    ['{"a":tru}'],
    [''],
    ['[]'],
    ['\u00a0{}'],
  ])('[S3] refuses %j', (text) => {
    expect(kindOf(() => scanObject(octets(text), STRICT_LIMITS))).toBe('syntax');
  });
});

describe('its limits', () => {
  it('[S3] refuses a duplicate key at any depth, also one spelled with escapes', () => {
    expect(kindOf(() => scanObject(octets('{"a":1,"a":2}'), STRICT_LIMITS))).toBe('duplicate');
    expect(kindOf(() => scanObject(octets('{"p":[{"name":1,"na\\u006de":2}]}'), STRICT_LIMITS))).toBe('duplicate');
    expect(kindOf(() => scanObject(octets('{"é":1,"\\u00e9":2}'), STRICT_LIMITS))).toBe('duplicate');
    const many = Array.from({ length: 40 }, (_, i) => `"k${i}":0`).join(',');
    expect(kindOf(() => scanObject(octets(`{${many},"k3":1}`), STRICT_LIMITS))).toBe('duplicate');
    expect(kindOf(() => scanObject(octets('{"a":1,"a":2}'), RELAY_LIMITS))).toBe('accepted');
  });

  it('[S3] refuses nesting beyond the limit without overflowing the stack', () => {
    for (const depth of [1_000, 100_000, 1_000_000]) {
      expect(kindOf(() => scanObject(octets(`{"a":${'['.repeat(depth)}`), STRICT_LIMITS))).toBe('limit');
      expect(kindOf(() => scanObject(octets(`{"a":${'{"a":'.repeat(depth)}`), RELAY_LIMITS))).toBe('limit');
    }
  });

  it('[S3] refuses more values than the limit', () => {
    const text = octets(`{"a":[${'1,'.repeat(STRICT_LIMITS.maxValues)}1]}`);
    expect(kindOf(() => scanObject(text, STRICT_LIMITS))).toBe('limit');
  });
});

it('lists the members of objects that it is told to open', () => {
  const text = octets('{"params":{"_meta":{"progressToken":7},"name":"x"},"_meta":{"b":1}}');
  const [params] = scanObject(text, STRICT_LIMITS, [{ key: 'params', open: [{ key: '_meta', open: [] }] }]);
  const meta = params?.members?.find(({ key }) => key === '_meta');
  const token = meta?.members?.[0];
  expect(token && text.slice(token.start, token.end)).toBe('7');
});

it('is not fooled by keys of Object.prototype', () => {
  const members = scanObject(octets('{"__proto__":{"x":1},"constructor":2,"hasOwnProperty":3}'), STRICT_LIMITS, [
    { key: 'params', open: [] },
  ]);
  expect(members.map(({ key }) => key)).toEqual(['__proto__', 'constructor', 'hasOwnProperty']);
});

it('lists the elements of an array', () => {
  const text = octets(' [1, {"a":[2]} ,"]"] ');
  expect(scanArray(text, STRICT_LIMITS).map(({ start, end }) => text.slice(start, end))).toEqual([
    '1',
    '{"a":[2]}',
    '"]"',
  ]);
});
