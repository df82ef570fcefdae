import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHoldings } from '../../../../servers/hyperrag/store/holdings.ts';
import { openHyperragStore } from '../../../../servers/hyperrag/store/open.ts';
import { migrations, type Tables } from '../../../../servers/hyperrag/store/schema.ts';
import { openStore } from '../../../../shared/store.ts';
import { type Agent, TestHyperrag, tempFolder } from '../../../fixtures/hyperrag/knowledge.ts';

let hyperrag: TestHyperrag;
let sage: Agent;

beforeEach(async () => {
  hyperrag = await TestHyperrag.open({ maxPassages: 3 });
  sage = await hyperrag.agent('sage');
});
afterEach(() => hyperrag.close());

const note = (id: string, text = `Note ${id}.`) => ({ id, text });
const ingest = async (agent: Agent, args: Record<string, unknown>) => (await agent.call('hyperrag_ingest', args)).value;

it('[H1] an agent has no more passages than it may, and is told what to do; what it had stays', async () => {
  const documents = ['a', 'b', 'c', 'd', 'e'].map((id) => note(id));
  expect(await ingest(sage, { documents })).toMatchObject({
    documents: 3,
    skipped_count: 2,
    skipped: [
      { id: 'd', reason: expect.stringMatching(/You have 3 passages there, and may have 3.*HYPERRAG_MAX_PASSAGES/) },
      { id: 'e' },
    ],
  });
  expect(await sage.list('hyperrag_query', 'results', { query: 'note a' })).not.toEqual([]);
  const long = Array.from({ length: 4 }, (_, n) => `Part ${n}. ${'word '.repeat(250)}`).join('\n\n');
  expect(await ingest(sage, { documents: [note('a', long), note('b', 'Changed.')] })).toMatchObject({
    documents: 1,
    skipped: [{ id: 'a' }],
  });
});

it('[H1] [H3] forgetting makes room, for memories too, and nobody fills another namespace', async () => {
  await ingest(sage, { documents: ['a', 'b', 'c'].map((id) => note(id)) });
  const refused = await sage.call('hyperrag_memory', { action: 'store', content: 'One more.' });
  expect(refused).toMatchObject({ reason: 'CONFLICT', error: expect.stringContaining('Forget something first') });
  expect(await ingest(sage, { forget: ['a', 'a', 'nothing'] })).toMatchObject({
    forgotten: 1,
    skipped: [{ id: 'nothing', reason: 'There is no such document.' }],
  });
  expect((await sage.call('hyperrag_memory', { action: 'store', content: 'One more.' })).error).toBeUndefined();
  expect(await ingest(sage, { documents: [note('s')], namespace: 'shared' })).toMatchObject({ documents: 1 });
  expect(await ingest(await hyperrag.agent('magi'), { documents: [note('x')] })).toMatchObject({ documents: 1 });
});

it('[H1] forgets only what is its own', async () => {
  const magi = await hyperrag.agent('magi');
  await ingest(sage, { documents: [note('s')], namespace: 'shared' });
  expect(await ingest(magi, { forget: ['s'], namespace: 'shared' })).toMatchObject({
    forgotten: 0,
    skipped: [{ id: 's', reason: expect.stringContaining('Another agent') }],
  });
  expect(await ingest(sage, { forget: ['s'], namespace: 'shared' })).toMatchObject({ forgotten: 1 });
  expect(await magi.list('hyperrag_query', 'results', { query: 'note s' })).toEqual([]);
});

it('[H1] [X4] counts what an older file holds already', async () => {
  const folder = tempFolder();
  const file = path.join(folder, 'hyperrag.db');
  const old = await openStore<Tables>({ file, migrations: migrations.slice(0, 1), busyTimeoutMs: 1_000 });
  old.connection.exec(`
    INSERT INTO documents VALUES (1, 'agent/sage', 'document', 'a', '', 'sage', 'sage', 'd', '{}', NULL, 1, 1);
    INSERT INTO passages VALUES (1, 1, 0, '', 'one', 'x'), (2, 1, 1, '', 'two', 'y');`);
  await old.close();
  const store = await openHyperragStore(folder);
  expect(createHoldings(store).of({ namespace: 'agent/sage', author: 'sage' })).toBe(2);
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});
