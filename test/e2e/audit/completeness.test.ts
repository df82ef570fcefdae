/** F01, D1, D4, D5: every call has one closing record that tells all of it, and no secret stands anywhere. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keyedDigest, readKeys } from '../../../router/audit/keys.ts';
import { encodeOctets } from '../../../shared/json/octets.ts';
import { messagesOf, POST_HEADERS, RawSession, send } from '../lib/raw-client.ts';
import { RecordingServer } from '../lib/recording-server.ts';
import { fixture, tokenFor, Village, type VillageConfig } from '../lib/village.ts';

const CALLS = 10_000;
const IN_FLIGHT = 32;
const CANARIES = {
  argument: 'canary-argument-password-71c9',
  bearer: 'Bearer eyJhbGciOiJIUzI1NiJ9.canary-bearer-5d02',
  pem: '-----BEGIN PRIVATE KEY-----canary-pem-9f1e',
  header: 'canary-header-44ab',
  env: 'canary-env-0c3d',
  upstreamHeader: 'canary-upstream-header-88e1',
  errorText: 'canary-error-text-postgres://u:p@db-2b7f',
  resultText: 'canary-result-text-6a90',
} as const;

const AGENTS = {
  alice: { level: 'OPERATOR' },
  dave: { level: 'READ_ONLY' },
  sage: { level: 'GOVERNANCE', permissions: ['audit:read'] },
  king: { level: 'EMERGENCY' },
};
const tokenId = (agent: string) => `jti-of-${agent}`;
const token = (agent: keyof typeof AGENTS) =>
  tokenFor(agent, { governance_level: AGENTS[agent].level, jti: tokenId(agent) });

let village: Village;
let failing: RecordingServer;
let config: VillageConfig;

beforeAll(async () => {
  failing = await RecordingServer.start('failing', {
    tools: ['fails', 'wrong', 'big'],
    prompts: ['p'],
    resources: ['x://r', 'x://quiet'],
    answers: new Map([
      ['fails', { error: { code: -32000, message: CANARIES.errorText } }],
      ['big', { result: { content: [{ type: 'text', text: 'x'.repeat(100_000) }] } }],
      ['wrong', { result: { isError: true, content: [{ type: 'text', text: CANARIES.resultText }] } }],
    ]),
  });
  config = {
    mcpServers: {
      up: { ...fixture('tools.ts'), env: { CANARY: CANARIES.env } },
      failing: { ...failing.entry, headers: { 'X-Api-Key': CANARIES.upstreamHeader } },
    },
    agents: AGENTS,
    permissions: [
      { match: 'up/*', level: 'OPERATOR' },
      { match: 'up/sleep', level: 'OPERATOR', timeoutMs: 700 },
      { match: 'up/progress', level: 'OPERATOR', arguments: { properties: { n: { maximum: 3 } } } },
      { match: 'up/append', level: 'EMERGENCY' },
      { match: 'failing/*', level: 'OPERATOR' },
      { match: 'prompt:failing/p', level: 'OPERATOR' },
      { match: 'resource:x://r', level: 'OPERATOR' },
      { match: 'resource:x://quiet', level: 'OPERATOR', audit: false },
    ],
    router: { rateLimit: { perMinute: 1_000_000 } },
  };
  village = await Village.start({ config, env: { MCP_MAX_RESULT_BYTES: '65536' } });
});
afterAll(async () => {
  await village.remove();
  await failing.close();
});

/** One kind of call, and how the audit must tell of it. */
interface Kind {
  readonly tool: string;
  readonly more?: object;
  readonly kind: 'call_finished' | 'call_denied';
  readonly outcome: string;
  readonly server: string | undefined;
  readonly rule: string | undefined;
  readonly reason?: string;
  readonly cancelAfterMs?: number;
}

const finished = (tool: string, outcome: string, rule: string, more: object = {}, reason?: string): Kind => ({
  ...{ tool, outcome, rule, more, kind: 'call_finished', server: tool.split('__')[0] },
  ...(reason === undefined ? {} : { reason }),
});
const denied = (tool: string, rule: string | undefined, reason: string, more: object = {}): Kind => ({
  ...{ tool, rule, reason, more, kind: 'call_denied', outcome: 'denied' },
  server: tool.includes('nothing') ? undefined : tool.split('__')[0],
});

