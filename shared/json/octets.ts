/**
 * Messages travel as octet strings: one character per byte of the UTF-8 text (what `latin1` reads and writes). V8 keeps
 * them as one-byte strings, slices them without copying, and node:http writes head and body in one piece; the bytes that
 * came are the bytes that go. Text for people or for JSON.parse must be decoded first.
 */

/** A string whose char codes (0–255) are the bytes of a UTF-8 text. */
export type Octets = string & { readonly octets: unique symbol };

const beyondAscii = /[^\p{ASCII}]/u;

export function toOctets(bytes: Buffer): Octets {
  return bytes.toString('latin1') as Octets;
}

export function encodeOctets(text: string): Octets {
  return (beyondAscii.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text) as Octets;
}

export function decodeOctets(octets: Octets): string {
  return beyondAscii.test(octets) ? Buffer.from(octets, 'latin1').toString('utf8') : octets;
}

/** JSON.parse of octets. The text was scanned before: depth and validity are known. */
export function parseOctets(octets: Octets): unknown {
  return JSON.parse(decodeOctets(octets));
}

export function stringifyOctets(value: unknown): Octets {
  return encodeOctets(JSON.stringify(value));
}
