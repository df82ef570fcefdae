import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tempFolder } from '../../fixtures/hyperrag/knowledge.ts';
import { untilListed } from '../lib/oracle.ts';
import { RawSession, textOf } from '../lib/raw-client.ts';
import { LAUNCHER, tokenFor, Village } from '../lib/village.ts';

let village: Village;
let folder: string;

beforeAll(async () => {
  folder = tempFolder();
  fs.writeFileSync(path.join(folder, 'well.md'), '# The north well\n\nThe north well is cleaned by Ida Lund in May.\n');
  village = await Village.start({
    config: {
      mcpServers: { hyperrag: { command: 'node', args: [LAUNCHER, 'serve', 'hyperrag'] } },
      agents: { sage: { level: 'OPERATOR' }, magi: { level: 'OPERATOR' }, dave: { level: 'READ_ONLY' } },
    },
    env: { HYPERRAG_FOLDERS: folder, MCP_MAX_TOKENS: '2000' },
  });
});
afterAll(async () => {
  await village.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function open(agent: string): Promise<RawSession> {
  const level = agent === 'dave' ? { governance_level: 'READ_ONLY' } : {};
  const session = await RawSession.open(village.url, tokenFor(agent, level));
  await untilListed(session, 'hyperrag_query');
  return session;
}

const results = (answer: Awaited<ReturnType<RawSession['call']>>) => JSON.parse(textOf(answer) ?? '').results;

it('[H1] [H2] [A6] what an agent ingests through the router it finds again, and nobody else does', async () => {
  const [sage, magi] = [await open('sage'), await open('magi')];
  const ingested = await sage.call('hyperrag_ingest', { paths: [folder] });
  expect(JSON.parse(textOf(ingested) ?? '')).toMatchObject({ documents: 1, skipped: [] });
  const query = { query: 'Who cleans the north well?' };
  expect(results(await sage.call('hyperrag_query', query))).toMatchObject([
    { title: 'The north well', namespace: 'sage' },
  ]);
  expect(results(await magi.call('hyperrag_query', query))).toEqual([]);
});

it('[H6] the budget of the context is that of the setting', async () => {
  const sage = await open('sage');
  const answer = await sage.call('context_update', { context: 'x', source: 'test' });
  expect(JSON.parse(textOf(answer) ?? '')).toMatchObject({ metadata: { max_tokens: 2_000 } });
});

it('[M1] READ_ONLY asks, and neither ingests nor judges nor remembers', async () => {
  const dave = await open('dave');
  const names = await dave.names();
  expect(names).toContain('hyperrag_query');
  for (const name of [
    'hyperrag_ingest',
    'hyperrag_memory',
    'hyperrag_feedback',
    'context_update',
    'knowledge_elevation',
  ]) {
    expect(names).not.toContain(name);
  }
  expect(results(await dave.call('hyperrag_query', { query: 'north well' }))).toEqual([]);
});