const KINDS: readonly Kind[] = [
  finished('up__echo', 'ok', 'up/*'),
  finished('failing__fails', 'failed', 'failing/*'),
  finished('failing__wrong', 'tool_error', 'failing/*'),
  finished('failing__big', 'too_large', 'failing/*', {}, 'RESULT_TOO_LARGE'),
  denied('up__append', 'up/append', 'UNAUTHORIZED_ACCESS', { key: 'k' }),
  denied('up__nothing', undefined, 'UNAUTHORIZED_ACCESS'),
  denied('up__progress', 'up/progress', 'UNAUTHORIZED_ACCESS', { n: 4, everyMs: 1 }),
];
/** Slow by their nature, so fewer. */
const SLOW: readonly Kind[] = [
  finished('up__sleep', 'timed_out', 'up/sleep', { ms: 60_000 }, 'TIMEOUT'),
  { ...finished('up__sleep', 'cancelled', 'up/sleep', { ms: 60_001 }, 'CONNECTION_LOST'), cancelAfterMs: 30 },
];

interface Made {
  readonly kind: Kind;
  /** The arguments' own text. */
  readonly args: string;
  readonly answers: number;
}

async function make(session: RawSession, n: number): Promise<Made> {
  const kind = n % 100 === 0 ? SLOW[(n / 100) % SLOW.length]! : KINDS[n % KINDS.length]!;
  const secrets = { password: CANARIES.argument, api_key: CANARIES.bearer, pem: CANARIES.pem };
  const args = JSON.stringify({ text: `call ${n}`, ...secrets, ...kind.more });
  const body = `{"jsonrpc":"2.0","id":${n},"method":"tools/call","params":{"name":"${kind.tool}","arguments":${args}}}`;
  const posted = session.post(body, { 'x-api-key': CANARIES.header, cookie: `session=${CANARIES.header}` });
  if (kind.cancelAfterMs !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, kind.cancelAfterMs));
    await session.post({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: n, reason: 'changed' },
    });
  }
  return { kind, args, answers: messagesOf(await posted).filter(({ id }) => id === n).length };
}

it(`[D1] F01: ${CALLS} mixed calls have exactly one closing record each, with all that is known of them`, {
  timeout: 120_000,
}, async () => {
  const session = await RawSession.open(village.url, token('alice'));
  await session.namesOnceThere('up__echo', 'failing__big');
  const made: Made[] = [];
  let next = 1;
  const worker = async () => {
    while (next <= CALLS) made.push(await make(session, next++));
  };
  const since = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  console.info(`${CALLS} mixed calls in ${Math.round(performance.now() - since)} ms`);
  expect(made.filter(({ kind, answers }) => answers !== (kind.cancelAfterMs === undefined ? 1 : 0))).toEqual([]);

  const keys = readKeys(village.dataDir, village.checkpointDir);
  if (typeof keys === 'string') throw new Error(keys);
  const records = (await village.audit()).filter(({ agent, callId }) => agent === 'alice' && callId !== undefined);
  const byArguments = Map.groupBy(records, ({ argsDigest }) => argsDigest);
  const wrong: unknown[] = [];
  for (const { kind, args } of made) {
    const digest = keyedDigest(keys, encodeOctets(args));
    const mine = byArguments.get(digest) ?? [];
    const [closing, ...more] = mine.filter((record) => record.kind !== 'call_started');
    const started = mine.filter((record) => record.kind === 'call_started');
    const isWhole =
      closing !== undefined &&
      more.length === 0 &&
      started.length === (kind.kind === 'call_finished' ? 1 : 0) &&
      started.every((record) => record.callId === closing.callId && Number(record.seq) < Number(closing.seq)) &&
      closing.kind === kind.kind &&
      closing.outcome === kind.outcome &&
      closing.rule === kind.rule &&
      closing.reason === kind.reason &&
      closing.tool === kind.tool &&
      closing.server === kind.server &&
      closing.tokenId === tokenId('alice') &&
      (kind.server === undefined || /^[0-9a-f]{64}$/.test(String(closing.definitionDigest))) &&
      typeof closing.session === 'string' &&
      typeof closing.time === 'number' &&
      typeof closing.durationMs === 'number';
    if (!isWhole) wrong.push({ kind, mine });
  }
  expect(wrong.slice(0, 3)).toEqual([]);
  // Nothing else was recorded of calls: one or two records each.
  const started = made.filter(({ kind }) => kind.kind === 'call_finished').length;
  expect(records.length).toBe(CALLS + started);
  expect((await village.cli('audit', 'verify')).stdout).toMatch(/^\d+ records verified\n$/);

  // The session's name in the audit opens nothing.
  const named = String(records[0]!.session);
  expect(named).not.toBe(session.id);
  const stolen = await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { 'mcp-session-id': named });
  expect(stolen.status).toBe(404);
});

