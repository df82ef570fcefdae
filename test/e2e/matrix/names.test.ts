/** C06 and D03: names that look like others, claim others' places, or mean something to JavaScript. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawSession, textOf } from '../lib/raw-client.ts';
import { RecordingServer } from '../lib/recording-server.ts';
import { claims, fixture, sign, tokenFor, Village } from '../lib/village.ts';

const AGENTS = { alice: { level: 'OPERATOR' }, constructor: { level: 'READ_ONLY' }, dave: { level: 'READ_ONLY' } };
const PERMISSIONS = [
  { match: '*', level: 'OPERATOR' },
  { match: '*/*', level: 'COORDINATOR' },
];

async function statusOf(session: RawSession, id: string) {
  const { result } = await session.call('service_status', { id });
  return result?.structuredContent as { withheld: { name: string; why: string; list: string }[] };
}

const ORDERS = [
  ['a', 'a__b', 'open1', 'open2', 'evil'],
  ['evil', 'open1', 'a__b', 'open2', 'a'],
];
it.each(ORDERS.map((order) => [order.join(', '), order] as const))(
  '[M2] [R1] C06: names lead to the server that has the prefix, configured as %s',
  async (_, order) => {
    const servers = new Map([
      ['a', await RecordingServer.start('a', { tools: ['b__c', 'plain'] })],
      ['a__b', await RecordingServer.start('a__b', { tools: ['c'] }, 'a')],
      ['open1', await RecordingServer.start('open1', { tools: ['a__b__c', 'a__plain', 'system_performance', 'own1'] })],
      ['open2', await RecordingServer.start('open2', { tools: ['audit_query', 'evil__echo', 'own2'] }, 'router')],
    ]);
    const village = await Village.start({
      config: {
        mcpServers: Object.fromEntries(
          order.map((id) => [
            id,
            id === 'evil'
              ? fixture('evil.ts')
              : { ...servers.get(id)!.entry, ...(id.startsWith('open') ? { prefix: '' } : {}) },
          ]),
        ),
        agents: AGENTS,
        permissions: PERMISSIONS.slice(0, 1),
      },
    });
    try {
      const session = await RawSession.open(village.url, tokenFor('alice'));
      const names = await session.namesOnceThere('a__b__c', 'a__plain', 'own1', 'own2', 'evil__echo');
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      const callable: readonly (readonly [string, string])[] = [
        ['a__b__c', 'a__b tools/call c'],
        ['a__plain', 'a tools/call plain'],
        ['own1', 'open1 tools/call own1'],
        ['own2', 'open2 tools/call own2'],
        ['evil__echo', 'evil echo'],
        ['evil__ECHO', 'evil ECHO'],
        ['evil__append', 'evil append'],
        ['evil____proto__', 'evil __proto__'],
        ['evil__constructor', 'evil constructor'],
        ['evil__hasOwnProperty', 'evil hasOwnProperty'],
      ];
      for (const [name, answer] of callable) {
        expect(names).toContain(name);
        expect(textOf(await session.call(name))).toBe(answer);
      }
      for (const name of [
        'evil__echo\u200b',
        'evil__echo ',
        '\u0435\u0441\u04bb\u043e',
        'evil__a/b',
        'evil__',
        'evil__b__c ',
      ]) {
        expect((await session.call(name)).error).toMatchObject({ code: -32602 });
      }

      const withheld = await Promise.all(['a', 'open1', 'open2', 'evil'].map((id) => statusOf(session, id)));
      expect(withheld.map((status) => status.withheld.map(({ name }) => name))).toEqual([
        ['b__c'],
        ['a__b__c', 'a__plain', 'system_performance'],
        ['audit_query', 'evil__echo'],
        ['\u0435\u0441\u04bb\u043e', 'echo\u200b', '\uff45\uff43\uff48\uff4f', 'echo ', 'x'.repeat(129), 'a/b', ''],
      ]);
      expect(withheld[0]!.withheld[0]!.why).toBe('names that begin with a__b__ belong to another server');
      expect(withheld[1]!.withheld.map(({ why }) => why)).toContain('the name belongs to monitoring');

      // Rows go by the name that all servers share, so what lost its name there cannot be had at the server's own endpoint either.
      const alone = await RawSession.open(village.url, tokenFor('alice'), { path: '/mcp/open1' });
      expect(await alone.names()).toEqual(['own1']);
      expect((await alone.call('a__plain')).error).toMatchObject({ code: -32602 });
      expect(servers.get('open1')!.requests()).toEqual(['tools/call own1']);
      expect(servers.get('a')!.requests()).toEqual(['tools/call plain']);
    } finally {
      await village.remove();
      await Promise.all([...servers.values()].map((server) => server.close()));
    }
  },
);

let village: Village;
let recorder: RecordingServer;
const WEIRD = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];

