import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DOORS, openDoor } from '../lib/doors.ts';
import { messagesOf, POST_HEADERS, RawSession, send, textOf } from '../lib/raw-client.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

const AGENTS = {
  alice: { level: 'OPERATOR' },
  bob: { level: 'OPERATOR' },
  dave: { level: 'READ_ONLY' },
  sage: { level: 'GOVERNANCE', permissions: ['audit:read'] },
};
const tokenOf = (agent: keyof typeof AGENTS) => tokenFor(agent, { governance_level: AGENTS[agent].level });

const RULES = [
  { match: 'ledger/append', level: 'OPERATOR', arguments: { properties: { key: { maxLength: 8 } } } },
  { match: 'ledger/get', level: 'OPERATOR', justification: true },
  { match: 'ledger/echo', level: 'OPERATOR' },
  { match: 'ledger/*', level: 'COORDINATOR' },
  { match: 'resource:note://alice', level: 'OPERATOR' },
  { match: 'prompt:ledger/greet', level: 'OPERATOR' },
];

let village: Village;
let ledger: string;

function config(permissions: readonly object[]) {
  return {
    mcpServers: { ledger: fixture('tools.ts', '--ledger', ledger) },
    agents: AGENTS,
    permissions,
    router: { rateLimit: { perMinute: 1_000_000 } },
  };
}

beforeAll(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'village-'));
  ledger = path.join(folder, 'ledger.txt');
  fs.writeFileSync(ledger, '');
  village = await Village.start({ config: config(RULES), folder });
});
afterAll(() => village.remove());

const written = () => fs.readFileSync(ledger, 'utf8');
const recordsOf = async (agent: string) => (await village.audit()).filter((record) => record.agent === agent);

it.each(DOORS)(
  '[M2] C01: over %s a hidden tool, an unknown one and an unknown server answer alike',
  { timeout: 90_000 },
  async (door) => {
    const client = await openDoor(door, village, tokenOf('dave'));
    try {
      const before = (await recordsOf('dave')).filter(({ kind }) => kind === 'call_denied').length;
      const names = ['ledger__append', 'ledger__no_such_tool', 'no_such_server__x', 'service_register', 'audit_query'];
      for (const name of names) {
        const { error } = await client.call(name, { key: 'k' });
        expect(error).toEqual({
          code: -32602,
          message: `Unknown tool: ${name}`,
          data: { reason: 'UNAUTHORIZED_ACCESS' },
        });
      }
      expect(written()).toBe('');
      const denials = (await recordsOf('dave')).filter(({ kind }) => kind === 'call_denied').slice(before);
      expect(denials.map(({ tool, outcome }) => `${String(tool)} ${String(outcome)}`)).toEqual(
        names.map((name) => `${name} denied`),
      );
    } finally {
      await client.close();
    }
  },
);

it('[M2] C01: over HTTP the whole answer is the same, status and headers included', async () => {
  const session = await RawSession.open(village.url, tokenOf('dave'));
  const shapeOf = async (name: string) => {
    const { status, headers, text } = await session.post({
      ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
      params: { name, arguments: {} },
    });
    const { date: _, ...rest } = headers;
    return { status, headers: rest, text: text.replace(name, 'NAME') };
  };
  const hidden = await shapeOf('ledger__append');
  expect(hidden.status).toBe(200);
  expect(await shapeOf('ledger__appenz')).toEqual(hidden);
});

it.each([
  ['resources/read', { uri: 'note://alice' }, { uri: 'note://nobody' }, 'note://alice', 'note://nobody'],
  ['resources/subscribe', { uri: 'note://alice' }, { uri: 'note://nobody' }, 'note://alice', 'note://nobody'],
  ['prompts/get', { name: 'ledger__greet' }, { name: 'ledger__nope' }, 'ledger__greet', 'ledger__nope'],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'ledger__greet' }, argument: { name: 'name', value: '' } },
    { ref: { type: 'ref/prompt', name: 'ledger__nope' }, argument: { name: 'name', value: '' } },
    'ledger__greet',
    'ledger__nope',
  ],
])('[M2] C01: %s of what is hidden answers like what is unknown', async (method, hidden, unknown, a, b) => {
  const session = await RawSession.open(village.url, tokenOf('dave'));
  const first = JSON.stringify((await session.request(method, hidden)).error);
  const second = JSON.stringify((await session.request(method, unknown)).error);
  expect(first.replace(a, 'NAME')).toBe(second.replace(b, 'NAME'));
  expect(JSON.parse(first)).toMatchObject({ code: -32602 });
});

