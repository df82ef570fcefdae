import fs from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { EmbedderChoice } from '../../../../servers/hyperrag/embedding/embedder.ts';
import { EmbeddingEndpoint } from '../../../fixtures/hyperrag/embedding-endpoint.ts';
import { type Agent, TestHyperrag, type TestOptions, tempFolder } from '../../../fixtures/hyperrag/knowledge.ts';

const SUBJECTS = [/stove|oven|kettle/gi, /spade|rake|seed/gi, /ledger|coin/gi];
/** Counts of words on three subjects; all texts have something in common, as with real models. */
const embed = (text: string, model: string) => [
  ...SUBJECTS.map((subject) => text.match(subject)?.length ?? 0),
  ...(model === 'wide' ? [1, 1] : [1]),
];
const DOCUMENTS = [
  { id: 'kitchen', text: 'The stove is lit at six.' },
  { id: 'garden', text: 'A spade leans at the wall.' },
  { id: 'purse', text: 'One coin was lost.' },
];

let endpoint: EmbeddingEndpoint;
let dataDir: string;
let open: TestHyperrag[];

beforeEach(async () => {
  endpoint = await EmbeddingEndpoint.open(embed);
  dataDir = tempFolder();
  open = [];
});
afterEach(async () => {
  for (const each of open) await each.close();
  await endpoint.close().catch(() => undefined);
  fs.rmSync(dataDir, { recursive: true, force: true });
});

async function start(model: string | undefined, options: TestOptions = {}): Promise<Agent> {
  const embedder: EmbedderChoice | undefined =
    model === undefined ? undefined : { kind: 'openai', url: endpoint.url, model };
  const pace = { lookMs: 10, retryMs: 50 };
  const hyperrag = await TestHyperrag.open({ dataDir, embeddingPace: pace, ...options, ...(embedder && { embedder }) });
  open.push(hyperrag);
  return hyperrag.agent('sage');
}

async function statusOf(agent: Agent): Promise<Record<string, unknown>> {
  const { contents } = await agent.client.readResource({ uri: 'hyperrag://stats' });
  const [content] = contents as { text: string }[];
  return (JSON.parse(content!.text) as { vectors: Record<string, unknown> }).vectors;
}

const isReady = (agent: Agent) =>
  expect.poll(() => statusOf(agent), { timeout: 5_000 }).toMatchObject({ state: 'ready' });
const found = async (agent: Agent, query: string, mode = 'vector') =>
  (await agent.list('hyperrag_query', 'results', { query, mode })).map(({ document_id }) => document_id);

it('[H9] an embedder finds what shares no word with the question', async () => {
  const agent = await start('small');
  await agent.call('hyperrag_ingest', { documents: DOCUMENTS });
  await expect.poll(() => statusOf(agent)).toMatchObject({ state: 'ready', embedded: 3, passages: 3 });
  expect((await found(agent, 'oven'))[0]).toBe('kitchen');
  expect((await found(agent, 'rake'))[0]).toBe('garden');
  await agent.call('hyperrag_ingest', { documents: [{ id: 'late', text: 'A kettle, a kettle, a kettle.' }] });
  await expect.poll(() => statusOf(agent)).toMatchObject({ embedded: 4 });
  expect((await found(agent, 'oven oven oven'))[0]).toBe('late');
});

it('[H9] switching embeds again in the background with progress, and questions are answered meanwhile', async () => {
  const before = await start('small');
  const many = Array.from({ length: 200 }, (_, n) => ({ id: `n${n}`, text: `Note ${n} on a spade.` }));
  await before.call('hyperrag_ingest', { documents: [...DOCUMENTS, ...many] });
  await isReady(before);
  await open.pop()!.close();
  const gates = Promise.withResolvers<void>();
  endpoint.gate = gates.promise;
  const after = await start('wide');
  await expect.poll(() => statusOf(after)).toMatchObject({ state: 'embedding', embedded: 0, passages: 203 });
  expect(await found(after, 'When is the stove lit?', 'auto')).toContain('kitchen');
  const told: number[] = [];
  after.client.fallbackNotificationHandler = async () => {
    told.push(Number((await statusOf(after)).embedded));
  };
  await after.client.subscribeResource({ uri: 'hyperrag://stats' });
  gates.resolve();
  await isReady(after);
  await expect.poll(() => told.at(-1)).toBe(203);
  expect((await found(after, 'oven'))[0]).toBe('kitchen');
  expect(new Set(endpoint.asked.map(({ model }) => model))).toEqual(new Set(['small', 'wide']));
});

it('[H9] goes back to an embedder without asking it for what it has made', async () => {
  const first = await start('small');
  await first.call('hyperrag_ingest', { documents: DOCUMENTS });
  await isReady(first);
  await open.pop()!.close();
  await isReady(await start('wide'));
  await open.pop()!.close();
  endpoint.asked.length = 0;
  const again = await start('small');
  await isReady(again);
  expect(endpoint.asked).toEqual([]);
  expect((await found(again, 'oven'))[0]).toBe('kitchen');
});

it('[H9] answers by its own evidence when the embedder does not, and says what is wrong', async () => {
  await endpoint.close();
  const agent = await start('small');
  await agent.call('hyperrag_ingest', { documents: DOCUMENTS });
  expect(await found(agent, 'When is the stove lit?', 'auto')).toContain('kitchen');
  await expect
    .poll(() => statusOf(agent), { timeout: 20_000 })
    .toMatchObject({ state: 'failing', problem: expect.stringContaining('cannot be reached') });
  expect(JSON.stringify(await statusOf(agent))).not.toContain('127.0.0.1');
}, 30_000);

it('[H9] says what to install when the packages of an ONNX model are missing, and answers by its own evidence', async () => {
  const agent = await start(undefined, { embedder: { kind: 'onnx', folder: dataDir } });
  await agent.call('hyperrag_ingest', { documents: DOCUMENTS });
  await expect
    .poll(() => statusOf(agent))
    .toMatchObject({ state: 'failing', problem: expect.stringMatching(/npm install|no readable/) });
  expect(await found(agent, 'coin lost', 'auto')).toContain('purse');
});

it('[H9] forgets the vectors of what is forgotten, and one process embeds for all', async () => {
  const agent = await start('small');
  const other = await start('small');
  await agent.call('hyperrag_ingest', { documents: DOCUMENTS });
  await isReady(agent);
  await isReady(other);
  expect((await found(other, 'oven'))[0]).toBe('kitchen');
  expect(endpoint.asked.flatMap(({ input }) => input).filter((text) => text.includes('coin'))).toHaveLength(1);
  await agent.call('hyperrag_ingest', { documents: [{ id: 'kitchen', text: 'Nothing about heat.' }] });
  await expect.poll(() => statusOf(agent)).toMatchObject({ embedded: 3, passages: 3 });
});
