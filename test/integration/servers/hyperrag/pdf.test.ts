import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PDF_LIMITS, readPdf } from '../../../../servers/hyperrag/ingest/pdf.ts';
import { type Agent, TestHyperrag, tempFolder } from '../../../fixtures/hyperrag/knowledge.ts';
import { makeBomb, makePdf } from '../../../fixtures/hyperrag/pdf.ts';

let folder: string;
let hyperrag: TestHyperrag;
let agent: Agent;

beforeEach(async () => {
  folder = tempFolder();
  hyperrag = await TestHyperrag.open({ folders: [folder] });
  agent = await hyperrag.agent('sage');
});
afterEach(async () => {
  await hyperrag.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

const write = (name: string, content: Uint8Array) => fs.writeFileSync(path.join(folder, name), content);
const never = new AbortController().signal;

it('[H1] takes a PDF page by page, and each hit tells its page', async () => {
  const pages = [
    ['The mill stone was re-', 'paired in April.', '', 'The weir was left', 'as it is.'],
    ['The goat of the miller is called Pim.'],
  ];
  write('village.pdf', makePdf(pages, { title: 'The village book' }));
  expect((await agent.call('hyperrag_ingest', { paths: ['village.pdf'] })).value).toMatchObject({
    documents: 1,
    passages: 2,
    skipped: [],
  });
  const id = `${path.basename(folder)}/village.pdf`;
  const [goat] = await agent.list('hyperrag_query', 'results', { query: 'What is the goat called?', top_k: 1 });
  expect(goat).toMatchObject({
    document_id: id,
    title: 'The village book',
    source: `${id}#page=2`,
    sources: [id],
    text: 'The goat of the miller is called Pim.',
  });
  const [mill] = await agent.list('hyperrag_query', 'results', { query: 'mill stone repaired', top_k: 1 });
  expect(mill).toMatchObject({
    source: `${id}#page=1`,
    text: 'The mill stone was repaired in April.\n\nThe weir was left as it is.',
  });
});

it('[H1] says what is wrong with a PDF that it cannot read, and takes the others', async () => {
  write('good.pdf', makePdf([['The good one stays.']]));
  write('locked.pdf', makePdf([['secret']], { isEncrypted: true }));
  write('cut.pdf', makePdf([['cut']]).subarray(0, 200));
  write('scan.pdf', makePdf([[], []]));
  const { value } = await agent.call('hyperrag_ingest', { paths: [folder] });
  expect(value.documents).toBe(1);
  const skipped = value.skipped as { id: string; reason: string }[];
  expect(Object.fromEntries(skipped.map(({ id, reason }) => [path.basename(id), reason]))).toEqual({
    'locked.pdf': 'It is encrypted; save it without a password first.',
    'cut.pdf': 'It is no valid PDF, or it is damaged.',
    'scan.pdf': 'It holds no text; pictures of text need text recognition first.',
  });
});

it('[H1] ends a PDF that unpacks to more memory than it may have, and keeps its own', async () => {
  const bomb = makeBomb(' ', 700);
  expect(bomb.length).toBeLessThan(10_000);
  const before = process.memoryUsage.rss();
  const read = await readPdf(bomb, never);
  expect(read).toEqual({ reason: expect.stringContaining(`more than ${PDF_LIMITS.megabytes} MB`) });
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20);
});

it('[H1] ends a PDF that takes too long, and answers meanwhile', async () => {
  const began = performance.now();
  const reading = readPdf(makeBomb('BT (a) Tj ET ', 100), never, { timeMs: 1_500, megabytes: 1_024 });
  expect(await agent.list('hyperrag_query', 'results', { query: 'anything' })).toEqual([]);
  expect(await reading).toEqual({ reason: 'Reading it took longer than 2 s.' });
  expect(performance.now() - began).toBeLessThan(15_000);
});

it('[H1] ends the reading of a PDF when the call is cancelled', async () => {
  const abort = new AbortController();
  const reading = readPdf(makeBomb('BT (a) Tj ET ', 100), abort.signal);
  abort.abort();
  expect(await reading).toEqual({ reason: 'The call was cancelled.' });
});