it('[M2] [P6] C01: an endpoint of a server of which the caller may use nothing is as one that is not there', async () => {
  const open = async (path: string) => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
    const headers = { ...POST_HEADERS, authorization: `Bearer ${tokenOf('dave')}` };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const { status, headers: got, text } = await send(village.url, { path, headers, body });
    return { status, session: got['mcp-session-id'], text: text.replace(/ledger|no-server/g, 'ID') };
  };
  const hidden = await open('/mcp/ledger');
  expect(hidden.session).toBeUndefined();
  expect(hidden.text).toContain('UPSTREAM_UNAVAILABLE');
  expect(await open('/mcp/no-server')).toEqual(hidden);
  const alice = await RawSession.open(village.url, tokenOf('alice'), { path: '/mcp/ledger' });
  expect(await alice.namesOnceThere('echo')).not.toContain('progress');
});

it('[M3] refuses arguments that break the rule, says how, and lets those that keep it through', async () => {
  const session = await RawSession.open(village.url, tokenOf('alice'));
  const refused = await session.call('ledger__append', { key: 'much too long' });
  expect(refused.error).toMatchObject({ code: -32012, data: { reason: 'UNAUTHORIZED_ACCESS' } });
  expect(refused.error?.message).not.toContain('much too long');
  expect(written()).toBe('');
  expect(textOf(await session.call('ledger__append', { key: 'short' }))).toBe('written');
  expect(written()).toBe('short\n');
});

it('[M1] asks for a justification where the row does, and takes one', async () => {
  const session = await RawSession.open(village.url, tokenOf('alice'));
  expect((await session.call('ledger__get')).error).toMatchObject({ code: -32012 });
  const meta = { 'io.aivillage/justification': 'the books are closed today' };
  expect((await session.call('ledger__get', {}, meta)).result).toBeDefined();
});

it('[P10] C03: outside 2025-03-26 a batch is refused whole, and nothing in it runs', async () => {
  const before = written();
  const append = (id: number) => ({
    ...{ jsonrpc: '2.0', id, method: 'tools/call' },
    params: { name: 'ledger__append', arguments: { key: 'batch' } },
  });
  const bodies = [
    [append(1), { ...append(2), params: { name: 'ledger__secret' } }],
    [{ ...append(3), params: { name: 'ledger__secret' } }],
    [],
    [[append(4)]],
    Array.from({ length: 10_000 }, () => ({ jsonrpc: '2.0', method: 'notifications/cancelled' })),
    [append(5), 'garbage'],
  ];
  for (const version of ['2025-11-25', '2025-06-18', '2024-11-05']) {
    const session = await RawSession.open(village.url, tokenOf('alice'), { version });
    for (const body of bodies) {
      const answer = await session.post(JSON.stringify(body));
      expect(answer.status).toBe(400);
      const [message, ...more] = messagesOf(answer);
      expect(message).toMatchObject({ id: null, error: { code: -32600 } });
      expect(more).toEqual([]);
    }
  }
  expect(written()).toBe(before);
});

it.each(['sse', 'websocket', 'stdio'] as const)(
  '[P10] C03: over %s a batch is refused whole too',
  { timeout: 90_000 },
  async (door) => {
    const before = written();
    const client = await openDoor(door, village, tokenOf('alice'));
    try {
      const call = { name: 'ledger__append', arguments: { key: 'batch' } };
      const answer = await client.raw(JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call }]));
      expect(answer).toMatchObject({ id: null, error: { code: -32600 } });
      expect((await client.request('ping')).result).toEqual({});
      expect(written()).toBe(before);
    } finally {
      await client.close();
    }
  },
);

it('[P10] C03: on 2025-03-26 each message of a batch is checked by itself', async () => {
  const session = await RawSession.open(village.url, tokenOf('alice'), { version: '2025-03-26' });
  const request = (id: unknown, name: string) => ({
    ...{ jsonrpc: '2.0', id, method: 'tools/call' },
    params: { name, arguments: { text: `text ${String(id)}` } },
  });
  const batch = [
    request(1, 'ledger__echo'),
    request(2, 'ledger__progress'),
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 99 } },
    'garbage',
    request(1, 'ledger__echo'),
  ];
  const answers = messagesOf(await session.post(JSON.stringify(batch)));
  expect(answers.map(({ id, result, error }) => [id, result === undefined ? error?.code : 'result'])).toEqual([
    [1, 'result'],
    [2, -32602],
    [null, -32700],
    [1, -32600],
  ]);
});

