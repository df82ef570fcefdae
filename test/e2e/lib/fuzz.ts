/**
 * Mutated messages against a running router, from clients and from servers. Seeded: a failure names its number, and the same
 * seed makes the same bytes. For tests with thousands and for the soak with more.
 */
import http from 'node:http';
import { type Started, startHttpFixture } from '../../fixtures/lib/start.ts';
import { endOf, seeded, untilReady } from './faults.ts';
import { type JsonRpc, RawSession, textOf } from './raw-client.ts';
import { Stalls } from './stalls.ts';
import { fixture, tokenFor, Village } from './village.ts';

export interface FuzzOptions {
  readonly count: number;
  readonly seed: number;
}

export interface FuzzReport {
  readonly count: number;
  /** HTTP statuses, or ends of calls → how often. */
  readonly ends: Readonly<Record<string, number>>;
  /** Sentences; empty when all was well. */
  readonly faults: readonly string[];
  readonly slowestMs: number;
  /** The longest time that the router's event loop was held, in milliseconds of CPU. */
  readonly longestStallMs: number;
}

const AT_ONCE = 16;
const MAX_MS = 10_000;

/** The first ones are whole values. */
const JSON_TOKENS = 15;
const TOKENS = [
  'null',
  'true',
  '-0',
  '1e999',
  '1e-999',
  '9007199254740993',
  '""',
  '"\\ud800"',
  '"\\u0000"',
  '"__proto__"',
  '"constructor"',
  '[]',
  '{}',
  '{"__proto__":{}}',
  '[[[[[[[[[[]]]]]]]]]]',
  '"2.0"',
  '"id":',
  '"result":{}',
  '"method":"ping"',
  ',',
  ':',
  '"',
  '\\',
  '\n',
  '\r',
  '\u2028',
  '\xff',
  '\x00',
  '\ufeff',
];

/** A value for another one in half of the cases, so that the text stays JSON; else one to six changes anywhere. */
function mutate(text: string, random: () => number): Buffer {
  let bytes: Buffer = Buffer.from(text);
  const pick = (below: number) => Math.floor(random() * below);
  if (random() < 0.5) return replaceValue(bytes, Buffer.from(TOKENS[pick(JSON_TOKENS)]!), pick);
  for (let changes = 1 + pick(6); changes > 0; changes--) {
    const at = pick(bytes.length + 1);
    const end = Math.min(bytes.length, at + 1 + pick(12));
    const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
    const token = Buffer.from(TOKENS[pick(TOKENS.length)]!);
    switch (pick(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = pick(256);
        break;
      case 1:
        bytes = Buffer.concat([before, after]);
        break;
      case 2:
        bytes = Buffer.concat([before, piece, piece, after]);
        break;
      case 3:
        bytes = Buffer.concat([before, token, piece, after]);
        break;
      case 4:
        bytes = Buffer.concat([before, token, after]);
        break;
      case 5:
        bytes = random() < 0.2 ? Buffer.from(before) : Buffer.concat([after, piece, before]);
        break;
      default:
        bytes = replaceValue(bytes, token, pick);
    }
  }
  return bytes;
}

/** Puts a token in the place of one whole value, so that the text often stays JSON. */
function replaceValue(bytes: Buffer, token: Buffer, pick: (below: number) => number): Buffer {
  const text = bytes.toString('latin1');
  const values = [...text.matchAll(/:("[^"\\]*"|-?\d+|true|false|null)/g)];
  const value = values[pick(values.length)];
  if (value === undefined) return bytes;
  return Buffer.from(
    text.slice(0, value.index + 1) + token.toString('latin1') + text.slice(value.index + value[0].length),
    'latin1',
  );
}

const CLIENT_SEEDS = [
  {
    method: 'tools/call',
    params: { name: 'up__echo', arguments: { text: 'x', n: 1.5, list: [1, 2] }, _meta: { progressToken: 'p' } },
  },
  { method: 'tools/list', params: { cursor: 'eA' } },
  { method: 'resources/read', params: { uri: 'note://alice' } },
  { method: 'resources/subscribe', params: { uri: 'note://alice' } },
  { method: 'resources/unsubscribe', params: { uri: 'note://alice' } },
  { method: 'resources/templates/list' },
  { method: 'prompts/get', params: { name: 'up__greet', arguments: { name: 'Bob' } } },
  {
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'up__greet' }, argument: { name: 'name', value: 'a' } },
  },
  { method: 'logging/setLevel', params: { level: 'info' } },
  { method: 'ping' },
  {
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  },
  { method: 'tools/call', params: { name: 'permission_explain', arguments: { agent_id: 'alice', tool: 'up__echo' } } },
].map((message, index) => JSON.stringify({ jsonrpc: '2.0', id: index, ...message }));
CLIENT_SEEDS.push(
  '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"x"}}',
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}',
  '{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}',
  '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x"}}',
  '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/list"}]',
);

