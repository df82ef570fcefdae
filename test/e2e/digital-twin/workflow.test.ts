import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { filesBelow, filesHolding, saidOnDays } from '../../fixtures/digital-twin/twins.ts';
import { type Governed, startGoverned, structured, until, untilStatus, vote } from '../lib/governed.ts';
import { RawSession } from '../lib/raw-client.ts';
import { LAUNCHER, tokenFor } from '../lib/village.ts';

const PASSPHRASE = 'canary passphrase 7731';
const CANARIES = ['canary-7731@example.org', '192.0.2.77', 'under the third stair'];
const PATTERN = 'When the nightly backup fails, the disk of the cellar is full';
const FACT = {
  kind: 'knowledge',
  content: `${PATTERN}; write to ${CANARIES[0]} and look at ${CANARIES[1]} first.`,
  domain: 'operations',
};
const SECRET = { kind: 'personal', content: `The spare key of my flat lies ${CANARIES[2]}.` };

let governed: Governed;
let alice: RawSession;
let magi: RawSession;

beforeAll(async () => {
  const serve = (id: string) => ({ command: 'node', args: [LAUNCHER, 'serve', id] });
  const mcpServers = { hyperrag: serve('hyperrag'), 'digital-twin': serve('digital-twin') };
  governed = await startGoverned({ mcpServers }, { MCP_LOG_LEVEL: 'debug', TWIN_PASSPHRASE: PASSPHRASE });
  [alice, magi] = [await governed.as('alice'), await governed.as('magi')];
  for (const session of [alice, magi]) await session.listed('twin_observe');
  await magi.listed('knowledge_elevation');
});
afterAll(() => governed.remove());

async function list(session: RawSession, tool: string, key: string, args: object): Promise<Record<string, unknown>[]> {
  return structured(await session.call(tool, args))[key] as Record<string, unknown>[];
}

async function read(session: RawSession, uri: string): Promise<Record<string, unknown>> {
  const { result, error } = await session.request('resources/read', { uri });
  if (result === undefined) throw new Error(JSON.stringify(error));
  return JSON.parse((result.contents as { text: string }[])[0]!.text) as Record<string, unknown>;
}

it('[T2] [T5] [T6] [H7] workflow 2: a twin elevates what it is sure of, another agent finds it, and nothing personal is anywhere', async () => {
  const observations = [...saidOnDays(4, FACT, Date.now()), SECRET];
  await list(alice, 'twin_observe', 'observed', { observations });
  const [found] = await list(alice, 'mini_rag_query', 'results', {
    query: 'Why does the nightly backup fail?',
    min_confidence: 0.8,
    anonymization_required: true,
  });
  expect(found).toMatchObject({ anonymized_content: expect.stringContaining(PATTERN), semantic_domain: 'operations' });
  const ids = { candidate_ids: [found?.fact_id] };
  expect(await list(alice, 'twin_elevate', 'elevated', ids)).toMatchObject([{ outcome: 'no_consent' }]);
  expect(await list(magi, 'hyperrag_query', 'results', { query: 'nightly backup fails' })).toEqual([]);

  await alice.call('twin_consent', { action: 'grant', purpose: 'knowledge_elevation' });
  const { candidates } = await read(alice, 'twin://candidates');
  expect(candidates).toMatchObject([{ candidate_id: found?.fact_id, withheld_because: null }]);
  expect(await list(alice, 'twin_elevate', 'elevated', ids)).toMatchObject([
    { outcome: 'sent', knowledge_id: expect.stringMatching(/^kn_/) },
  ]);

  const [known] = await list(magi, 'hyperrag_query', 'results', { query: 'Why does the nightly backup fail?' });
  expect(known).toMatchObject({
    text: expect.stringContaining(PATTERN),
    kind: 'knowledge',
    namespace: 'shared',
    source: 'digital-twin',
  });
  expect(Number(known?.confidence)).toBeGreaterThan(0);
  expect(JSON.stringify(known)).not.toContain('alice');

  const audit = await governed.village.audit();
  expect(audit.some((record) => record.agent === 'digital-twin')).toBe(true);
  const places = JSON.stringify(audit) + governed.village.stderr();
  for (const canary of CANARIES) {
    expect(filesHolding(governed.village.folder, canary), canary).toEqual([]);
    expect(places).not.toContain(canary);
  }
  const holding = filesHolding(governed.village.dataDir, PATTERN).map((file) => path.basename(file));
  expect(holding.length, 'the same search finds what was elevated').toBeGreaterThan(0);
  expect(holding.every((name) => name.startsWith('hyperrag.db'))).toBe(true);
});