interface Explained {
  readonly decision: string;
  readonly row: string | null;
  readonly reasons: string[];
}

async function explain(session: RawSession, args: object): Promise<Explained> {
  const { result, error } = await session.call('permission_explain', args);
  expect(error).toBeUndefined();
  return result?.structuredContent as object as Explained;
}

it('[M4] permission_explain says which row decides and why, runs nothing, and hides what lists hide', async () => {
  const before = written();
  const alice = await RawSession.open(village.url, tokenOf('alice'));
  const mine = await explain(alice, { tool: 'ledger__append', arguments: { key: 'much too long' } });
  expect(mine.decision).toBe('denied');
  expect(JSON.parse(mine.row!)).toMatchObject({ match: 'ledger/append' });
  expect(await explain(alice, { tool: 'ledger__append', arguments: { key: 'k' } })).toMatchObject({
    decision: 'allowed',
  });
  const hidden = await explain(alice, { tool: 'ledger__progress' });
  const unknown = await explain(alice, { tool: 'ledger__prograss' });
  expect(JSON.stringify(hidden).replaceAll('progress', 'NAME')).toBe(
    JSON.stringify(unknown).replaceAll('prograss', 'NAME'),
  );
  expect(hidden).toMatchObject({ decision: 'denied', row: null });
  const aboutBob = await alice.call('permission_explain', { tool: 'ledger__echo', agent_id: 'bob' });
  expect(JSON.stringify(aboutBob)).toContain('Only GOVERNANCE');
  const aboutNobody = await alice.call('permission_explain', { tool: 'ledger__echo', agent_id: 'nobody' });
  expect(JSON.stringify(aboutNobody.result)).toBe(JSON.stringify(aboutBob.result));
  const sage = await RawSession.open(village.url, tokenFor('sage', { governance_level: 'GOVERNANCE' }));
  expect(await explain(sage, { tool: 'ledger__progress', agent_id: 'dave' })).toMatchObject({ decision: 'denied' });
  expect(await explain(sage, { tool: 'ledger__echo', agent_id: 'bob' })).toMatchObject({ decision: 'allowed' });
  expect(written()).toBe(before);
});

it('[M4] aivillage explain says the same from the command line, and prints the whole matrix', async () => {
  const allowed = await village.cli('explain', '--agent', 'alice', 'ledger__echo');
  expect(allowed.stdout).toMatch(/^allowed\n/);
  expect(allowed.stdout).toContain('ledger/echo');
  const denied = await village.cli('explain', '--agent', 'dave', 'ledger/append');
  expect(denied.stdout).toMatch(/^denied\n/);
  expect(denied.stdout).toContain('needs level OPERATOR, dave has READ_ONLY');
  const rule = ['explain', '--agent', 'alice', 'ledger__append', '--args', '{"key":"much too long"}', '--json'];
  expect(JSON.parse((await village.cli(...rule)).stdout)).toMatchObject({ decision: 'denied' });
  const nobody = await village.cli('explain', '--agent', 'nobody', 'ledger__echo');
  expect(nobody.code).not.toBe(0);
  expect(nobody.stderr).toContain('nobody is no agent');
  const all = await village.cli('explain', '--all');
  expect(all.stdout).toMatch(/^service_register\s+EMERGENCY/m);
  expect(all.stdout).toMatch(/^ledger\/append\s+OPERATOR\s+configured/m);
});

it('[M5] [P9] a changed matrix holds within a second for a session that is open, a broken file changes nothing', async () => {
  const session = await RawSession.open(village.url, tokenOf('alice'));
  await session.namesOnceThere('ledger__echo');
  fs.writeFileSync(village.configFile, '{ "mcpServers": {}, "permissions": [ { "match": "*" ');
  await expect.poll(() => village.stderr(), { timeout: 10_000 }).toContain('the changed configuration is not used');
  expect((await session.call('ledger__echo', { text: 'still' })).result).toBeDefined();

  const since = performance.now();
  village.reconfigure(config(RULES.filter(({ match }) => match !== 'ledger/echo')));
  await expect
    .poll(async () => (await session.call('ledger__echo', { text: 'x' })).error?.message, {
      timeout: 10_000,
      interval: 10,
    })
    .toBe('Unknown tool: ledger__echo');
  const tookMs = Math.round(performance.now() - since);
  console.info(`a changed matrix was in force after ${tookMs} ms`);
  expect(await session.names()).not.toContain('ledger__echo');
  village.reconfigure(config(RULES));
  await session.namesOnceThere('ledger__echo');
});
