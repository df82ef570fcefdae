/**
 * The baseline: the least that a router on node:http must do. A token verified once and remembered, a session looked up, the
 * name found, the call relayed to one upstream. No audit, no matrix of substance, no limits: it is measured against, never used.
 */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { BareUpstream } from './bare-upstream.ts';
import { openHttp, openStdio } from './bare-upstream.ts';

/** As JSON in the first argument. */
export interface BareRelayOptions {
  readonly port: number;
  readonly secret: string;
  /** Before each tool's name. */
  readonly prefix: string;
  readonly upstream: { readonly command: string; readonly args: readonly string[] } | { readonly url: string };
}

interface Message {
  readonly id?: number | string;
  readonly method: string;
  readonly params: { readonly name: string; readonly arguments: unknown; readonly protocolVersion: string };
}

interface Claims {
  readonly sub: string;
  readonly exp: number;
}

const options = JSON.parse(process.argv[2]!) as BareRelayOptions;
const remembered = new Map<string, Claims>();
const sessions = new Map<string, string>();
const tools = new Map<string, string>();

const upstream: BareUpstream =
  'url' in options.upstream
    ? openHttp(options.upstream.url)
    : openStdio(options.upstream.command, options.upstream.args);
await upstream.call('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'bare-relay', version: '1.0.0' },
});
const BARE = { name: 'bare-relay', version: '1.0.0' };
const listed = JSON.parse(await upstream.call('tools/list', {})) as { result: { tools: { name: string }[] } };
for (const { name } of listed.result.tools) tools.set(options.prefix + name, name);
const list = JSON.stringify({
  tools: listed.result.tools.map((tool) => ({ ...tool, name: options.prefix + tool.name })),
});

const server = http.createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    handle(request, response, body).catch((error: Error) => refuse(response, 500, error.message));
  });
});
server.listen(options.port, '127.0.0.1');
process.on('disconnect', () => process.exit(0));

async function handle(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
  const caller = callerOf(request.headers.authorization);
  if (caller === undefined) return refuse(response, 401, 'not a token');
  const session = request.headers['mcp-session-id'];
  if (typeof session === 'string' && sessions.get(session) !== caller) return refuse(response, 404, 'no such session');
  if (request.method === 'DELETE') {
    sessions.delete(session as string);
    response.writeHead(200).end();
    return;
  }
  const { id, method, params } = JSON.parse(body.toString()) as Message;
  if (id === undefined) {
    response.writeHead(202).end();
    return;
  }
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)}`;
  switch (method) {
    case 'initialize': {
      const opened = randomUUID();
      sessions.set(opened, caller);
      const result = { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: BARE };
      return answer(response, `${head},"result":${JSON.stringify(result)}}`, { 'Mcp-Session-Id': opened });
    }
    case 'tools/list':
      return answer(response, `${head},"result":${list}}`);
    case 'tools/call': {
      const name = tools.get(params.name);
      if (name === undefined) return refuse(response, 200, 'unknown tool');
      const text = await upstream.call('tools/call', { name, arguments: params.arguments });
      const { result, error } = JSON.parse(text) as { result?: unknown; error?: unknown };
      const member = error === undefined ? `"result":${JSON.stringify(result)}` : `"error":${JSON.stringify(error)}`;
      return answer(response, `${head},${member}}`);
    }
    default:
      return refuse(response, 200, 'unknown method');
  }
}

function answer(response: ServerResponse, text: string, more: Record<string, string> = {}): void {
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), ...more };
  response.writeHead(200, headers).end(text);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  const text = JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32600, message } });
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(text);
}

/** The subject of a bearer token (JWT, HS256), or undefined. */
function callerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  let claims = remembered.get(authorization);
  if (claims === undefined) {
    claims = verify(authorization.slice('Bearer '.length));
    if (claims === undefined) return undefined;
    remembered.set(authorization, claims);
  }
  return claims.exp * 1000 > Date.now() ? claims.sub : undefined;
}

function verify(token: string): Claims | undefined {
  const [head = '', payload = '', signature = ''] = token.split('.');
  const expected = createHmac('sha256', options.secret).update(`${head}.${payload}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
}
