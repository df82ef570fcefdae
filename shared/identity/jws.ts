/**
 * Owns the shape of a compact JWS before any key is looked at: three canonical base64url parts, a header that chooses among
 * our algorithms and brings no key of its own (RFC 8725 §3.1, §3.10), and a payload that reads one way only.
 */
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { toOctets } from '../json/octets.ts';
import { JsonScanError, scanObject } from '../json/scan.ts';
import { refused } from './refusal.ts';

/** Characters of the longest token that is looked at. */
export const MAX_TOKEN_LENGTH = 8_192;

const LIMITS = { maxDepth: 8, maxValues: 1_024, maxKeys: 1_024, uniqueKeys: true } as const;

/** Header parameters by which a token would choose or bring its own key, or change what is signed. */
const FORBIDDEN = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64', 'zip', 'enc'] as const;

const headerSchema = z.object({
  alg: z.string().max(16),
  typ: z
    .string()
    .regex(/^(application\/)?(at\+)?jwt$/i)
    .optional(),
  kid: z.string().max(256).optional(),
});

export interface JwsHeader {
  readonly alg: string;
  readonly kid: string | undefined;
}

/**
 * The header of a token whose form is right. Nothing is verified yet.
 * @throws AppError UNAUTHENTICATED
 */
export function readHeader(token: string): JwsHeader {
  if (token.length > MAX_TOKEN_LENGTH) throw refused('too_long', `longer than ${MAX_TOKEN_LENGTH} characters`);
  const parts = token.split('.', 4);
  if (parts.length !== 3) throw refused('malformed', 'expected three parts');
  for (const part of parts) {
    if (!isCanonical(part)) throw refused('malformed', 'a part is empty or not canonical base64url');
  }
  const header = parseOnce(Buffer.from(parts[0]!, 'base64url'), 'header');
  const forbidden = FORBIDDEN.find((name) => Object.hasOwn(header, name));
  if (forbidden !== undefined) throw refused('header', `the header holds ${forbidden}`);
  const { data } = headerSchema.safeParse(header);
  if (data === undefined) throw refused('header', 'alg, typ or kid is not what it must be');
  return { alg: data.alg, kid: data.kid };
}

/**
 * A JSON object that has one meaning: valid UTF-8, no name twice at any depth, bounded.
 * @throws AppError UNAUTHENTICATED
 */
export function parseOnce(bytes: Uint8Array, what: 'header' | 'payload'): object {
  if (!isUtf8(bytes)) throw refused('malformed', `the ${what} is not UTF-8`);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    scanObject(toOctets(buffer), LIMITS);
  } catch (error) {
    const why = error instanceof JsonScanError ? error.kind : 'syntax';
    throw refused('malformed', `the ${what} is refused by the JSON scanner: ${why}`);
  }
  return JSON.parse(buffer.toString('utf8')) as object;
}

/** One spelling for one value: jose takes several of the last character. */
function isCanonical(part: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(part) && Buffer.from(part, 'base64url').toString('base64url') === part;
}
