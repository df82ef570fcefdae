/**
 * The whole matrix against a model of it that is a table (C02): random cells of caller × door × endpoint × method × name. The
 * configuration file is rewritten all the while; after each rewriting a marker row tells when it is in force.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LEVEL_NAMES, LEVELS, type LevelName } from '../../../shared/identity/levels.ts';
import { type Door, type DoorClient, openDoor } from '../lib/doors.ts';
import type { JsonRpc } from '../lib/raw-client.ts';
import { RecordingServer } from '../lib/recording-server.ts';
import { tokenFor, Village } from '../lib/village.ts';

const CELLS = 2_000;
const CELLS_PER_MATRIX = 100;
const SEED = 20_251_125;

/** Numbers from a seed (mulberry32), so that a failure can be repeated. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
const pick = seeded(SEED);
const oneOf = <T>(items: readonly T[]): T => items[pick(items.length)]!;

interface Agent {
  readonly name: string;
  readonly level: LevelName;
  readonly permissions: readonly string[];
}
const AGENTS: readonly Agent[] = [
  { name: 'ann', level: 'READ_ONLY', permissions: [] },
  { name: 'bob', level: 'OPERATOR', permissions: ['notes:read'] },
  { name: 'cem', level: 'COORDINATOR', permissions: ['notes:*'] },
  { name: 'eve', level: 'EMERGENCY', permissions: [] },
];
/** Processes of their own, so not one for each agent. */
const STDIO_AGENTS = ['bob', 'eve'];

const SERVERS = [
  { id: 's1', prefix: undefined },
  { id: 's2', prefix: 'two-' },
  { id: 's3', prefix: '' },
] as const;
type ServerId = (typeof SERVERS)[number]['id'];

type Kind = 'tool' | 'resource' | 'template' | 'prompt';
interface Thing {
  readonly server: ServerId;
  readonly kind: Kind;
  /** As its server names it. */
  readonly own: string;
  /** As `/mcp` lists it. */
  readonly listed: string;
  /** The `match` of its row. */
  readonly match: string;
}

function thingsOf({ id, prefix }: (typeof SERVERS)[number]): Thing[] {
  const before = prefix ?? `${id}__`;
  const named = (kind: 'tool' | 'prompt', n: number): Thing => {
    const own = `${id}_${kind}${n}`;
    return { server: id, kind, own, listed: before + own, match: `${kind === 'prompt' ? 'prompt:' : ''}${id}/${own}` };
  };
  const addressed = (kind: 'resource' | 'template', n: number): Thing => {
    const own = `${id}://${kind}/${n}${kind === 'template' ? '/{name}' : ''}`;
    return { server: id, kind, own, listed: own, match: `resource:${own}` };
  };
  return [0, 1, 2, 3].flatMap((n) => [
    named('tool', n),
    addressed('resource', n),
    addressed('template', n),
    named('prompt', n),
  ]);
}
const THINGS = SERVERS.flatMap(thingsOf);
/** One of each server's that everybody may use, so that every endpoint opens. */
const OPEN = THINGS.filter(({ kind, own }) => kind === 'prompt' && own.endsWith('0'));

interface Row {
  readonly level: LevelName;
  readonly permission: string | undefined;
}
/** The model: a row for each thing that has one. */
const model = new Map<Thing, Row | undefined>();

function drawRow(thing: Thing): Row | undefined {
  if (OPEN.includes(thing)) return { level: 'READ_ONLY', permission: undefined };
  if (pick(5) === 0) return undefined;
  return { level: oneOf(LEVEL_NAMES), permission: pick(4) === 0 ? 'notes:read' : undefined };
}

function may(agent: Agent, thing: Thing): boolean {
  const row = model.get(thing);
  if (row === undefined || LEVELS[agent.level] < LEVELS[row.level]) return false;
  return (
    row.permission === undefined || agent.permissions.some((held) => held === 'notes:*' || held === row.permission)
  );
}

let recorders: ReadonlyMap<ServerId, RecordingServer>;
let village: Village;
let version = 0;

function config() {
  const marker = version % 2 === 0 ? {} : { permission: 'nobody:has' };
  return {
    mcpServers: Object.fromEntries(
      SERVERS.map(({ id, prefix }) => [
        id,
        { ...recorders.get(id)!.entry, ...(prefix === undefined ? {} : { prefix }) },
      ]),
    ),
    agents: Object.fromEntries(AGENTS.map(({ name, level, permissions }) => [name, { level, permissions }])),
    permissions: [
      { match: 'service_list', level: 'READ_ONLY', ...marker },
      ...[...model].flatMap(([{ match }, row]) =>
        row === undefined
          ? []
          : [{ match, level: row.level, ...(row.permission === undefined ? {} : { permission: row.permission }) }],
      ),
    ],
    router: { rateLimit: { perMinute: 1_000_000 } },
  };
}

