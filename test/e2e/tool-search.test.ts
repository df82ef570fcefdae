import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { benignDefinitions } from '../fixtures/definitions/benign.ts';
import { EventClient } from './lib/event-client.ts';
import { type JsonRpc, RawSession } from './lib/raw-client.ts';
import { until } from './lib/until.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

let folder: string;
let village: Village;
const structured = ({ result }: JsonRpc) => result!.structuredContent as Record<string, unknown>;

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'listed-'));
  const file = path.join(folder, 'tools.json');
  fs.writeFileSync(file, JSON.stringify({ tools: benignDefinitions(300) }));
  village = await Village.start({
    config: {
      mcpServers: { up: fixture('listed.ts', '--file', file), secret: fixture('listed.ts', '--file', file) },
      agents: { alice: { level: 'OPERATOR' }, sage: { level: 'GOVERNANCE', role: 'admin' } },
      permissions: [
        { match: 'up/*', level: 'OPERATOR' },
        { match: 'secret/*', level: 'EMERGENCY' },
      ],
    },
  });
  const session = await RawSession.open(village.url, tokenFor('alice'));
  await session.listed('up__list_file_0');
});
afterAll(async () => {
  await village.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

const lean = { experimental: { 'io.aivillage/lean': {} } };

it('[R9] a session in lean mode lists only the tools by which it finds others, and what it loaded', async () => {
  const alice = await RawSession.open(village.url, tokenFor('alice'), { capabilities: lean });
  expect(await alice.names()).toEqual(['tool_search', 'tool_load']);
  const found = structured(await alice.call('tool_search', { query: 'delete a customer', limit: 3 }));
  const [best] = found.tools as { name: string; input_schema: string; server: string }[];
  expect(best!.name).toMatch(/^up__delete_customer_\d+$/);
  expect(JSON.parse(best!.input_schema)).toMatchObject({ properties: { customer_id: { type: 'string' } } });
  const loaded = structured(
    await alice.call('tool_load', { names: [best!.name, 'up__nothing', 'secret__list_file_0'] }),
  );
  expect(loaded).toEqual({ loaded: [best!.name], unknown: ['up__nothing', 'secret__list_file_0'], lean: true });
  expect((await alice.names()).sort()).toEqual(['tool_load', 'tool_search', best!.name]);
  expect((await alice.call(best!.name, { customer_id: 'c1' })).error).toBeUndefined();
  await alice.call('tool_load', { remove: [best!.name] });
  expect(await alice.names()).toEqual(['tool_search', 'tool_load']);
});

it('[R9] [P9] its list changes when it loads something, and no other session is told', async () => {
  const alice = await RawSession.open(village.url, tokenFor('alice'), { capabilities: lean });
  const other = await RawSession.open(village.url, tokenFor('alice'));
  const [own, others] = [await EventClient.get(alice), await EventClient.get(other)];
  await alice.call('tool_load', { names: ['up__list_file_0'] });
  await until('it is told', () => own.of('notifications/tools/list_changed').length === 1);
  expect(others.of('notifications/tools/list_changed')).toEqual([]);
  expect((await other.names()).length).toBeGreaterThan(300);
  own.cut();
  others.cut();
});

it('[R9] an address can ask for it, for hosts that say nothing themselves', async () => {
  const alice = await RawSession.open(village.url, tokenFor('alice'), { path: '/mcp?lean=1' });
  expect(await alice.names()).toEqual(['tool_search', 'tool_load']);
});

it('[R9] [M2] nothing is found that its caller may not use', async () => {
  const alice = await RawSession.open(village.url, tokenFor('alice'));
  const { tools, searched } = structured(
    await alice.call('tool_search', { query: 'file service emergency', limit: 50 }),
  );
  const names = (tools as { name: string }[]).map(({ name }) => name);
  expect(names.filter((name) => name.startsWith('secret__') || name.startsWith('emergency'))).toEqual([]);
  expect(searched).toBe((await alice.names()).length);
});

it('[R10] reports risk, calls, errors and refusals of each tool to whoever may read the audit', async () => {
  const alice = await RawSession.open(village.url, tokenFor('alice'));
  for (let i = 0; i < 5; i++) await alice.call('up__get_issue_16', { issue_number: '1' });
  await alice.call('up__get_issue_16', { issue_number: "1' OR '1'='1" });
  expect((await alice.call('tool_report')).error).toMatchObject({ code: -32602 });
  const sage = await RawSession.open(village.url, tokenFor('sage', { role: 'admin', governance_level: 'GOVERNANCE' }));
  const { tools } = structured(await sage.call('tool_report', { tool: 'up__get_issue_16' }));
  expect(tools).toMatchObject([
    { name: 'up__get_issue_16', server: 'up', calls: 5, errors: 0, refused: 1, awaits_approval: false },
  ]);
  const [report] = tools as { p95_ms: number; max_ms: number; risk_score: number; last_used_at: string }[];
  expect(report!.p95_ms).toBeLessThanOrEqual(report!.max_ms);
  expect(Date.parse(report!.last_used_at)).toBeGreaterThan(Date.now() - 60_000);
  const riskiest = structured(await sage.call('tool_report', { server: 'up', limit: 1 })).tools as { name: string }[];
  expect(riskiest[0]!.name).toContain('delete');
});
