import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Agent, TestHyperrag } from '../../../fixtures/hyperrag/knowledge.ts';

const HOUR_MS = 3_600_000;
let now: number;
let hyperrag: TestHyperrag;
let sage: Agent;

beforeEach(async () => {
  now = Date.parse('2026-01-01T00:00:00Z');
  hyperrag = await TestHyperrag.open({ nowMs: () => now, maxTokens: 1_000 });
  sage = await hyperrag.agent('sage');
});
afterEach(() => hyperrag.close());

async function put(context: unknown, more: Record<string, unknown> = {}) {
  const { value, error } = await sage.call('context_update', { context, source: 'test', ...more });
  if (error !== undefined) throw new Error(error);
  const [entry] = value.entries as Record<string, unknown>[];
  return { id: String(entry!.context_id), entry: entry!, value };
}

it('[H6] keeps texts and objects as they were given, with priority, source, tokens and version', async () => {
  const { value } = await put({ task: 'harvest', steps: [1, 2] }, { priority: 7, source: 'planner' });
  expect(value).toMatchObject({
    entries: [{ context: { task: 'harvest', steps: [1, 2] }, priority: 7, source: 'planner', version: 1, tokens: 12 }],
    metadata: { total_tokens: 12, max_tokens: 1_000, entry_count: 1, token_method: 'o200k_base' },
    pruned: [],
  });
  const read = await sage.list('context_get', 'entries');
  expect(read).toMatchObject([{ context: { task: 'harvest', steps: [1, 2] } }]);
});

it('[H6] an update with an old version is a conflict, and overwrites nothing', async () => {
  const { id } = await put('first');
  await put('second', { context_id: id, version: 1 });
  const late = await sage.call('context_update', { context: 'lost', source: 'test', context_id: id, version: 1 });
  expect(late.reason).toBe('CONFLICT');
  expect(late.error).toContain('you have version 1, it is at 2');
  expect(await sage.list('context_get', 'entries', { context_id: id })).toMatchObject([
    { context: 'second', version: 2 },
  ]);
  const blind = await sage.call('context_update', { context: 'x', source: 'test', context_id: id });
  expect(blind.error).toContain('give the `version`');
});

it('[H6] never exceeds its budget: what is worth least by priority, age and size goes, never the new entry', async () => {
  // 300 tokens with the quotes of its JSON.
  const text = 'well '.repeat(297).trim();
  const low = await put(text, { priority: 2 });
  const old = await put(text, { priority: 5 });
  now += 48 * HOUR_MS;
  const high = await put(text, { priority: 9 });
  const { value } = await put(text, { priority: 1 });
  expect(value.pruned).toEqual([low.id]);
  const again = await put(text, { priority: 1 });
  expect(again.value.pruned).toHaveLength(1);
  expect(again.value.pruned).not.toContain(high.id);
  expect(again.value.metadata).toMatchObject({ entry_count: 3 });
  expect(Number((again.value.metadata as Record<string, unknown>).total_tokens)).toBeLessThanOrEqual(1_000);
  expect(old.id).toBeTruthy();
  const huge = await sage.call('context_update', { context: 'well '.repeat(1_200), source: 'test' });
  expect(huge.error).toContain('all together may have 1000');
});

it('[H6] finds by source, least priority and words, and shows each agent its own', async () => {
  await put('The barn needs a roof', { source: 'plan', priority: 8 });
  await put('The well is dry', { source: 'plan', priority: 3 });
  await put('Chat about the barn', { source: 'chat', priority: 5 });
  const find = async (query: Record<string, unknown>) =>
    (await sage.list('context_query', 'entries', { query })).map(({ context }) => context);
  expect(await find({ source: 'plan' })).toEqual(['The barn needs a roof', 'The well is dry']);
  expect(await find({ min_priority: 5 })).toEqual(['The barn needs a roof', 'Chat about the barn']);
  expect(await find({ text: 'BARN roof' })).toEqual(['The barn needs a roof']);
  const magi = await hyperrag.agent('magi');
  expect(await magi.list('context_query', 'entries')).toEqual([]);
});

it('[H6] sets a priority and clears by id, source, or all', async () => {
  const { id } = await put('one');
  await put('two', { source: 'chat' });
  await put('three', { source: 'chat' });
  expect(await sage.list('context_set_priority', 'entries', { context_id: id, priority: 10 })).toMatchObject([
    { priority: 10, version: 2 },
  ]);
  const stale = await sage.call('context_set_priority', { context_id: id, priority: 1, version: 1 });
  expect(stale.reason).toBe('CONFLICT');
  expect((await sage.call('context_clear', {})).error).toContain('Say what to clear');
  expect((await sage.call('context_clear', { source: 'chat' })).value).toMatchObject({
    cleared: 2,
    metadata: { entry_count: 1 },
  });
  const magi = await hyperrag.agent('magi');
  expect((await magi.call('context_clear', { context_id: id })).value).toMatchObject({ cleared: 0 });
  expect((await sage.call('context_clear', { all: true })).value).toMatchObject({ cleared: 1 });
});