it('[D1] F01: reads of resources and prompts are recorded alike, but where a row says that they are not', async () => {
  const session = await RawSession.open(village.url, token('alice'));
  await session.request('resources/read', { uri: 'x://r' });
  await session.request('resources/read', { uri: 'x://quiet' });
  await session.request('resources/read', { uri: 'x://nothing' });
  await session.request('prompts/get', { name: 'failing__p' });
  const ref = { type: 'ref/prompt', name: 'failing__p' };
  await session.request('completion/complete', { ref, argument: { name: 'a', value: '' } });
  const records = (await village.audit()).filter(({ method }) => method !== undefined && method !== 'POST');
  const told = records.map(({ kind, method, resource, prompt, outcome }) =>
    [kind, method, resource ?? prompt, outcome].join(' '),
  );
  expect(told).toEqual([
    'call_started resources/read x://r ',
    'call_finished resources/read x://r ok',
    'call_denied resources/read x://nothing denied',
    'call_started prompts/get failing__p ',
    'call_finished prompts/get failing__p ok',
    'call_started completion/complete failing__p ',
    'call_finished completion/complete failing__p ok',
  ]);
});

it('[D1] records sessions, sign-ins, tokens, refusals and changes of the configuration', {
  timeout: 60_000,
}, async () => {
  const before = (await village.audit()).length;
  const session = await RawSession.open(village.url, token('alice'));
  await session.close();
  const api = (route: string, body: object, bearer?: string) =>
    send(village.url, {
      path: route,
      headers: { ...POST_HEADERS, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) },
      body: JSON.stringify(body),
    });
  const password = 'canary-password-long-enough-1f2e';
  expect((await village.cliWith(`${password}\n`, 'user', 'add', 'paul', '--role', 'user')).code).toBe(0);
  expect((await api('/api/auth/login', { username: 'paul', password: 'wrong-canary' })).status).toBe(401);
  const pair = JSON.parse((await api('/api/auth/login', { username: 'paul', password })).text);
  const next = JSON.parse((await api('/api/auth/refresh', { refresh_token: pair.refresh_token })).text);
  expect((await api('/api/auth/logout', {}, next.access_token)).status).toBe(200);
  const issued = (await village.cli('token', 'issue', '--agent', 'alice')).stdout.trim();
  const jti = JSON.parse(Buffer.from(issued.split('.')[1]!, 'base64url').toString()).jti as string;
  expect((await village.cli('token', 'revoke', jti)).code).toBe(0);
  await expect.poll(async () => (await api('/mcp', {}, issued)).status, { timeout: 10_000, interval: 20 }).toBe(401);
  village.reconfigure({ ...config, permissions: [...config.permissions!, { match: 'up/touch', level: 'EMERGENCY' }] });
  const since = async () => (await village.audit()).slice(before);
  await expect
    .poll(async () => (await since()).some(({ details }) => (details as { matrix?: string })?.matrix), {
      timeout: 10_000,
    })
    .toBe(true);

  const told = (await since()).map(({ kind, outcome, agent, tokenId: id, details, reason }) => {
    const { event } = (details ?? {}) as { event?: string };
    return [kind, event, outcome, agent, id === undefined ? '-' : 'token', reason].join(' ');
  });
  for (const line of [
    'session_opened   alice token ',
    'session_closed   alice token the client ended it',
    'config_changed user_added ok paul - ',
    'login auth_login ok paul token ',
    'token_refreshed auth_refresh ok paul token ',
    'logout auth_logout ok paul token ',
    'token_issued token_issued ok alice token ',
    'token_revoked token_revoked ok  token ',
  ]) {
    expect(told).toContain(line);
  }
  expect(told.some((line) => line.startsWith('auth_denied auth_denied denied'))).toBe(true);
  expect(hits([password, 'wrong-canary', issued, pair.refresh_token, next.access_token])).toEqual([]);
});

