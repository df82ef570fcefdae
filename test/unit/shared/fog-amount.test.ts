import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../shared/errors.ts';
import { formatFog, MAX_AMOUNT, parseFog } from '../../../shared/fog-amount.ts';

describe('amounts', () => {
  it.each([
    [1, 1_000_000n],
    [12.5, 12_500_000n],
    ['0.000001', 1n],
    [0.1, 100_000n],
    [1_000_000_000, MAX_AMOUNT],
    ['007', 7_000_000n],
  ])('[F6] reads %j as micro-FOG', (given, micro) => {
    expect(parseFog(given)).toBe(micro);
  });

  it.each([
    0,
    -1,
    -0,
    '',
    '-1',
    '+1',
    '1e3',
    ' 1',
    '0x1',
    '1.',
    '.5',
    '1_0',
    '0.0000001',
    1e-7,
    1e21,
    Number.NaN,
    Infinity,
  ])('[F6] refuses %j with a text that says what is expected', (given) => {
    expect(() => parseFog(given)).toThrow(AppError);
    expect(() => parseFog(given)).toThrow(/amount: expected an amount in FOG above 0/);
  });

  it.each(['1000000000.000001', '9999999999', '99999999999999999999'])('[F6] refuses the huge %s', (given) => {
    expect(() => parseFog(given)).toThrow(/at most 1000000000/);
  });

  it('[F6] writes what it reads', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: MAX_AMOUNT }), (micro) => {
        expect(parseFog(formatFog(micro))).toBe(micro);
        expect(formatFog(-micro)).toBe(`-${formatFog(micro)}`);
      }),
    );
  });
});
