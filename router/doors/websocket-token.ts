/**
 * Owns where a token may stand in the request for a WebSocket: the Authorization header, or, for pages, which cannot set it, one
 * more subprotocol `bearer.<token>` beside `mcp`. Never the address: that is what logs, histories and proxies keep.
 */
import { AppError } from '../../shared/errors.ts';
import { readBearer } from '../../shared/identity/bearer.ts';
import { refused } from '../../shared/identity/refusal.ts';

/** What we speak, and the only subprotocol that is ever answered: the other one would give the token back in clear. */
export const SUBPROTOCOL = 'mcp';
const BEARER = 'bearer.';
const NAME = 'sec-websocket-protocol';
const TOKEN = /^[A-Za-z0-9._~+-]+$/;

/**
 * @param rawHeaders names and values in turn, as node:http's `rawHeaders`
 * @throws AppError UNAUTHENTICATED when there is no token, or more than one; INVALID_REQUEST without the subprotocol `mcp`
 */
export function readWebSocketToken(rawHeaders: readonly string[]): string {
  const offered: string[] = [];
  let isInHeader = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (name === 'authorization') isInHeader = true;
    if (name === NAME) offered.push(...(rawHeaders[i + 1] ?? '').split(',').map((item) => item.trim()));
  }
  const tokens = offered.filter((item) => item.startsWith(BEARER)).map((item) => item.slice(BEARER.length));
  if (tokens.length > 1) throw refused('malformed', 'more than one token among the subprotocols');
  if (tokens.length === 1 && isInHeader) throw refused('malformed', 'a token in the header and one as subprotocol');
  if (tokens[0] !== undefined && !TOKEN.test(tokens[0])) throw refused('malformed', 'the subprotocol is no token');
  const token = tokens[0] ?? readBearer(rawHeaders);
  if (!offered.includes(SUBPROTOCOL)) {
    throw new AppError('INVALID_REQUEST', {
      text: `The subprotocol must be "${SUBPROTOCOL}" (Sec-WebSocket-Protocol)`,
    });
  }
  return token;
}
