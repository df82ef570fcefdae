/** What who watches a village reads: calls of now with their steps, servers, and the matrix; each as far as the caller may know. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilListed } from '../lib/oracle.ts';
import { RawSession } from '../lib/raw-client.ts';
import { until } from '../lib/until.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

let village: Village;
let alice: RawSession;
let bob: RawSession;
let sage: RawSession;

beforeAll(async () => {
  village = await Village.start({
    config: {
      mcpServers: { mirror: fixture('mirror.ts') },
      agents: {
        alice: { level: 'OPERATOR' },
        bob: { level: 'READ_ONLY' },
        sage: { level: 'GOVERNANCE', role: 'admin' },
      },
      permissions: [{ match: 'mirror/*', level: 'OPERATOR' }],
    },
  });
  const as = (agent: string, claims = {}) => RawSession.open(village.url, tokenFor(agent, claims));
  alice = await as('alice');
  bob = await as('bob', { governance_level: 'READ_ONLY' });
  sage = await as('sage', { governance_level: 'GOVERNANCE', role: 'admin' });
  await untilListed(alice, 'mirror__mirror');
});
afterAll(() => village.remove());

interface Calls {
  readonly all: boolean;
  readonly calls: {
    readonly call_id: string;
    readonly agent: string;
    readonly tool: string;
    readonly outcome: string;
  }[];
  readonly seconds: { readonly calls: number; readonly p50_ms: number; readonly p99_ms: number }[];
}

async function read<T>(session: RawSession, uri: string): Promise<T> {
  const { result, error } = await session.request('resources/read', { uri });
  if (error !== undefined) throw new Error(error.message);
  const { contents } = result as { contents: { text: string }[] };
  return JSON.parse(contents[0]!.text) as T;
}

it('[C2] [O9] shows the calls of now with where their time went, each caller its own, GOVERNANCE those of all', async () => {
  await alice.call('mirror__mirror', { a: 1 });
  const own = await read<Calls>(alice, 'village://calls');
  expect(own).toMatchObject({ all: false, seconds: [] });
  expect(own.calls[0]).toMatchObject({ agent: 'alice', tool: 'mirror__mirror', outcome: 'ok' });
  const { call_id } = own.calls[0]!;
  const { steps } = await read<{ steps: { step: string; ms: number }[] }>(sage, `village://calls/${call_id}`);
  expect(steps.map(({ step }) => step)).toEqual(['admit', 'record_start', 'upstream', 'record_end']);
  expect(steps.every(({ ms }) => ms >= 0)).toBe(true);
  expect((await read<Calls>(bob, 'village://calls')).calls).toEqual([]);
  await expect(read(bob, `village://calls/${call_id}`)).rejects.toThrow(/unknown/i);
  const all = await until('the second is over', async () => {
    const seen = await read<Calls>(sage, 'village://calls');
    return seen.seconds.length > 0 && seen;
  });
  expect(all.calls.some((call) => call.call_id === call_id)).toBe(true);
  expect(all.seconds[0]!.p99_ms).toBeGreaterThanOrEqual(all.seconds[0]!.p50_ms);
});

it('[C2] finds calls by a word of their agent, tool, server or outcome', async () => {
  await sage.call('audit_query', { limit: 1 });
  const found = await read<Calls>(sage, 'village://calls/like/AUDIT_');
  expect(found.calls.map(({ tool }) => tool)).toEqual(['audit_query']);
  expect((await read<Calls>(sage, 'village://calls/like/no%20such')).calls).toEqual([]);
});

it('[C2] watching is not on record, and does not show itself', async () => {
  await read(sage, 'village://calls');
  await read(sage, 'village://services');
  const { result } = await sage.call('audit_query', { agent: 'sage', limit: 1000 });
  const text = JSON.stringify(result);
  expect(text).toContain('audit_query');
  expect(text).not.toMatch(/village:\/\/(calls|services)/);
});

it('[C2] [O8] tells of servers as service_list does', async () => {
  const { services } = await read<{ services: { id: string; status: string }[] }>(bob, 'village://services');
  expect(services).toContainEqual(expect.objectContaining({ id: 'mirror', status: 'healthy' }));
});

interface MatrixView {
  readonly agents: { readonly agent: string }[];
  readonly targets: {
    readonly name: string;
    readonly row: { readonly match: string; readonly level: string } | null;
    readonly you: string;
    readonly may: { readonly agent: string; readonly decision: string }[];
  }[];
}

it('[C2] [M1] prints the matrix: for GOVERNANCE who may what, for others what concerns them', async () => {
  const whole = await read<MatrixView>(sage, 'village://matrix');
  const of = (view: MatrixView, name: string) => view.targets.find((target) => target.name === name);
  expect(whole.agents.map(({ agent }) => agent)).toEqual(['alice', 'bob', 'sage']);
  expect(of(whole, 'mirror__mirror')).toMatchObject({
    row: { match: 'mirror/*', level: 'OPERATOR' },
    may: [
      { agent: 'alice', decision: 'allowed' },
      { agent: 'sage', decision: 'allowed' },
    ],
  });
  expect(of(whole, 'service_register')).toMatchObject({ you: 'denied', may: [] });
  expect(of(whole, 'approved_call')).toMatchObject({ you: 'denied', may: [] });
  const own = await read<MatrixView>(bob, 'village://matrix');
  expect(own.agents).toEqual([]);
  expect(of(own, 'mirror__mirror')).toBeUndefined();
  expect(of(own, 'service_list')).toMatchObject({ you: 'allowed', may: [] });
});
