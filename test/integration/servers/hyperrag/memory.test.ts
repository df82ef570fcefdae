import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LEVELS } from '../../../../shared/identity/levels.ts';
import { type Agent, TestHyperrag } from '../../../fixtures/hyperrag/knowledge.ts';

const DAY_MS = 86_400_000;
let now: number;
let retentionDays: number;
let hyperrag: TestHyperrag;
let sage: Agent;

beforeEach(async () => {
  now = Date.parse('2026-01-01T00:00:00Z');
  retentionDays = 30;
  hyperrag = await TestHyperrag.open({ nowMs: () => now, retentionDays: () => retentionDays });
  sage = await hyperrag.agent('sage');
});
afterEach(() => hyperrag.close());

async function store(agent: Agent, content: string, more: Record<string, unknown> = {}) {
  const [memory] = await agent.list('hyperrag_memory', 'memories', { action: 'store', content, ...more });
  return memory!;
}

it('[H3] stores, finds, changes and forgets', async () => {
  const memory = await store(sage, 'The king prefers short reports.\n\nHe reads them at noon.', { tags: ['king'] });
  expect(memory).toMatchObject({
    content: 'The king prefers short reports.\n\nHe reads them at noon.',
    tags: ['king'],
    namespace: 'sage',
    created_at: '2026-01-01T00:00:00.000Z',
    expires_at: '2026-01-31T00:00:00.000Z',
  });
  const retrieve = (query: string, more = {}) =>
    sage.list('hyperrag_memory', 'memories', { action: 'retrieve', query, ...more });
  expect(await retrieve('How long should reports for the king be?')).toMatchObject([{ memory_id: memory.memory_id }]);
  expect(await retrieve('reports', { tags: ['queen'] })).toEqual([]);
  await sage.call('hyperrag_memory', {
    action: 'update',
    memory_id: memory.memory_id,
    content: 'The king prefers maps.',
  });
  expect(await retrieve('maps')).toMatchObject([{ content: 'The king prefers maps.', tags: ['king'] }]);
  expect(await sage.list('hyperrag_query', 'results', { query: 'What does the king prefer?' })).toMatchObject([
    { kind: 'memory', text: 'The king prefers maps.' },
  ]);
  await sage.call('hyperrag_memory', { action: 'forget', memory_id: memory.memory_id });
  expect(await retrieve('maps')).toEqual([]);
  const gone = await sage.call('hyperrag_memory', { action: 'retrieve', memory_id: memory.memory_id });
  expect(gone.error).toMatch(/^Unknown memory/);
});

it('[H3] expires by its own days, else by the policy as it is now', async () => {
  const short = await store(sage, 'Gone after two days.', { ttl_days: 2 });
  await store(sage, 'Gone when the policy says.');
  const left = async () =>
    (await sage.list('hyperrag_memory', 'memories', { action: 'list' })).map(({ content }) => content);
  now += 2 * DAY_MS;
  expect(await left()).toEqual(['Gone when the policy says.']);
  expect((await sage.call('hyperrag_memory', { action: 'retrieve', memory_id: short.memory_id })).error).toMatch(
    /^Unknown memory/,
  );
  expect(await sage.list('hyperrag_query', 'results', { query: 'gone after two days' })).toHaveLength(1);
  now += 40 * DAY_MS;
  expect(await left()).toEqual([]);
  retentionDays = 90;
  expect(await left()).toEqual(['Gone when the policy says.']);
  retentionDays = 30;
  expect(hyperrag.deps.memories.sweep()).toBe(2);
  retentionDays = 90;
  expect(await left()).toEqual([]);
});

it('[H3] another agent neither reads, changes nor forgets it; a shared one is read by all and changed by its author', async () => {
  const magi = await hyperrag.agent('magi');
  const own = await store(sage, 'The key is under the third stone.');
  for (const action of ['retrieve', 'update', 'forget']) {
    const { error } = await magi.call('hyperrag_memory', { action, memory_id: own.memory_id, content: 'forged' });
    expect(error).toBe(`Unknown memory: ${own.memory_id}`);
  }
  await expect(magi.client.readResource({ uri: `hyperrag://memory/${own.memory_id}` })).rejects.toMatchObject({
    code: -32602,
  });
  const shared = await store(sage, 'The gate closes at nine.', { namespace: 'shared' });
  expect(
    await magi.list('hyperrag_memory', 'memories', { action: 'retrieve', query: 'When does the gate close?' }),
  ).toHaveLength(1);
  const refused = await magi.call('hyperrag_memory', { action: 'forget', memory_id: shared.memory_id });
  expect(refused.reason).toBe('UNAUTHORIZED_ACCESS');
  const curator = await hyperrag.agent('curator', LEVELS.GOVERNANCE);
  expect(
    (await curator.call('hyperrag_memory', { action: 'forget', memory_id: shared.memory_id })).error,
  ).toBeUndefined();
});

it.each([
  ['store', 'content'],
  ['update', 'memory_id'],
  ['forget', 'memory_id'],
  ['retrieve', 'query or memory_id'],
])('[H3] %s without %s says what is missing', async (action, missing) => {
  expect((await sage.call('hyperrag_memory', { action })).error).toContain(missing);
});

it('[H3] [H6] subscribers hear of changes to a memory and to the context, also from another process', async () => {
  const memory = await store(sage, 'Watch me.');
  const updated: string[] = [];
  sage.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri));
  const uri = `hyperrag://memory/${memory.memory_id}`;
  await sage.client.subscribeResource({ uri });
  await sage.client.subscribeResource({ uri: 'hyperrag://context' });
  const other = await TestHyperrag.open({ dataDir: hyperrag.dataDir, nowMs: () => now });
  const elsewhere = await other.agent('sage');
  await elsewhere.call('hyperrag_memory', {
    action: 'update',
    memory_id: memory.memory_id,
    content: 'Changed elsewhere.',
  });
  await expect.poll(() => updated).toEqual([uri]);
  await elsewhere.call('context_update', { context: 'x', source: 'test' });
  await expect.poll(() => updated).toEqual([uri, 'hyperrag://context']);
  await other.close();
});

it('[H4] subscribers hear of new passages about a name, and of new figures', async () => {
  const updated = new Set<string>();
  sage.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.add(params.uri));
  const watched = ['hyperrag://entity/Port%20Velen', 'hyperrag://stats'];
  for (const uri of watched) await sage.client.subscribeResource({ uri });
  await sage.client.subscribeResource({ uri: 'hyperrag://entity/Elsewhere' });
  const documents = [{ id: 'p', title: 'Lighthouse', text: 'The lighthouse of Port Velen is made of copper.' }];
  await sage.call('hyperrag_ingest', { documents });
  await expect.poll(() => [...updated].sort()).toEqual(watched);
});