/** Bodies from a client that has a session. Throws when the router itself fails. */
export async function fuzzClients({ count, seed }: FuzzOptions): Promise<FuzzReport> {
  const stalls = new Stalls();
  const village = await Village.start({
    config: {
      mcpServers: { up: fixture('tools.ts') },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: ['up/*', 'resource:note://*', 'prompt:up__*'].map((match) => ({ match, level: 'OPERATOR' })),
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
    // What a server drops without a word ends then.
    env: { ...stalls.env, MCP_DEFAULT_TIMEOUT: '3' },
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const report = new Reporter(count);
  try {
    await untilReady(village, 'up');
    await stalls.longestMs();
    const versions = ['2025-11-25', '2025-03-26'];
    const sessions = await Promise.all(
      versions.map((version) => RawSession.open(village.url, tokenFor('alice'), { version })),
    );
    const random = seeded(seed);
    await inTurns(count, async (index) => {
      const session = sessions[index % sessions.length]!;
      const body = mutate(CLIENT_SEEDS[index % CLIENT_SEEDS.length]!, random);
      const since = performance.now();
      const { status, text, type } = await post(agent, session, body);
      report.took(index, performance.now() - since);
      report.end(String(status));
      if (status >= 500) report.fault(index, `HTTP status ${status}`);
      if (status === 202 && text !== '') report.fault(index, 'a body with 202');
      if (type === 'application/json')
        for (const message of [JSON.parse(text)].flat() as JsonRpc[]) checkMessage(report, index, message);
    });
    const [session] = sessions;
    if (textOf(await session!.call('up__echo', { text: 'still there' })) !== 'still there')
      report.fault(count, 'it does not serve any more');
    if (village.process.exitCode !== null) report.fault(count, 'the router ended');
    report.stalled(await stalls.longestMs());
    const { code, stdout, stderr } = await village.cli('audit', 'verify');
    if (code !== 0) report.fault(count, stdout + stderr);
  } finally {
    agent.destroy();
    await village.remove();
    stalls.remove();
  }
  return report.done();
}

function checkMessage(report: Reporter, index: number, message: JsonRpc): void {
  const { error } = message;
  // Ours; a server's own words for the same code have no correlation id.
  if (error?.data?.correlationId !== undefined) report.fault(index, JSON.stringify(error));
  if (error === undefined && message.result === undefined) report.fault(index, 'neither result nor error');
}

function post(
  agent: http.Agent,
  session: RawSession,
  body: Buffer,
): Promise<{ status: number; text: string; type: string }> {
  const { hostname, port } = new URL(session.url);
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        hostname,
        port,
        method: 'POST',
        path: '/mcp',
        agent,
        headers: { ...session.headers, 'content-length': body.length },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, type: response.headers['content-type'] ?? '' }),
        );
        response.on('error', reject);
      },
    );
    request.setTimeout(MAX_MS, () =>
      request.destroy(new Error(`no answer to ${JSON.stringify(body.toString('latin1'))}`)),
    );
    request.on('error', reject);
    request.end(body);
  });
}