it('[T1] [M2] through the router nobody meets another twin, and who may not elevate does not learn that others may', async () => {
  expect(await list(magi, 'mini_rag_query', 'results', { query: 'nightly backup, spare key' })).toEqual([]);
  expect(await read(magi, 'twin://profile')).toEqual({ profile: null });
  expect(await read(magi, 'twin://candidates')).toEqual({ candidates: [] });
  const { error } = await magi.request('resources/subscribe', { uri: 'twin://profile' });
  expect(error).toMatchObject({ code: -32602 });
  const dave = await RawSession.open(governed.village.url, tokenFor('dave', { governance_level: 'READ_ONLY' }));
  const names = await dave.names();
  expect(names).toContain('mini_rag_query');
  expect(names).not.toContain('twin_elevate');
  const [denied, unknown] = [await dave.call('twin_elevate'), await dave.call('twin_levitate')];
  expect(denied.error?.message.replace('twin_elevate', 'X')).toBe(unknown.error?.message.replace('twin_levitate', 'X'));
  const nobody = await governed.village.cli(
    'token',
    'issue',
    '--agent',
    'digital-twin',
    '--level',
    'OPERATOR',
    '--role',
    'user',
  );
  const forged = RawSession.open(governed.village.url, nobody.stdout.trim());
  await expect(forged).rejects.toThrow('401');
});

it('[G7] workflow 1 reaches the twins and HyperRAG: both keep things for as long as the policy says', async () => {
  const memory = { action: 'store', content: 'The harvest begins in week 30.' };
  const [before] = await list(alice, 'hyperrag_memory', 'memories', memory);
  const days = async () => ((await read(alice, 'twin://profile')).profile as { retention_days: number }).retention_days;
  const kept = async () => {
    const [now] = await list(alice, 'hyperrag_memory', 'memories', {
      action: 'retrieve',
      memory_id: before?.memory_id,
    });
    return Math.round((Date.parse(String(now?.expires_at)) - Date.parse(String(now?.created_at))) / 86_400_000);
  };
  await until('both follow the default', async () => (await days()) === 30 && (await kept()) === 30);
  const sage = await governed.as('sage');
  const proposed = structured(
    await sage.call('governance_proposal', {
      title: 'Update Knowledge Retention Policy',
      description: 'From 30 days to 90 days',
      type: 'major_change',
      impact_assessment: { affected_systems: ['hyperrag', 'digital-twin'], risk_level: 'medium', reversible: true },
      action: { tool: 'governance_policy', arguments: { policy: 'knowledge.retention_days', value: 90 } },
    }),
  );
  const id = String(proposed.proposal_id);
  await vote(await governed.as('curator'), id);
  await vote(await governed.as('king'), id);
  await untilStatus(sage, id, 'executed');
  await until('both follow 90 days', async () => (await days()) === 90 && (await kept()) === 90);
});

it('[T1] [B06] what unlocks the twins reaches their process and no other, no file and no log', () => {
  const { pid } = governed.village.process;
  const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const holders = children.filter((child) => fs.readFileSync(`/proc/${child}/environ`).includes(PASSPHRASE));
  const commands = holders.map((child) => fs.readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0'));
  expect(commands).toMatchObject([expect.arrayContaining(['serve', 'digital-twin'])]);
  expect(children.length).toBeGreaterThan(holders.length);
  expect(filesHolding(governed.village.folder, PASSPHRASE)).toEqual([]);
  expect(governed.village.stderr()).not.toContain(PASSPHRASE);
});

it('[T7] erased through the router, a twin leaves nothing', async () => {
  const folder = path.join(governed.village.dataDir, 'twins');
  expect(filesBelow(folder).some((file) => file.endsWith('.twin'))).toBe(true);
  expect(structured(await alice.call('twin_erase', { what: { scope: 'all' }, confirm: true }))).toMatchObject({
    twin_erased: true,
  });
  expect(filesBelow(folder).filter((file) => file.includes('.twin'))).toEqual([]);
  for (const canary of CANARIES) expect(filesHolding(governed.village.folder, canary)).toEqual([]);
});
