import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilListed } from './lib/oracle.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

let village: Village;

beforeAll(async () => {
  village = await Village.start({
    config: {
      mcpServers: { up: fixture('tools.ts') },
      agents: { alice: { level: 'OPERATOR' }, dave: { level: 'READ_ONLY' } },
      permissions: [{ match: 'up/*', level: 'OPERATOR' }],
    },
  });
});
afterAll(() => village.remove());

it('[R1] [M1] [D1] takes a call from a token through the matrix and the audit to its server and back', async () => {
  const session = await RawSession.open(village.url, tokenFor('alice'));
  await untilListed(session, 'up__echo');
  expect(textOf(await session.call('up__echo', { text: 'hello' }))).toBe('hello');
  const records = (await village.audit()).filter(({ tool }) => tool === 'up__echo');
  expect(records.map(({ kind, outcome, agent, server }) => ({ kind, outcome, agent, server }))).toEqual([
    { kind: 'call_started', outcome: undefined, agent: 'alice', server: 'up' },
    { kind: 'call_finished', outcome: 'ok', agent: 'alice', server: 'up' },
  ]);
  expect((await village.cli('audit', 'verify')).stdout).toMatch(/^\d+ records verified\n$/);
});

it('[M2] answers a denied name exactly like an unknown one, and puts the denial on record', async () => {
  const session = await RawSession.open(village.url, tokenFor('dave', { governance_level: 'READ_ONLY' }));
  expect(await session.names()).not.toContain('up__echo');
  const denied = await session.call('up__echo', { text: 'x' });
  const unknown = await session.call('up__nothing', { text: 'x' });
  expect(denied.error).toEqual({ ...unknown.error, message: 'Unknown tool: up__echo' });
  expect(denied.error?.code).toBe(-32602);
  expect((await village.audit()).filter(({ agent }) => agent === 'dave').map(({ kind }) => kind)).toEqual([
    'session_opened',
    'call_denied',
    'call_denied',
  ]);
});

it('[P6] serves one server alone at /mcp/<id>, with its own names', async () => {
  const session = await RawSession.open(village.url, tokenFor('alice'), { path: '/mcp/up' });
  expect(await session.names()).toContain('echo');
  expect(textOf(await session.call('echo', { text: 'own name' }))).toBe('own name');
});
