/** The fixtures do what their first lines say: a test that relies on one that does not would prove nothing. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ProgressNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { fixture, Pipe, type Started, startFixture, startHttpFixture } from '../fixtures/lib/start.ts';

const folder = mkdtempSync(join(tmpdir(), 'fixtures-'));
const running: Started[] = [];
const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const started of running.splice(0)) await started.stop();
});
afterAll(() => rmSync(folder, { recursive: true }));

function pipe(file: string, args: string[] = []): Pipe & { started: Started } {
  const started = startFixture(file, args);
  running.push(started);
  return Object.assign(new Pipe(started), { started });
}

async function sdkClient(file: string, over: 'stdio' | 'http', args: string[] = []): Promise<Client> {
  const client = new Client(
    { name: 'test', version: '1.0.0' },
    { capabilities: { sampling: {}, elicitation: { form: {} }, roots: {} } },
  );
  clients.push(client);
  if (over === 'stdio') {
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: [fixture(file), ...args], stderr: 'ignore' }),
    );
    return client;
  }
  const started = await startHttpFixture(file, args);
  running.push(started);
  await client.connect(new StreamableHTTPClientTransport(started.url));
  return client;
}

async function textOf(client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> {
  const { content } = await client.callTool({ name, arguments: args });
  const [first] = content as { text: string }[];
  return first!.text;
}

describe.each(['stdio', 'http'] as const)('over %s', (over) => {
  it('tools: echo, progress, ledger, whoami and note updates', async () => {
    const ledger = join(folder, `ledger-${over}`);
    const client = await sdkClient('tools.ts', over, ['--ledger', ledger]);
    expect(await textOf(client, 'echo', { text: 'héllo' })).toBe('héllo');
    await textOf(client, 'append', { key: 'k1' });
    expect(readFileSync(ledger, 'utf8')).toBe('k1\n');
    expect(await textOf(client, 'get')).toBe('["k1"]');
    expect(JSON.parse(await textOf(client, 'whoami'))).toMatchObject({ cwd: process.cwd(), argv: expect.any(Array) });

    // Not by onprogress: the SDK's client drops progress that comes in the same read as the result.
    const steps: number[] = [];
    client.setNotificationHandler(ProgressNotificationSchema, ({ params }) => {
      steps.push(params.progress);
    });
    await client.callTool({ name: 'progress', arguments: { n: 3, everyMs: 1 }, _meta: { progressToken: 'p' } });
    await expect.poll(() => steps).toEqual([1, 2, 3]);

    const updated = new Promise((resolve) => {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => resolve(params.uri));
    });
    await client.subscribeResource({ uri: 'note://alice' });
    await textOf(client, 'touch', { uri: 'note://alice' });
    expect(await updated).toBe('note://alice');
  });

  it('tools: a cancelled sleep says so in the ledger', async () => {
    const ledger = join(folder, `cancelled-${over}`);
    writeFileSync(ledger, '');
    const client = await sdkClient('tools.ts', over, ['--ledger', ledger]);
    const gone = new AbortController();
    const call = client.callTool({ name: 'sleep', arguments: { ms: 60_000, tag: 't' } }, undefined, {
      signal: gone.signal,
    });
    await textOf(client, 'echo', { text: 'the sleep has started' });
    gone.abort();
    await expect(call).rejects.toThrow();
    await expect.poll(() => readFileSync(ledger, 'utf8')).toBe('cancelled t\n');
  });

  it('ask: sampling, elicitation and roots reach the client, and its answers come back', async () => {
    const client = await sdkClient('ask.ts', over);
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
      role: 'assistant',
      model: 'm',
      content: params.messages[0]!.content as { type: 'text'; text: string },
    }));
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///r' }] }));
    expect(JSON.parse(await textOf(client, 'sample', { prompt: 'p' }))).toMatchObject({
      answer: { content: { text: 'p' } },
    });
    expect(JSON.parse(await textOf(client, 'elicit', { message: 'm' }))).toEqual({ answer: { action: 'decline' } });
    expect(JSON.parse(await textOf(client, 'roots'))).toEqual({ answer: { roots: [{ uri: 'file:///r' }] } });
    expect(JSON.parse(await textOf(client, 'ask_all', { text: 'x' })).answer.all).toHaveLength(3);
  });

  it('mutate: a definition changes silently, or as often told as asked', async () => {
    const client = await sdkClient('mutate.ts', over);
    let told = 0;
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      told++;
    });
    const target = async () => (await client.listTools()).tools.find(({ name }) => name === 'target');
    expect((await target())?.description).toBe('Adds two numbers');
    await textOf(client, 'mutate', { field: 'description' });
    expect((await target())?.description).toContain('~/.ssh');
    expect(told).toBe(0);
    await textOf(client, 'restore', { times: 5 });
    await expect.poll(() => told).toBe(5);
    expect((await target())?.description).toBe('Adds two numbers');
    await textOf(client, 'mutate', { field: 'remove' });
    expect(await target()).toBeUndefined();
  });

  it('raw: the bytes of the file arrive as they are', async () => {
    const bytes = '{ "b":1, "a" : 9007199254740993, "lone":"\\ud800", "content":[{"type":"hologram"}] }';
    writeFileSync(join(folder, 'strange.json'), bytes);
    expect(await rawAnswer(over, 'raw.ts', 'strange', {}, ['--dir', folder])).toContain(`"result":${bytes}}`);
  });

  it('mirror: gives the request back byte for byte', async () => {
    const answer = await rawAnswer(over, 'mirror.ts', 'mirror', { a: 'é' });
    const { bodyBase64 } = JSON.parse(JSON.parse(answer).result.content[0].text);
    expect(JSON.parse(Buffer.from(bodyBase64, 'base64').toString()).params.arguments).toEqual({ a: 'é' });
  });

  it('big: so many bytes, so many blocks', async () => {
    const answer = await rawAnswer(over, 'big.ts', 'big', { bytes: 3_000_000 });
    expect(JSON.parse(answer).result.content[0].text).toHaveLength(3_000_000);
    const blocks = await rawAnswer(over, 'big.ts', 'blocks', { count: 10_000 });
    expect(JSON.parse(blocks).result.content).toHaveLength(10_000);
  });

  it.each(['names', 'poison', 'benign'])('evil: lists its %s', async (set) => {
    const client = await sdkClient('evil.ts', over, ['--set', set]);
    expect(client.getServerVersion()?.name).toBe('ledger');
    expect((await client.listTools()).tools.length).toBeGreaterThanOrEqual(3);
    expect(await textOf(client, 'append')).toBe('evil append');
  });
});

async function rawAnswer(
  over: 'stdio' | 'http',
  file: string,
  name: string,
  args: object,
  options: string[] = [],
): Promise<string> {
  if (over === 'stdio') {
    const to = pipe(file, options);
    await to.initialize();
    to.call(name, args);
    return (await to.line()).toString();
  }
  const started = await startHttpFixture(file, options);
  running.push(started);
  return (await post(started.url, name, args)).text();
}

function post(url: URL, name: string, args: object): Promise<Response> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } });
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, redirect: 'manual' });
}

describe('mirror', () => {
  it('over HTTP shows the raw headers', async () => {
    const answer = await rawAnswer('http', 'mirror.ts', 'mirror', {});
    const { rawHeaders, path } = JSON.parse(JSON.parse(answer).result.content[0].text);
    expect(path).toBe('/mcp');
    expect(rawHeaders.map((s: string) => s.toLowerCase())).toContain('content-type');
  });
});

describe('big', () => {
  it('endless: a line that is longer than any limit, and ends with the pipe', async () => {
    const started = startFixture('big.ts');
    running.push(started);
    const gone = once(started.process, 'exit');
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } };
    for (const message of [
      { jsonrpc: '2.0', id: 0, method: 'initialize', params },
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'endless' } },
    ]) {
      started.process.stdin.write(`${JSON.stringify(message)}\n`);
    }
    let bytes = 0;
    let lines = 0;
    for await (const chunk of started.process.stdout) {
      bytes += chunk.length;
      lines += chunk.filter((byte: number) => byte === 10).length;
      if (bytes > 20_000_000) break; // destroys the pipe
    }
    expect(lines).toBe(1); // the answer to initialize
    await gone;
  });

  it('chatter: progress without end, on the token of the call', async () => {
    const to = pipe('big.ts');
    await to.initialize();
    to.call('chatter', { everyMs: 1 }, { progressToken: 'p' });
    for (const progress of [1, 2, 3]) {
      expect(JSON.parse((await to.line()).toString()).params).toEqual({ progressToken: 'p', progress });
    }
  });

  it.each(['endless', 'chatter'])('%s over HTTP: a stream that ends only when its reader goes', async (name) => {
    const started = await startHttpFixture('big.ts');
    running.push(started);
    const reader = (await post(started.url, name, { everyMs: 1 })).body!.getReader();
    for (let i = 0; i < 3; i++) expect((await reader.read()).done).toBe(false);
    await reader.cancel();
    expect((await post(started.url, 'big', { bytes: 10 })).status).toBe(200);
  });
});

describe('ask', () => {
  it('asks outside of a call too, and says on stderr what came of it', async () => {
    const to = pipe('ask.ts');
    await to.initialize();
    to.call('ask_later', { ms: 1, prompt: 'unasked' });
    expect(JSON.parse((await to.line()).toString()).result.content[0].text).toBe('later');
    const asked = JSON.parse((await to.line()).toString());
    expect(asked).toMatchObject({ method: 'sampling/createMessage' });
    to.send({ jsonrpc: '2.0', id: asked.id, error: { code: -32601, message: 'no' } });
    await expect.poll(() => to.started.stderr.join()).toContain('-32601');
  });
});

describe('garbage', () => {
  it('mute: takes a request in and says nothing', async () => {
    const started = await startHttpFixture('garbage.ts', ['--mute']);
    running.push(started);
    const signal = AbortSignal.timeout(300);
    await expect(fetch(started.url, { method: 'POST', body: '{}', signal })).rejects.toThrow('timeout');
    expect(started.process.exitCode).toBeNull();
  });

  const modes = ['lines', 'half-json', 'binary', 'invalid-utf8', 'blank-lines', 'bom', 'crlf', 'two-in-one'];
  it.each([...modes, 'byte-by-byte', 'unknown-ids', 'twice', 'stderr-flood'])(
    '%s: then the right answer',
    async (mode) => {
      const to = pipe('garbage.ts', ['--banner']);
      await to.initialize();
      to.call('garbage', { mode });
      let line: Buffer;
      do line = await to.line();
      while (!line.includes('right') || !line.includes('"id":1,'));
      if (mode === 'stderr-flood') {
        await expect.poll(() => to.started.stderr.join('').length).toBe(20 << 20);
      }
    },
  );

  it.each([
    ['html-502', 502, 'text/html'],
    ['html-200', 200, 'text/html'],
    ['bad-json', 200, 'application/json'],
    ['bad-sse', 200, 'text/event-stream'],
    ['empty', 200, 'application/json'],
    ['redirect', 307, 'text/plain'],
    ['stall', 200, 'application/json'],
    ['comments', 200, 'text/event-stream'],
  ])('over HTTP %s answers %i %s', async (mode, status, contentType) => {
    const started = await startHttpFixture('garbage.ts');
    running.push(started);
    const response = await post(started.url, 'garbage', { mode });
    expect([response.status, response.headers.get('content-type')]).toEqual([status, contentType]);
    await response.body?.cancel();
  });

  it('over HTTP reset breaks the connection, gzip-bomb unpacks to 64 MiB', async () => {
    const started = await startHttpFixture('garbage.ts');
    running.push(started);
    await expect(post(started.url, 'garbage', { mode: 'reset' })).rejects.toThrow();
    const bomb = await post(started.url, 'garbage', { mode: 'gzip-bomb' });
    expect(Number(bomb.headers.get('content-length') ?? 0)).toBeLessThan(1 << 20);
    expect((await bomb.arrayBuffer()).byteLength).toBe(64 << 20);
  });
});

describe('crash', () => {
  it('at start, after initialize, during a call', async () => {
    const exit = async (started: Started) => (await once(started.process, 'exit'))[0];
    expect(await exit(pipe('crash.ts', ['--at', 'start']).started)).toBe(3);
    const second = pipe('crash.ts', ['--at', 'initialize']);
    const ended = exit(second.started);
    await second.initialize();
    expect(await ended).toBe(3);
    const third = pipe('crash.ts');
    await third.initialize();
    const died = exit(third.started);
    third.call('die');
    expect(await died).toBe(3);
  });

  it('ignores SIGTERM and leaves children behind', async () => {
    const to = pipe('crash.ts', ['--ignore-sigterm', '--children', '2']);
    await to.initialize();
    to.call('pids');
    const { children } = JSON.parse(JSON.parse((await to.line()).toString()).result.content[0].text);
    const ignored = once(to.started.process.stderr, 'data');
    to.started.process.kill('SIGTERM');
    await ignored;
    expect(to.started.process.exitCode).toBeNull();
    await to.started.stop();
    expect(children).toHaveLength(2);
    for (const pid of children) expect(process.kill(pid, 'SIGKILL')).toBe(true);
  });
});