const clients = new Map<string, DoorClient>();

async function clientOf(agent: Agent, door: Door, endpoint: ServerId | undefined): Promise<DoorClient> {
  const key = `${agent.name} ${door} ${endpoint ?? ''}`;
  let client = clients.get(key);
  if (client === undefined) {
    const { name, level, permissions } = agent;
    const token = tokenFor(name, { governance_level: level, permissions });
    client = await openDoor(door, village, token, endpoint === undefined ? '/mcp' : `/mcp/${endpoint}`);
    clients.set(key, client);
  }
  return client;
}

beforeAll(async () => {
  const started = await Promise.all(
    SERVERS.map((server) => {
      const own = (kind: Kind) => thingsOf(server).flatMap((thing) => (thing.kind === kind ? [thing.own] : []));
      return RecordingServer.start(server.id, {
        tools: own('tool'),
        resources: own('resource'),
        templates: own('template'),
        prompts: own('prompt'),
      });
    }),
  );
  recorders = new Map(SERVERS.map(({ id }, i) => [id, started[i]!]));
  for (const thing of THINGS) model.set(thing, drawRow(thing));
  village = await Village.start({ config: config() });
});
afterAll(async () => {
  await Promise.all([...clients.values()].map((client) => client.close()));
  await village.remove();
  await Promise.all([...recorders.values()].map((recorder) => recorder.close()));
});

/** Every router process has taken over the file; the longest that one of them took, in ms. */
async function inForce(): Promise<number> {
  const since = performance.now();
  const markerIsOpen = version % 2 === 0;
  const probes = [
    { agent: AGENTS[0]!, door: 'http' as const },
    ...STDIO_AGENTS.map((name) => ({
      agent: AGENTS.find((agent) => agent.name === name)!,
      door: 'stdio' as const,
    })),
  ];
  for (const { agent, door } of probes) {
    const client = await clientOf(agent, door, undefined);
    while ((await client.list('tools/list', 'tools', 'name')).includes('service_list') !== markerIsOpen) {
      if (performance.now() - since > 10_000) throw new Error('the changed matrix is not in force after 10 s');
      await wait(10);
    }
  }
  return performance.now() - since;
}

async function redraw(): Promise<number> {
  version++;
  for (let n = 0; n < Math.ceil(THINGS.length / 20); n++) {
    const thing = oneOf(THINGS);
    model.set(thing, drawRow(thing));
  }
  village.reconfigure(config());
  return inForce();
}

const LISTS = {
  'tools/list': { kind: 'tool', member: 'tools', key: 'name' },
  'resources/list': { kind: 'resource', member: 'resources', key: 'uri' },
  'resources/templates/list': { kind: 'template', member: 'resourceTemplates', key: 'uriTemplate' },
  'prompts/list': { kind: 'prompt', member: 'prompts', key: 'name' },
} as const;

const USES = [
  { method: 'tools/call', kind: 'tool', word: 'tool', params: (name: string) => ({ name, arguments: { a: 1 } }) },
  { method: 'resources/read', kind: 'resource', word: 'resource', params: (uri: string) => ({ uri }) },
  { method: 'resources/subscribe', kind: 'resource', word: 'resource', params: (uri: string) => ({ uri }) },
  { method: 'prompts/get', kind: 'prompt', word: 'prompt', params: (name: string) => ({ name }) },
  {
    method: 'completion/complete',
    kind: 'prompt',
    word: 'prompt',
    params: (name: string) => ({ ref: { type: 'ref/prompt', name }, argument: { name: 'a', value: 'b' } }),
  },
  {
    method: 'completion/complete',
    kind: 'template',
    word: 'resource',
    params: (uri: string) => ({ ref: { type: 'ref/resource', uri }, argument: { name: 'name', value: 'b' } }),
  },
] as const;

interface Cell {
  readonly agent: Agent;
  readonly door: Door;
  readonly endpoint: ServerId | undefined;
}

function drawCell(): Cell {
  const agent = oneOf(AGENTS);
  const doors: Door[] = STDIO_AGENTS.includes(agent.name)
    ? ['http', 'sse', 'websocket', 'stdio']
    : ['http', 'sse', 'websocket'];
  const door = oneOf(doors);
  const endpoint = door === 'http' && pick(3) === 0 ? oneOf(SERVERS).id : undefined;
  return { agent, door, endpoint };
}

const nameAt = (thing: Thing, { endpoint }: Cell) => (endpoint === undefined ? thing.listed : thing.own);

function takeReceived(): string[] {
  return [...recorders.values()].flatMap((recorder) => {
    const requests = recorder.requests().map((request) => `${recorder.id} ${request}`);
    recorder.received.length = 0;
    return requests;
  });
}

