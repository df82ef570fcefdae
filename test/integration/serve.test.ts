/** One server of ours alone: who may call it, over which transport, and how sessions begin and end (P1, A6, A7). */
import { once } from 'node:events';
import fs from 'node:fs';
import { request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { LEVELS } from '../../shared/identity/levels.ts';
import { defineResource } from '../../shared/resource.ts';
import { type ServeOptions, type Serving, serve } from '../../shared/serve.ts';
import { defineTool } from '../../shared/tool.ts';
import type { VillageServer } from '../../shared/village-server.ts';
import { silent } from '../contract/ways.ts';
import { testAuthorize, testIdentity } from '../fixtures/lib/identity.ts';
import { Pipe, type Started, startFixture } from '../fixtures/lib/start.ts';

const running: { close(): Promise<unknown> }[] = [];
const processes: Started[] = [];
const folders: string[] = [];

/** Of a server that has a process to itself. */
function ownFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'serve-'));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.close();
  for (const one of processes.splice(0)) await one.stop();
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

/** A server of one tool, `whoami`, and one resource that changes when `change` is called. */
function village(): VillageServer & { change(): void; watchers: Set<() => void> } {
  const watchers = new Set<() => void>();
  const whoami = defineTool({
    name: 'whoami',
    title: 'Who am I',
    description: 'Says who the server takes the caller for.',
    input: z.strictObject({}),
    output: z.object({ agent_id: z.string().max(64), level: z.int().min(1).max(5) }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async (_, { caller }) => ({ agent_id: caller.agentId, level: caller.level }),
  });
  const state = defineResource({
    uri: 'test://state',
    name: 'state',
    title: 'State',
    description: 'The state',
    mimeType: 'application/json',
    read: async () => ({ json: { ok: true } }),
    watch(onUpdate) {
      watchers.add(onUpdate);
      return () => watchers.delete(onUpdate);
    },
  });
  return {
    id: 'test',
    title: 'Test',
    version: '1.0.0',
    instructions: 'For tests.',
    tools: [whoami],
    resources: [state],
    prompts: [],
    watchers,
    change() {
      for (const onUpdate of watchers) onUpdate();
    },
    async close() {},
  };
}

async function serveHttp(options: Partial<ServeOptions> = {}, server = village()): Promise<Serving> {
  const serving = await serve({
    id: 'test',
    createServer: () => server,
    io: { kind: 'http', port: 0 },
    identity: testIdentity,
    authorize: testAuthorize,
    isBehindRouter: false,
    log: silent,
    ...options,
  });
  running.push(serving);
  return serving;
}

async function connect(url: string, bearer: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${bearer}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  running.push(client);
  return client;
}

const whoami = async (client: Client) => (await client.callTool({ name: 'whoami' })).structuredContent;

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
};

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** By node:http, because fetch sets Host and Origin itself. */
async function post(url: string, headers: Record<string, string | string[]>, body: string | Buffer): Promise<Answer> {
  const sent = request(url, {
    method: 'POST',
    headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json', ...headers },
  });
  sent.end(body);
  const [response] = await once(sent, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

const KING = { authorization: 'Bearer token-king' };

describe('over HTTP without the router', () => {
  it.each([
    ['no Authorization', {}],
    ['another scheme', { authorization: 'Basic token-king' }],
    ['a wrong token', { authorization: 'Bearer nonsense' }],
    ['an assertion', { authorization: 'Bearer assertion-king' }],
    ['two headers', { authorization: ['Bearer token-king', 'Bearer token-king'] }],
    ['two joined', { authorization: 'Bearer token-king, Bearer token-king' }],
  ])('[A7] refuses %s with 401 on every path', async (_, headers) => {
    const { url } = await serveHttp();
    for (const path of ['/mcp', '/sse', '/messages', '/metrics', '/other', '//mcp', '/mcp?access_token=token-king']) {
      const answer = await post(new URL(url!).origin + path, headers, JSON.stringify(INITIALIZE));
      expect([path, answer.status]).toEqual([path, 401]);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(JSON.parse(answer.body).error.data).toEqual({ reason: 'INVALID_API_KEY' });
    }
  });

  it('[A7] takes the caller from the token, call by call', async () => {
    const { url } = await serveHttp();
    expect(await whoami(await connect(url!, 'token-king'))).toEqual({ agent_id: 'king', level: LEVELS.EMERGENCY });
    expect(await whoami(await connect(url!, 'token-magi'))).toEqual({ agent_id: 'magi', level: LEVELS.OPERATOR });
  });

  it("[A7] answers another caller's session like an unknown one, and the owner does not notice", async () => {
    const { url } = await serveHttp();
    const opened = await post(url!, KING, JSON.stringify(INITIALIZE));
    const id = String(opened.headers['mcp-session-id']);
    const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    const foreign = await post(url!, { authorization: 'Bearer token-magi', 'mcp-session-id': id }, list);
    const unknown = await post(url!, { authorization: 'Bearer token-magi', 'mcp-session-id': 'x'.repeat(32) }, list);
    expect([foreign.status, foreign.body]).toEqual([404, unknown.body]);
    expect((await post(url!, { ...KING, 'mcp-session-id': id }, list)).body).toContain('whoami');
  });

  it.each([
    ['a foreign Host', { host: 'evil.example' }, 403],
    ['a Host that only begins like ours', { host: '127.0.0.1.evil.example' }, 403],
    ['a foreign Origin', { origin: 'http://evil.example' }, 403],
    ['the Origin null', { origin: 'null' }, 403],
    ['a text body', { 'content-type': 'text/plain' }, 415],
    ['a compressed body', { 'content-encoding': 'gzip' }, 415],
    ['a local Origin', { origin: 'http://localhost:6274' }, 200],
  ])('[S7] answers %s by its status', async (_, headers, status) => {
    const { url } = await serveHttp();
    expect((await post(url!, { ...KING, ...headers }, JSON.stringify(INITIALIZE))).status).toBe(status);
  });

  it.each([
    ['invalid UTF-8', Buffer.from('7b22fffe223a317d', 'hex'), 400, -32700],
    ['a BOM', Buffer.from(`\uFEFF${JSON.stringify(INITIALIZE)}`), 400, -32700],
    ['half a message', '{"jsonrpc":"2.0","id":1', 400, -32700],
    ['a key twice', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', 400, -32600],
    ['a depth of 1,000', `{"a":${'['.repeat(1_000)}${']'.repeat(1_000)}}`, 400, -32600],
    ['a batch', JSON.stringify([INITIALIZE]), 400, -32600],
    ['a call without a session', '{"jsonrpc":"2.0","id":1,"method":"tools/list"}', 400, -32600],
    ['more than the limit', JSON.stringify({ ...INITIALIZE, pad: 'x'.repeat(5_000) }), 413, -32600],
  ])('[S3] refuses %s', async (_, body, status, code) => {
    const { url } = await serveHttp({ io: { kind: 'http', port: 0, maxBodyBytes: 4_000 } });
    const answer = await post(url!, KING, body);
    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([status, code]);
  });

  it('[P10] takes a batch on a session of 2025-03-26 and on no other', async () => {
    const { url } = await serveHttp();
    const batch = JSON.stringify([{ jsonrpc: '2.0', id: 2, method: 'ping' }]);
    const statusAt = async (protocolVersion: string) => {
      const params = { ...INITIALIZE.params, protocolVersion };
      const opened = await post(url!, KING, JSON.stringify({ ...INITIALIZE, params }));
      const id = String(opened.headers['mcp-session-id']);
      return (await post(url!, { ...KING, 'mcp-session-id': id, 'mcp-protocol-version': protocolVersion }, batch))
        .status;
    };
    expect(await statusAt('2025-03-26')).toBe(200);
    expect(await statusAt('2025-06-18')).toBe(400);
  });

  it('[P1] ends a session that nobody uses, and none that has a stream open', async () => {
    const server = village();
    const { url } = await serveHttp({ io: { kind: 'http', port: 0, idleSessionMs: 100 } }, server);
    const listening = await connect(url!, 'token-king'); // holds its GET stream
    const id = String((await post(url!, KING, JSON.stringify(INITIALIZE))).headers['mcp-session-id']);
    const ping = () => post(url!, { ...KING, 'mcp-session-id': id }, '{"jsonrpc":"2.0","id":2,"method":"ping"}');
    expect((await ping()).status).toBe(200);
    // Each question is a use, so the questions must come more slowly than the idle time.
    await expect.poll(async () => (await ping()).status, { interval: 400, timeout: 10_000 }).toBe(404);
    expect(await whoami(listening)).toMatchObject({ agent_id: 'king' });
  });

  it('[P1] holds only so many sessions', async () => {
    const { url } = await serveHttp({ io: { kind: 'http', port: 0, maxSessions: 1 } });
    expect((await post(url!, KING, JSON.stringify(INITIALIZE))).status).toBe(200);
    expect((await post(url!, KING, JSON.stringify(INITIALIZE))).status).toBe(429);
  });

  it('[P3] tells the sessions that subscribed of an update, until they end', async () => {
    const server = village();
    const { url } = await serveHttp({}, server);
    const client = await connect(url!, 'token-king');
    const updated: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      updated.push(params.uri);
    });
    await client.subscribeResource({ uri: 'test://state' });
    await client.subscribeResource({ uri: 'test://state' });
    expect(server.watchers.size).toBe(1);
    server.change();
    await expect.poll(() => updated).toEqual(['test://state']);
    await (client.transport as StreamableHTTPClientTransport).terminateSession();
    expect(server.watchers.size).toBe(0);
  });
});

describe('behind the router', () => {
  it('[A6] over HTTP takes the assertion of each request, and no token', async () => {
    const { url } = await serveHttp({ isBehindRouter: true });
    expect(await whoami(await connect(url!, 'assertion-magi'))).toEqual({ agent_id: 'magi', level: 2 });
    expect((await post(url!, KING, JSON.stringify(INITIALIZE))).status).toBe(401);
  });

  it('[A6] over HTTP one session serves many callers', async () => {
    const { url } = await serveHttp({ isBehindRouter: true });
    const as = (name: string) => ({ authorization: `Bearer assertion-${name}` });
    const opened = await post(url!, as('king'), JSON.stringify(INITIALIZE));
    const id = String(opened.headers['mcp-session-id']);
    const call = '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"whoami"}}';
    expect((await post(url!, { ...as('magi'), 'mcp-session-id': id }, call)).body).toContain('"agent_id":"magi"');
    expect((await post(url!, { ...as('king'), 'mcp-session-id': id }, call)).body).toContain('"agent_id":"king"');
  });

  it('[A6] over stdio refuses a call without a valid assertion, lists without one, and applies the matrix again', async () => {
    const started = startFixture('serve-one.ts', ['monitoring', '--behind-router', '--data-dir', ownFolder()]);
    processes.push(started);
    const pipe = new Pipe(started);
    await pipe.initialize();
    const answer = async () => JSON.parse((await pipe.line()).toString());
    pipe.send({ jsonrpc: '2.0', id: 9, method: 'tools/list' });
    expect((await answer()).result.tools[0].name).toBe('system_performance');
    pipe.call('system_performance', { metrics: ['memory'] });
    expect((await answer()).error).toMatchObject({ code: -32011, data: { reason: 'INVALID_API_KEY' } });
    const assert = (jwt: string) => ({ 'io.aivillage/assertion': jwt });
    pipe.call('system_performance', { metrics: ['memory'] }, assert('token-king'));
    expect((await answer()).error.code).toBe(-32011);
    pipe.call('system_performance', { metrics: ['memory'] }, assert('assertion-dave'));
    expect((await answer()).error).toMatchObject({ code: -32602, message: 'Unknown tool: system_performance' });
    pipe.call('system_performance', { metrics: ['memory'] }, assert('assertion-magi'));
    expect((await answer()).result.structuredContent.current.memory.total_bytes).toBeGreaterThan(0);
  });
});

describe('over stdio without the router', () => {
  async function overPipes(token?: string) {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const serving = await serve({
      id: 'test',
      createServer: village,
      io: { kind: 'stdio', stdin, stdout },
      identity: testIdentity,
      authorize: testAuthorize,
      isBehindRouter: false,
      token,
      log: silent,
    });
    return { serving, stdin, stdout };
  }

  it.each([
    [undefined, 'local', LEVELS.OPERATOR],
    ['token-king', 'king', LEVELS.EMERGENCY],
  ])('[A7] with the token %s the caller is %s', async (token, agent_id, level) => {
    const { stdin, stdout, serving } = await overPipes(token);
    stdin.write(`${JSON.stringify(INITIALIZE)}\n`);
    await once(stdout, 'data');
    stdin.write('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"whoami"}}\n');
    const [line] = await once(stdout, 'data');
    expect(JSON.parse(line).result.structuredContent).toEqual({ agent_id, level });
    stdin.end();
    await serving.closed;
  });

  it('[A7] does not start with a token that proves nobody', async () => {
    await expect(overPipes('nonsense')).rejects.toMatchObject({ kind: 'UNAUTHENTICATED' });
  });

  it('[P1] answers initialize soon after its start, because nothing heavy is loaded for it', async () => {
    const begun = performance.now();
    const started = startFixture('serve-one.ts', ['monitoring', '--data-dir', ownFolder()]);
    processes.push(started);
    await new Pipe(started).initialize();
    expect(performance.now() - begun).toBeLessThan(2_000); // 0.2 s where nothing else runs
  });

  it('[P1] ends as a process when its input ends', async () => {
    const started = startFixture('serve-one.ts', ['monitoring', '--data-dir', ownFolder()]);
    processes.push(started);
    const pipe = new Pipe(started);
    await pipe.initialize();
    pipe.call('system_performance', { metrics: ['cpu'] }); // the sampler runs
    await pipe.line();
    const gone = once(started.process, 'exit');
    started.process.stdin.end();
    expect(await gone).toEqual([0, null]);
  });
});

describe('metrics', () => {
  it('[O6] a server alone over HTTP tells them to whom the matrix lets, and to nobody without a token', async () => {
    const serving = await serveHttp();
    await whoami(await connect(serving.url!, 'token-king'));
    const url = new URL('/metrics', serving.url);
    const ask = (token?: string) =>
      fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
    expect((await ask()).status).toBe(401);
    expect((await ask('token-dave')).status).toBe(400);
    const text = await (await ask('token-king')).text();
    expect(text).toContain('aivillage_server_request_duration_seconds_count{server="test",method="tools/call"} 1');
    expect(text).toContain('aivillage_server_sessions{server="test"} 1');
  });
});