beforeAll(async () => {
  recorder = await RecordingServer.start('proto', {
    tools: WEIRD,
    prompts: WEIRD,
    resources: WEIRD.map((name) => `x://${name}`),
  });
  const entries = WEIRD.map((id) => `"${id}":${JSON.stringify(recorder.entry)}`);
  // Written by hand: an object literal would set the prototype instead of the key.
  const text = JSON.stringify({
    mcpServers: { SERVERS: 0 },
    agents: AGENTS,
    permissions: [
      { match: '*', level: 'OPERATOR' },
      { match: 'resource:x://*', level: 'OPERATOR' },
      { match: 'prompt:*', level: 'OPERATOR' },
    ],
  }).replace('"SERVERS":0', entries.join(','));
  village = await Village.start({ config: JSON.parse(text) });
});
afterAll(async () => {
  await village.remove();
  await recorder.close();
});

it.each(WEIRD)('[X1] D03: a server and a tool, resource and prompt named %s work like any other', async (name) => {
  const session = await RawSession.open(village.url, tokenFor('alice'));
  await session.namesOnceThere(...WEIRD.map((id) => `${id}__${id}`));
  expect(textOf(await session.call(`${name}__${name}`, { a: 1 }))).toBe(`proto tools/call ${name}`);
  expect((await session.request('prompts/get', { name: `${name}__${name}` })).result).toBeDefined();
  expect((await session.request('resources/read', { uri: `x://${name}` })).result).toBeDefined();
  const alone = await RawSession.open(village.url, tokenFor('alice'), { path: `/mcp/${name}` });
  expect(await alone.names()).toEqual(WEIRD);
  const answer = await session.call('service_status', { id: name });
  expect(answer.result?.structuredContent).toMatchObject({ id: name, status: 'healthy' });
});

it.each(['__proto__', 'prototype', 'valueOf', 'isPrototypeOf', '__defineGetter__'])(
  '[M2] D03: %s is an unknown name, an unknown server, an unknown path and an unknown session',
  async (name) => {
    const session = await RawSession.open(village.url, tokenFor('alice'));
    expect((await session.call(name)).error).toMatchObject({ code: -32602, message: `Unknown tool: ${name}` });
    expect((await session.request('prompts/get', { name })).error).toMatchObject({ code: -32602 });
    expect((await session.request(name)).error).toMatchObject({ code: -32601 });
    const foreign = await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { 'mcp-session-id': name });
    expect(foreign.status).toBe(404);
  },
);

const POLLUTING = '{"isAdmin":true,"polluted":"canary-4711","governance_level":"EMERGENCY"}';

it.each([
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"constructor__constructor","arguments":{"__proto__":${POLLUTING}}}}`,
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"constructor__constructor","_meta":{"__proto__":${POLLUTING}}}}`,
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"constructor__constructor","__proto__":${POLLUTING}}}`,
  `{"jsonrpc":"2.0","id":1,"method":"ping","__proto__":${POLLUTING},"constructor":{"prototype":${POLLUTING}}}`,
  `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"__proto__":{"cursor":"x"},"constructor":{"prototype":${POLLUTING}}}}`,
  `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"__proto__":${POLLUTING}},"argument":{}}}`,
  `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"__proto__","__proto__":${POLLUTING}}}`,
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"service_status","arguments":{"id":"constructor","__proto__":${POLLUTING}}}}`,
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"permission_explain","arguments":{"tool":"service_list","arguments":{"__proto__":${POLLUTING}}}}}`,
])('[S3] D03: %s has no effect on anybody', async (text) => {
  const session = await RawSession.open(village.url, tokenFor('alice'));
  expect((await session.post(text)).status).toBeLessThan(500);
  await expectUnpolluted();
});

it('[A1] D03: claims named like parts of Object.prototype give nobody anything', async () => {
  const payload = Buffer.from(
    JSON.stringify(claims('dave', { governance_level: 'READ_ONLY' })).replace('{', `{"__proto__":${POLLUTING},`),
  );
  const polluted = JSON.parse(payload.toString()) as Record<string, unknown>;
  const answer = await RawSession.open(village.url, sign(polluted)).catch((error: unknown) => error);
  if (answer instanceof RawSession) {
    expect((await answer.call('constructor__constructor')).error).toMatchObject({ code: -32602 });
  }
  // An agent may be called so; it has the rights that its entry says.
  const odd = await RawSession.open(village.url, tokenFor('constructor', { governance_level: undefined }));
  expect((await odd.call('constructor__constructor')).error).toMatchObject({ code: -32602 });
  const nobody = await RawSession.open(village.url, tokenFor('toString', { governance_level: undefined }));
  expect((await nobody.call('constructor__constructor')).error).toMatchObject({ code: -32602 });
  await expectUnpolluted();
});

/** dave may do what he might, and nothing in any answer shows what was planted. */
async function expectUnpolluted(): Promise<void> {
  const dave = await RawSession.open(village.url, tokenFor('dave', { governance_level: 'READ_ONLY' }));
  expect((await dave.call('constructor__constructor')).error).toMatchObject({ code: -32602 });
  const seen = [
    await dave.request('tools/list'),
    await dave.call('service_list'),
    await dave.call('permission_explain', { tool: 'service_list' }),
  ];
  expect(JSON.stringify(seen)).not.toMatch(/canary-4711|isAdmin/);
}