it('[D5] audit_query finds records for those who may read the audit, and does not exist for others', async () => {
  const sage = await RawSession.open(village.url, tokenFor('sage', { governance_level: 'GOVERNANCE' }));
  const ask = async (args: object) => {
    const { result } = await sage.call('audit_query', args);
    return result!.structuredContent as { records: Record<string, unknown>[]; next_before: number };
  };
  const page = { agent: 'alice', outcome: 'timed_out', limit: 5 };
  const { records, next_before } = await ask(page);
  expect(records).toHaveLength(5);
  for (const record of records)
    expect(record).toMatchObject({ agent: 'alice', tool: 'up__sleep', outcome: 'timed_out' });
  const older = (await ask({ ...page, before: next_before })).records.map(({ seq }) => Number(seq));
  expect(Math.max(...older)).toBeLessThan(Number(records.at(-1)!.seq));
  for (const filter of [{ agent: "' OR 1=1--" }, { tool: '%' }, { kind: 'call_finished', call_id: '*' }]) {
    expect((await ask(filter)).records).toEqual([]);
  }
  for (const agent of ['alice', 'dave', 'king'] as const) {
    const session = await RawSession.open(village.url, token(agent));
    expect(await session.names()).not.toContain('audit_query');
    expect((await session.call('audit_query', {})).error).toMatchObject({
      code: -32602,
      message: 'Unknown tool: audit_query',
    });
  }
});

it('[D5] audit tail and export give the records as they stand', async () => {
  const tail = await village.cli('audit', 'tail', '-n', '3', '--agent', 'alice', '--kind', 'call_finished');
  const lines = tail.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).toMatchObject({ agent: 'alice', kind: 'call_finished' });
  const seqs = (await village.audit()).map(({ seq }) => Number(seq));
  expect(seqs).toEqual(seqs.map((_, i) => seqs[0]! + i));
  const later = await village.cli('audit', 'export', '--since', new Date(Date.now() + 3_600_000).toISOString());
  expect(later.stdout).toBe('');
});

it('[D4] F01: no secret stands in the logs, the audit, the stores, the checkpoints or the answers to others', async () => {
  const answers = await Promise.all(
    (['dave', 'sage', 'king'] as const).map(async (agent) => {
      const session = await RawSession.open(village.url, token(agent));
      return [
        await session.call('service_list'),
        await session.call('service_status', { id: 'failing' }),
        await session.call('audit_query', { agent: 'alice', limit: 200 }),
        await session.request('tools/list'),
      ];
    }),
  );
  const secrets = [...Object.values(CANARIES), token('alice').split('.')[0]!];
  expect(secrets.filter((secret) => JSON.stringify(answers).includes(secret))).toEqual([]);
  expect(hits(Object.values(CANARIES))).toEqual([]);
  const exported = (await village.cli('audit', 'export')).stdout;
  expect(Object.values(CANARIES).filter((secret) => exported.includes(secret))).toEqual([]);
  // The look itself finds what is there.
  expect(hits(['call_finished'])).not.toEqual([]);
});

/** The files of the village, and its stderr, in which any of these texts stands. Its configuration is the owner's own. */
function hits(secrets: readonly string[]): string[] {
  const files = [village.dataDir, village.checkpointDir].flatMap((folder) =>
    fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name)),
  );
  const found = files.filter((file) => {
    const bytes = fs.readFileSync(file);
    return secrets.some((secret) => bytes.includes(secret));
  });
  const isPrinted = secrets.some((secret) => village.stderr().includes(secret));
  return isPrinted ? [...found, 'stderr'] : found;
}
