/**
 * The one text of a JSON value (RFC 8785, JCS) and its digest, for what must be recognised again: tool definitions, bound
 * arguments, the matrix. Takes parsed values; whether parsing lost anything is for exact.ts to say.
 */
import { createHash } from 'node:crypto';

/** Deepest nesting that has a canonical text. */
const MAX_DEPTH = 512;

/** Thrown for a value that has no canonical text. The message names kinds and depth, never the value. */
export class CanonicalJsonError extends Error {
  override readonly name = 'CanonicalJsonError';
}

/**
 * The canonical text: no spaces, keys in the order of their UTF-16 units, numbers as ECMAScript prints them.
 * @throws CanonicalJsonError for lone surrogates, numbers that are not finite, and what is not JSON
 */
export function canonical(value: unknown): string {
  return print(value, 0);
}

/** SHA-256 of the canonical text in UTF-8, as 64 lower-case hexadecimal digits. Throws as `canonical` does. */
export function digest(value: unknown): string {
  return createHash('sha256').update(canonical(value), 'utf8').digest('hex');
}

function print(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return printString(value);
    case 'number':
      if (!Number.isFinite(value)) throw new CanonicalJsonError('expected a finite number: JSON has no other');
      return String(value);
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if (depth >= MAX_DEPTH) throw new CanonicalJsonError(`nested deeper than ${MAX_DEPTH}`);
      // Array.from, because map would leave holes out of the check.
      if (Array.isArray(value)) return `[${Array.from(value, (element) => print(element, depth + 1)).join(',')}]`;
      return printObject(value, depth);
    default:
      throw new CanonicalJsonError(`expected a JSON value, got ${typeof value}`);
  }
}

function printObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new CanonicalJsonError('expected a plain object, got an instance of a class');
  }
  // `<` on strings goes by UTF-16 units: what RFC 8785 §3.2.3 asks for.
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${printString(key)}:${print(member, depth + 1)}`).join(',')}}`;
}

function printString(text: string): string {
  if (!text.isWellFormed()) throw new CanonicalJsonError('expected well-formed Unicode, got a lone surrogate');
  return JSON.stringify(text);
}
