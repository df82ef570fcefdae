import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InexactNumberError, parseExact } from '../../../../shared/json/exact.ts';

it.each([
  '9007199254740993',
  '-9007199254740993',
  '0.1000000000000000055511151231257827',
  '1e400',
  '1e-400',
  '123456789012345678901234567890',
  '1.00000000000000001',
])('[G5] refuses %s, which would be checked as another number than is forwarded', (number) => {
  expect(() => parseExact(`{"a":[${number}]}`)).toThrow(InexactNumberError);
});

it.each([
  '0',
  '-0',
  '0.0',
  '0e99',
  '10.0',
  '1e1',
  '1E+30',
  '0.1',
  '9007199254740992',
  '9007199254740994.0',
  '1000000000000000000000000',
  '5e-324',
  '1.7976931348623157e308',
  '0.00000000000000000000000000001',
])('[G5] parses %s as JSON.parse does', (number) => {
  expect(parseExact(number)).toBe(JSON.parse(number));
});

it('[G5] takes every double as ECMAScript prints it', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(parseExact(JSON.stringify([value, 'x'.repeat(20)]))).toEqual(
        JSON.parse(JSON.stringify([value, 'x'.repeat(20)])),
      );
    }),
  );
});

it('[S3] keeps __proto__ a key and strings of digits as they are', () => {
  const value = parseExact('{"__proto__": "12345678901234567890", "n": 1e2}');
  expect(Object.entries(value as object)).toEqual([
    ['__proto__', '12345678901234567890'],
    ['n', 100],
  ]);
  expect(({} as Record<string, unknown>).n).toBeUndefined();
});

it('refuses what is not JSON', () => {
  expect(() => parseExact('{')).toThrow(SyntaxError);
});
