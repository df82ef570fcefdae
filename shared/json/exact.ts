/**
 * Parses JSON whose numbers must mean the same to every reader: one that changes by parsing (9007199254740993) is refused,
 * because what was checked would not be what is forwarded (RFC 7493 §2.2). Depth and duplicate keys are the scanner's.
 */

/** Thrown when a number does not survive parsing. The message holds no value. */
export class InexactNumberError extends Error {
  override readonly name = 'InexactNumberError';
  constructor() {
    super('a number has more digits than a double keeps; send it as a string, or rounded');
  }
}

/** Up to 15 significant digits and no exponent always survive; only other texts are looked at number by number. */
const mayLose = /[\d.]{16}|\d[eE]/;

/**
 * @throws InexactNumberError when a number changes by parsing
 * @throws SyntaxError when the text is not JSON
 */
export function parseExact(text: string): unknown {
  if (!mayLose.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number') return value;
    if (context?.source === undefined || decimal(context.source) !== decimal(String(value))) {
      throw new InexactNumberError();
    }
    return value;
  });
}

const parts = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** A decimal number as its significant digits and its power of ten, so that `10.0` and `1e1` compare equal. */
function decimal(source: string): string | undefined {
  const match = parts.exec(source);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const digits = trimZeros(whole + fraction, 'start');
  if (digits === '') return '0';
  const significant = trimZeros(digits, 'end');
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${significant}e${power}`;
}

function trimZeros(digits: string, side: 'start' | 'end'): string {
  let start = 0;
  let end = digits.length;
  if (side === 'start') while (start < end && digits[start] === '0') start++;
  else while (end > start && digits[end - 1] === '0') end--;
  return digits.slice(start, end);
}