const SERVER_SEEDS = [
  '{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"mutated"}],"structuredContent":{"a":[1,2.5,null]},"isError":false}}',
  '{"jsonrpc":"2.0","id":@ID@,"error":{"code":-32000,"message":"no","data":{"a":1}}}',
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":@ID@,"progress":1,"total":2}}',
  '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}',
  '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}',
  '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"note://x"}}',
  '{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}',
  '{"jsonrpc":"2.0","id":7,"method":"roots/list"}',
  '{"jsonrpc":"2.0","id":8,"method":"ping"}',
  '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"s"}}',
];

/** Replies of a server, on a pipe and over HTTP in turn. Throws when the router itself fails. */
export async function fuzzServers({ count, seed }: FuzzOptions): Promise<FuzzReport> {
  const stalls = new Stalls();
  const web: Started & { url: URL } = await startHttpFixture('mutant.ts');
  const village = await Village.start({
    config: {
      mcpServers: {
        pipe: { ...fixture('mutant.ts'), timeoutMs: 3_000 },
        web: { url: web.url.href, type: 'http', allowPrivateAddress: true, timeoutMs: 3_000 },
        healthy: fixture('tools.ts'),
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: ['pipe', 'web', 'healthy'].map((id) => ({ match: `${id}/*`, level: 'OPERATOR' })),
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
    env: stalls.env,
  });
  const report = new Reporter(count);
  try {
    await untilReady(village, 'pipe', 'web', 'healthy');
    await stalls.longestMs();
    const session = await RawSession.open(village.url, tokenFor('alice'));
    const random = seeded(seed);
    await inTurns(count, async (index) => {
      const base64 = mutate(SERVER_SEEDS[Math.floor(index / 4) % SERVER_SEEDS.length]!, random).toString('base64');
      const isPipe = index % 4 !== 3;
      const since = performance.now();
      const answer = await session.call(isPipe ? 'pipe__reply' : 'web__reply', { base64 });
      report.took(index, performance.now() - since);
      report.end(`${isPipe ? 'pipe' : 'web'} ${endOf(answer)}`);
      checkMessage(report, index, answer);
    });
    if (textOf(await session.call('healthy__echo', { text: 'still there' })) !== 'still there')
      report.fault(count, 'it does not serve any more');
    if (village.process.exitCode !== null) report.fault(count, 'the router ended');
    report.stalled(await stalls.longestMs());
    const { code, stdout, stderr } = await village.cli('audit', 'verify');
    if (code !== 0) report.fault(count, stdout + stderr);
  } finally {
    await village.remove();
    stalls.remove();
    await web.stop();
  }
  return report.done();
}

class Reporter {
  private readonly count: number;
  private readonly ends: Record<string, number> = {};
  private readonly faults: string[] = [];
  private slowestMs = 0;
  private longestStallMs = 0;

  constructor(count: number) {
    this.count = count;
  }

  end(what: string): void {
    this.ends[what] = (this.ends[what] ?? 0) + 1;
  }

  fault(index: number, what: string): void {
    if (this.faults.length < 20) this.faults.push(`number ${index}: ${what}`);
  }

  took(index: number, ms: number): void {
    this.slowestMs = Math.max(this.slowestMs, ms);
    if (ms > MAX_MS) this.fault(index, `an answer after ${ms.toFixed(0)} ms`);
  }

  stalled(ms: number): void {
    this.longestStallMs = ms;
  }

  done(): FuzzReport {
    const { count, ends, faults, slowestMs, longestStallMs } = this;
    return { count, ends, faults, slowestMs, longestStallMs };
  }
}

/** Runs `each` for 0 … count-1, some at a time; what is made at random is made in order. */
async function inTurns(count: number, each: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < count) await each(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
}
