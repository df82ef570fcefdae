/**
 * Owns where a token may stand in an HTTP request: one Authorization header, scheme Bearer, and nowhere else (no query,
 * cookie or body).
 */
import { refused } from './refusal.ts';

/**
 * The token of a request.
 * @param rawHeaders names and values in turn, as node:http's `rawHeaders`: its `headers` hides a second Authorization
 * @throws AppError UNAUTHENTICATED when there is none, more than one, or another scheme
 */
export function readBearer(rawHeaders: readonly string[]): string {
  let found: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue;
    if (found !== undefined) throw refused('malformed', 'more than one Authorization header');
    found = rawHeaders[i + 1] ?? '';
  }
  if (found === undefined) throw refused('missing', 'no Authorization header');
  const token = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(found)?.[1];
  if (token === undefined) throw refused('malformed', 'the Authorization header is not one Bearer token');
  return token;
}
