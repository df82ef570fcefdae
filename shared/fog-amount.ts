/** Owns amounts of money: whole micro-FOG as bigint, read from and written as FOG in decimals. No other unit, never a float. */
import { AppError } from './errors.ts';

/** Micro-FOG; 1 FOG = 1,000,000. */
export type Micro = bigint;

const MICRO_PER_FOG = 1_000_000n;
/** The most that one posting may move: 1,000,000,000 FOG. */
export const MAX_AMOUNT: Micro = 1_000_000_000n * MICRO_PER_FOG;
/** All money that may ever be issued: so that every balance is exact in a 64-bit column and in JSON numbers of micro-FOG. */
export const MAX_SUPPLY: Micro = 9_000_000_000n * MICRO_PER_FOG;

const DECIMALS = /^(\d{1,10})(?:\.(\d{1,6}))?$/;
const EXPECTED =
  'expected an amount in FOG above 0 and at most 1000000000, with at most 6 decimals, such as 12.5 or "0.000001"';

/**
 * @param given FOG as a number or as a text in decimals; a number counts as the shortest decimal that means it
 * @param least 1 micro-FOG unless given; 0n lets nothing pass as an amount
 * @throws AppError INVALID_PARAMS
 */
export function parseFog(given: number | string, what = 'amount', least: Micro = 1n): Micro {
  const matched = DECIMALS.exec(String(given));
  if (matched === null) throw new AppError('INVALID_PARAMS', { text: `${what}: ${EXPECTED}` });
  const micro = BigInt(matched[1]!) * MICRO_PER_FOG + BigInt((matched[2] ?? '').padEnd(6, '0'));
  if (micro < least || micro > MAX_AMOUNT) throw new AppError('INVALID_PARAMS', { text: `${what}: ${EXPECTED}` });
  return micro;
}

/** FOG in decimals, exactly: `-0.5`, `12`, `0.000001`. */
export function formatFog(micro: Micro): string {
  const size = micro < 0n ? -micro : micro;
  const rest = String(size % MICRO_PER_FOG)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return `${micro < 0n ? '-' : ''}${size / MICRO_PER_FOG}${rest === '' ? '' : `.${rest}`}`;
}
