import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import { expect, it } from 'vitest';
import { failureOf, NotSent } from '../../../../shared/client/failure.ts';

const refused = Object.assign(new TypeError('fetch failed'), {
  cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
});
const reset = Object.assign(new TypeError('fetch failed'), {
  cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }),
});
const http = (code: number, reason?: string) =>
  new StreamableHTTPError(
    code,
    `Error POSTing to endpoint: ${reason === undefined ? 'oops' : JSON.stringify({ error: { message: 'no', data: { reason } } })}`,
  );

it.each([
  ['a connection that was refused', refused, 'not_run', 'unreachable', 'CONNECTION_FAILED'],
  ['a transport that is not open', new NotSent(), 'not_run', 'unreachable', 'CONNECTION_FAILED'],
  ['a connection that was reset', reset, 'lost', 'unreachable', 'CONNECTION_LOST'],
  ["a page's error, which says nothing", new TypeError('Failed to fetch'), 'lost', 'unreachable', 'CONNECTION_LOST'],
  ['the end of the connection', new McpError(-32000, 'Connection closed'), 'lost', 'unreachable', 'CONNECTION_LOST'],
  ["a server's own -32000", new McpError(-32000, 'full'), 'answered', undefined, 'UPSTREAM_UNAVAILABLE'],
  ['a time-out here', new McpError(-32001, 'Request timed out', { timeout: 1 }), 'timeout', undefined, 'TIMEOUT'],
  [
    'a refusal of the line',
    new McpError(-32003, 'x', { reason: 'EMERGENCY_STOP' }),
    'answered',
    undefined,
    'EMERGENCY_STOP',
  ],
  ['401', http(401, 'INVALID_API_KEY'), 'not_run', 'token', 'INVALID_API_KEY'],
  ['404', http(404, 'CONNECTION_LOST'), 'not_run', 'session', 'CONNECTION_LOST'],
  ['429', http(429, 'RATE_LIMIT_EXCEEDED'), 'not_run', undefined, 'RATE_LIMIT_EXCEEDED'],
  ['500', http(500), 'lost', undefined, 'CONNECTION_LOST'],
])('[C1] tells what became of a request by %s', (_, error, fate, way, reason) => {
  const failure = failureOf(error);
  expect({ fate: failure.fate, way: failure.way, reason: failure.error.reason }).toEqual({ fate, way, reason });
});
