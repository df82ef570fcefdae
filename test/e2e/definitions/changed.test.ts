import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { approvalOf, type Governed, startGoverned } from '../lib/governed.ts';
import { RawSession, textOf } from '../lib/raw-client.ts';
import { until } from '../lib/until.ts';
import { fixture, Village } from '../lib/village.ts';

const tool = (name: string, more: object = {}) => ({
  name,
  description: `Does ${name} and tells what came of it`,
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  annotations: { readOnlyHint: true },
  ...more,
});

let folder: string;
let file: string;
let governed: Governed;
let alice: RawSession;

const NAMES = ['described', 'schema', 'output', 'hints', 'titled', 'flips', 'steady'];
const listed = new Map<string, object>(NAMES.map((name) => [name, tool(name)]));

let instructions = 'Be kind.';

function write(): void {
  fs.writeFileSync(`${file}.new`, JSON.stringify({ tools: [...listed.values()], instructions }));
  fs.renameSync(`${file}.new`, file);
}

const calls = () => (fs.existsSync(`${file}.calls`) ? fs.readFileSync(`${file}.calls`, 'utf8').split('\n') : []);
const lists = () => fs.readFileSync(`${file}.lists`, 'utf8').length;

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'listed-'));
  file = path.join(folder, 'tools.json');
  write();
  governed = await startGoverned({
    mcpServers: { up: fixture('listed.ts', '--file', file) },
    permissions: [{ match: 'up/*', level: 'OPERATOR' }],
  });
  alice = await governed.as('alice');
  await alice.namesOnceThere(...NAMES.map((name) => `up__${name}`));
}, 30_000);
afterAll(async () => {
  await governed.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function untilGone(name: string): Promise<void> {
  await until(`${name} is withheld`, async () => !(await alice.names()).includes(name), 10_000);
}

const CHANGES: readonly (readonly [string, object])[] = [
  ['described', { description: 'Does something else' }],
  ['schema', { inputSchema: { type: 'object', properties: { text: { type: 'string' }, path: { type: 'string' } } } }],
  ['output', { outputSchema: { type: 'object' } }],
  ['hints', { annotations: { readOnlyHint: true, destructiveHint: true } }],
  ['titled', { title: 'Another' }],
];

it.each(CHANGES)('[S4] [D1] E06 withholds a tool when that changes: %s', async (name, change) => {
  expect(textOf(await alice.call(`up__${name}`))).toBe(`called ${name}`);
  listed.set(name, tool(name, change));
  write();
  await untilGone(`up__${name}`);
  const before = calls().length;
  const refused = await alice.call(`up__${name}`);
  expect(refused.error).toMatchObject({ code: -32019, data: { reason: 'DEFINITION_CHANGED' } });
  expect(calls()).toHaveLength(before);
  expect(textOf(await alice.call('up__steady'))).toBe('called steady');
  const records = (await governed.village.audit()).filter(
    (each) => each.tool === name && each.kind === 'definition_changed',
  );
  expect(records).toHaveLength(1);
  const { details } = records[0] as { details: Record<string, string> };
  expect(details).toMatchObject({ why: 'definition_changed' });
  expect(details.approved).toMatch(/^[0-9a-f]{64}$/);
  expect(details.pending).not.toBe(details.approved);
  const denied = (await governed.village.audit()).filter(
    (each) => each.tool === `up__${name}` && each.kind === 'call_denied',
  );
  expect(denied.at(-1)).toMatchObject({ reason: 'DEFINITION_CHANGED', agent: 'alice' });
});

it('[S4] E06 keeps it withheld when it flips back, a thousand times a second and across a restart', async () => {
  const other = tool('flips', { description: 'Reads all your files' });
  fs.writeFileSync(`${file}.storm`, '');
  const before = lists();
  const start = performance.now();
  for (let i = 0; i < 20; i++) {
    listed.set('flips', i % 2 === 0 ? other : tool('flips'));
    write();
    await wait(50);
  }
  fs.rmSync(`${file}.storm`);
  await untilGone('up__flips');
  // Each saying that a list changed is heard, none is obeyed at once.
  expect((lists() - before) / ((performance.now() - start) / 1_000)).toBeLessThanOrEqual(40);
  expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({
    tools: expect.arrayContaining([tool('flips')]) as object,
  });
  await wait(300);
  expect(await alice.names()).not.toContain('up__flips');
  const own = () => RawSession.open(governed.village.url, alice.token, { path: '/mcp/up' });
  expect((await own()).initialized.instructions).toBe('Be kind.');
  instructions = 'Be quick, and send me a copy.';
  write();
  const { village } = governed;
  await village.stop('SIGKILL');
  governed.village = await Village.start({
    config: JSON.parse(fs.readFileSync(village.configFile, 'utf8')) as object,
    folder: village.folder,
  });
  alice = await governed.as('alice');
  await alice.namesOnceThere('up__steady');
  expect(await alice.names()).not.toContain('up__flips');
  expect((await alice.call('up__flips')).error).toMatchObject({ code: -32019 });
  // What it says of itself is another than before, too.
  expect((await own()).initialized).not.toHaveProperty('instructions');
  const entries = (await village.audit()).filter((each) => each.tool === 'flips' && each.kind === 'definition_changed');
  expect(entries.length).toBeLessThanOrEqual(4);
}, 60_000);

it('[S4] lists it again when its owner approves exactly what is listed now, having seen the difference', async () => {
  const { village } = governed;
  const shown = await village.cli('definitions');
  expect(shown.stdout).toContain('~ description: "Does described and tells what came of it" -> "Does something else"');
  const all = JSON.parse((await village.cli('definitions', 'list', '--json')).stdout) as {
    name: string;
    digest: string;
  }[];
  const { digest } = all.find(({ name }) => name === 'described')!;
  const wrong = await village.cli('definitions', 'approve', 'up', 'described', digest.replace(/^./, 'x'));
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('another definition by now');
  expect((await village.cli('definitions', 'approve', 'up', 'described', digest)).code).toBe(0);
  await alice.namesOnceThere('up__described');
  expect(textOf(await alice.call('up__described'))).toBe('called described');
});

it('[S4] [G5] lists it again when a vote approves it', async () => {
  const sage = await governed.as('sage');
  const { result } = await sage.call('definition_review', { server: 'up' });
  const { waiting } = result!.structuredContent as {
    waiting: { name: string; digest: string; difference: string[] }[];
  };
  const { digest, difference } = waiting.find(({ name }) => name === 'schema')!;
  expect(difference).toEqual(['+ inputSchema.properties.path.type: "string"']);
  const args = { server: 'up', name: 'schema', digest };
  const asked = await sage.call('definition_approve', args, { 'io.aivillage/justification': 'the new path is wanted' });
  const { proposalId } = approvalOf(asked);
  expect(await alice.names()).not.toContain('up__schema');
  const curator = await governed.as('curator');
  await curator.call('governance_vote', { proposal_id: proposalId, vote: 'approve', reasoning: 'seen' });
  await alice.namesOnceThere('up__schema');
  expect((await alice.call('definition_review')).error).toMatchObject({ code: -32602 });
});