/** What is wrong in one cell, if anything. */
async function checkCell(cell: Cell): Promise<string | undefined> {
  const client = await clientOf(cell.agent, cell.door, cell.endpoint);
  takeReceived();
  const which = pick(10);
  if (which < 6) return checkUse(cell, client);
  if (which < 9) return checkList(cell, client);
  return checkRest(cell, client);
}

async function checkUse(cell: Cell, client: DoorClient): Promise<string | undefined> {
  const use = oneOf(USES);
  const thing = oneOf(THINGS.filter(({ kind }) => kind === use.kind));
  const name = nameAt(thing, cell);
  const answer = await client.request(use.method, use.params(name));
  const reached = takeReceived();
  const elsewhere = cell.endpoint !== undefined && cell.endpoint !== thing.server;
  // Rows open URIs, whichever server has them; on its own endpoint a server is asked for any of them.
  const isAsked = !elsewhere || thing.kind === 'resource' || thing.kind === 'template';
  const asked = cell.endpoint ?? thing.server;
  const what = `${JSON.stringify(cell)} ${use.method} ${name}: ${JSON.stringify(answer)}, reached ${reached.join()}`;
  if (may(cell.agent, thing) && isAsked) {
    // What somebody subscribed to already is not subscribed to again.
    const least = use.method === 'resources/subscribe' ? 0 : 1;
    const isThere = reached.length >= least && reached.length <= 1;
    const isRight = answer.result !== undefined && isThere && reached.every((each) => each.startsWith(`${asked} `));
    return isRight ? undefined : `not allowed, or not there alone: ${what}`;
  }
  return reached.length === 0 && isUnknown(answer, use.word, name) ? undefined : `not denied: ${what}`;
}

function isUnknown({ error }: JsonRpc, word: string, name: string): boolean {
  return (
    error?.code === -32602 &&
    error.message === `Unknown ${word}: ${name}` &&
    JSON.stringify(error.data) === '{"reason":"UNAUTHORIZED_ACCESS"}'
  );
}

async function checkList(cell: Cell, client: DoorClient): Promise<string | undefined> {
  const method = oneOf(Object.keys(LISTS) as (keyof typeof LISTS)[]);
  const { kind, member, key } = LISTS[method];
  const ours = new Set(THINGS.map((thing) => nameAt(thing, cell)));
  const listed = (await client.list(method, member, key)).filter((name) => ours.has(name)).sort();
  const expected = THINGS.filter(
    (thing) =>
      thing.kind === kind && may(cell.agent, thing) && (cell.endpoint === undefined || cell.endpoint === thing.server),
  )
    .map((thing) => nameAt(thing, cell))
    .sort();
  const reached = takeReceived();
  if (JSON.stringify(listed) === JSON.stringify(expected) && reached.length === 0) return undefined;
  return `${JSON.stringify(cell)} ${method}: listed ${listed.join()}, expected ${expected.join()}, reached ${reached.join()}`;
}

async function checkRest(cell: Cell, client: DoorClient): Promise<string | undefined> {
  const method = oneOf(['ping', 'unknown/x', 'tasks/list', 'server/discover']);
  const { result, error } = await client.request(method);
  const isRight = method === 'ping' ? JSON.stringify(result) === '{}' : error?.code === -32601;
  const reached = takeReceived();
  return isRight && reached.length === 0 ? undefined : `${JSON.stringify(cell)} ${method}: ${JSON.stringify(error)}`;
}

it(`[M1] [M2] [M5] C02: ${CELLS} random cells decide as a table says, at every door, while the table changes`, {
  timeout: 180_000,
}, async () => {
  const mismatches: string[] = [];
  const tookMs: number[] = [];
  await inForce();
  for (let n = 0; n < CELLS; n++) {
    if (n > 0 && n % CELLS_PER_MATRIX === 0) tookMs.push(await redraw());
    const mismatch = await checkCell(drawCell());
    if (mismatch !== undefined) mismatches.push(mismatch);
  }
  expect(mismatches).toEqual([]);
  const slowest = Math.round(Math.max(...tookMs));
  console.info(`a changed matrix was in force after ${slowest} ms at most, ${tookMs.length} changes, seed ${SEED}`);
  expect(slowest).toBeLessThan(10_000);
});

it('[M2] C02: a logging level reaches only servers of which the caller may use something', async () => {
  for (const thing of THINGS) model.set(thing, undefined);
  const mine = THINGS.find(({ server, kind }) => server === 's1' && kind === 'tool')!;
  model.set(mine, { level: 'READ_ONLY', permission: undefined });
  version++;
  village.reconfigure(config());
  await inForce();
  takeReceived();
  const client = await clientOf(AGENTS[0]!, 'http', undefined);
  expect((await client.request('logging/setLevel', { level: 'debug' })).result).toEqual({});
  await expect.poll(takeReceived).toEqual(['s1 logging/setLevel ']);
  await client.request('ping');
  expect(takeReceived()).toEqual([]);
});
