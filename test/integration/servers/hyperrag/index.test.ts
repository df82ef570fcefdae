import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeCorpus } from '../../../fixtures/hyperrag/corpus.ts';
import { TestHyperrag, tempFolder } from '../../../fixtures/hyperrag/knowledge.ts';

let dataDir: string;

beforeEach(() => {
  dataDir = tempFolder();
});
afterEach(() => fs.rmSync(dataDir, { recursive: true, force: true }));

const { documents, questions } = makeCorpus(600, 3);

async function answers(hyperrag: TestHyperrag, text: string): Promise<unknown[]> {
  const agent = await hyperrag.agent('sage');
  const results = await agent.list('hyperrag_query', 'results', { query: text, top_k: 5 });
  return results.map(({ document_id, score }) => [document_id, score]);
}

it('[H1] [H2] two processes on one file each find what the other took in, changed and forgot', async () => {
  const one = await TestHyperrag.open({ dataDir });
  const two = await TestHyperrag.open({ dataDir });
  const [a, b] = [await one.agent('sage'), await two.agent('sage')];
  await a.call('hyperrag_ingest', {
    documents: [{ id: 'x', title: 'Kestrel', text: 'The kestrel nests in the tower.' }],
  });
  const ask = (agent: typeof a) => agent.list('hyperrag_query', 'results', { query: 'Where does the kestrel nest?' });
  expect(await ask(b)).toMatchObject([{ text: 'The kestrel nests in the tower.' }]);
  await b.call('hyperrag_ingest', {
    documents: [{ id: 'x', title: 'Kestrel', text: 'The kestrel nests in the barn.' }],
  });
  expect(await ask(a)).toMatchObject([{ text: 'The kestrel nests in the barn.' }]);
  const [memory] = await a.list('hyperrag_memory', 'memories', {
    action: 'store',
    content: 'Kestrel eggs hatch in May.',
  });
  expect(await b.list('hyperrag_memory', 'memories', { action: 'retrieve', query: 'kestrel eggs' })).toHaveLength(1);
  await b.call('hyperrag_memory', { action: 'forget', memory_id: memory!.memory_id });
  expect(await a.list('hyperrag_memory', 'memories', { action: 'retrieve', query: 'kestrel eggs' })).toEqual([]);
  await one.close();
  await two.close();
});

it('[H1] [H2] [H9] answers the same from the saved index as from the passages, and what came after it is in', async () => {
  const writer = await TestHyperrag.open({ dataDir });
  const agent = await writer.agent('sage');
  await agent.call('hyperrag_ingest', { documents });
  await writer.deps.index.save();
  const before = await answers(writer, questions[4]!.text);
  expect(before).not.toEqual([]);
  await writer.close();
  const reader = await TestHyperrag.open({ dataDir });
  expect(reader.deps.index.size).toBeUndefined();
  expect(await answers(reader, questions[4]!.text)).toEqual(before);
  const late = await reader.agent('sage');
  await late.call('hyperrag_ingest', {
    documents: [{ id: 'late', title: 'Zither', text: 'The zither has a cracked bridge.' }],
  });
  expect(await answers(reader, 'cracked zither')).toMatchObject([['late', expect.any(Number)]]);
  await reader.close();
});

it('[H1] a damaged saved index is built anew, and nothing is lost', async () => {
  const writer = await TestHyperrag.open({ dataDir });
  const agent = await writer.agent('sage');
  await agent.call('hyperrag_ingest', { documents });
  await writer.deps.index.save();
  const before = await answers(writer, questions[0]!.text);
  await writer.close();
  const db = new Database(path.join(dataDir, 'hyperrag.db'));
  const damaged = db.prepare('UPDATE snapshot_parts SET octets = zeroblob(length(octets)) WHERE ordinal = 0').run();
  expect(damaged.changes).toBe(1);
  db.close();
  const reader = await TestHyperrag.open({ dataDir });
  const found = await answers(reader, questions[0]!.text);
  expect(found.map((each) => (each as unknown[])[0])).toContain(questions[0]!.answers[0]);
  expect(found).toHaveLength(before.length);
  await reader.close();
});

it('[H2] follows two names in a row in a village of 600 passages', async () => {
  const hyperrag = await TestHyperrag.open({ dataDir });
  const agent = await hyperrag.agent('sage');
  await agent.call('hyperrag_ingest', { documents });
  const asked = questions.filter((_, n) => n % 10 < 3);
  let answered = 0;
  for (const { text, answers: wanted } of asked) {
    const results = await agent.list('hyperrag_query', 'results', { query: text, top_k: 5 });
    if (wanted.every((id) => results.some(({ document_id }) => document_id === id))) answered++;
  }
  expect(answered / asked.length).toBeGreaterThan(0.9);
  await hyperrag.close();
});
