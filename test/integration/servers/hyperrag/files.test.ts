import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LEVELS } from '../../../../shared/identity/levels.ts';
import { type Agent, TestHyperrag, tempFolder } from '../../../fixtures/hyperrag/knowledge.ts';

let folder: string;
let outside: string;
let hyperrag: TestHyperrag;
let agent: Agent;

beforeEach(async () => {
  folder = tempFolder();
  outside = tempFolder();
  hyperrag = await TestHyperrag.open({ folders: [folder] });
  agent = await hyperrag.agent('sage');
});
afterEach(async () => {
  await hyperrag.close();
  for (const each of [folder, outside]) fs.rmSync(each, { recursive: true, force: true });
});

function write(name: string, content: string | Uint8Array, where = folder): string {
  const file = path.join(where, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
  return file;
}

const label = () => path.basename(folder);

it('[H1] takes a folder of Markdown, text, HTML, JSON and JSONL, each by its structure', async () => {
  write('handbook.md', '# Handbook\n\nWelcome.\n\n## Wells\n\nThe north well is cleaned in May.\n');
  write('sub/note.txt', 'The mill stone was turned in April.');
  write(
    'page.html',
    '<html><head><title>Orchard</title><script>evil()</script></head><body><h1>Pears</h1><p>Pears &amp; plums ripen late.</p></body>',
  );
  write('data.json', '{"barn":{"height_m":9,"doors":["east","west"]}}');
  write(
    'lines.jsonl',
    '{"id":"l1","title":"Goat","text":"The goat is called Pim."}\n\n{"text":"The dog is called Bo."}\n',
  );
  const { value } = await agent.call('hyperrag_ingest', { paths: [folder] });
  expect(value).toMatchObject({ documents: 6, skipped: [] });
  const first = async (query: string) => (await agent.list('hyperrag_query', 'results', { query, top_k: 1 }))[0];
  expect(await first('When is the north well cleaned?')).toMatchObject({
    document_id: `${label()}/handbook.md`,
    source: `${label()}/handbook.md`,
    title: 'Handbook',
    heading: 'Handbook › Wells',
  });
  expect(await first('mill stone')).toMatchObject({ document_id: `${label()}/sub/note.txt`, title: 'note' });
  expect(await first('plums ripen')).toMatchObject({
    title: 'Orchard',
    heading: 'Pears',
    text: 'Pears & plums ripen late.',
  });
  expect(await first('barn doors')).toMatchObject({ text: 'barn.height_m: 9\nbarn.doors: east\nbarn.doors: west' });
  expect(await first('name of the goat')).toMatchObject({ document_id: 'l1', source: `${label()}/lines.jsonl` });
  expect(await first('name of the dog')).toMatchObject({ document_id: `${label()}/lines.jsonl#3` });
});

it('[H1] skips what it cannot read with the reason, and loses nothing of the rest', async () => {
  write('binary.txt', Buffer.from([65, 0, 66]));
  write('latin.txt', Buffer.from([0x63, 0x61, 0x66, 0xe9]));
  write('broken.json', '{"a":');
  write('paper.pdf', '%PDF-1.7 broken');
  write('tool.exe', 'MZ');
  write('large.txt', Buffer.alloc(16 * 2 ** 20 + 1, 'a '));
  write('deep.json', `${'['.repeat(100)}${']'.repeat(100)}`);
  write('good.txt', 'The good one stays.');
  const skipped = await agent.list('hyperrag_ingest', 'skipped', { paths: [folder] });
  expect(Object.fromEntries(skipped.map(({ id, reason }) => [path.basename(String(id)), reason]))).toEqual({
    'binary.txt': 'It is binary: it holds a NUL byte.',
    'latin.txt': 'It is not valid UTF-8; save it as UTF-8 first.',
    'broken.json': 'It is not valid JSON.',
    'paper.pdf': 'It is no valid PDF, or it is damaged.',
    'tool.exe': expect.stringContaining('Its kind is not read'),
    'large.txt': expect.stringContaining('16777217 bytes'),
    'deep.json': 'It is nested deeper than 64 levels.',
  });
  expect(await agent.list('hyperrag_query', 'results', { query: 'the good one' })).toHaveLength(1);
});

it('[H1] skips a line of 1 GiB and takes the lines around it, in bounded memory', async () => {
  const file = path.join(folder, 'huge.jsonl');
  const handle = fs.openSync(file, 'w');
  fs.writeSync(handle, '{"id":"before","text":"before the long line"}\n');
  // A hole of 1 GiB takes no place on the disk, and is read as any other line.
  fs.writeSync(handle, '\n{"id":"after","text":"after the long line"}\n', 2 ** 30);
  fs.closeSync(handle);
  const before = process.memoryUsage().rss;
  const { value } = await agent.call('hyperrag_ingest', { paths: ['huge.jsonl'] });
  expect(value).toMatchObject({
    documents: 2,
    skipped: [{ id: `${label()}/huge.jsonl#2`, reason: 'The line is longer than 1048576 bytes.' }],
  });
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 2 ** 20);
});

it('[H1] refuses paths outside the open folders, whether they exist or not, and takes nothing in', async () => {
  const secret = write('secret.txt', 'the secret', outside);
  write('inside.txt', 'inside');
  const texts = new Set<string | undefined>();
  for (const asked of [
    secret,
    path.join(outside, 'nothing.txt'),
    '../',
    '/etc/passwd',
    `${folder}/../${path.basename(outside)}/secret.txt`,
  ]) {
    const { error } = await agent.call('hyperrag_ingest', { paths: ['inside.txt', asked] });
    texts.add(error);
  }
  expect([...texts]).toEqual([expect.stringContaining('lies outside the folders')]);
  expect([...texts].join()).not.toContain(outside);
  const { contents } = await agent.client.readResource({ uri: 'hyperrag://stats' });
  expect(JSON.stringify(contents)).not.toContain('documents\\":1');
});

it('[H1] follows no link out of the open folders, and no circle of links', async () => {
  write('secret.txt', 'the secret', outside);
  fs.symlinkSync(path.join(outside, 'secret.txt'), path.join(folder, 'link.txt'));
  fs.symlinkSync(folder, path.join(folder, 'circle'));
  fs.symlinkSync(path.join(folder, 'gone'), path.join(folder, 'dangling'));
  write('real.txt', 'the real one');
  const { value } = await agent.call('hyperrag_ingest', { paths: [folder] });
  expect(value).toMatchObject({
    documents: 1,
    skipped: [
      { id: `${label()}/dangling`, reason: 'It is a link that leads nowhere.' },
      { id: `${label()}/link.txt`, reason: 'It is a link out of the open folders.' },
    ],
  });
  const direct = await agent.call('hyperrag_ingest', { paths: ['link.txt'] });
  expect(direct.error).toContain('lies outside');
});

it("[H1] takes the client's roots, and only inside the open folders", async () => {
  write('sub/inside.txt', 'The inside of it.');
  write('secret.txt', 'the secret', outside);
  const opened = await hyperrag.agent('sage', LEVELS.OPERATOR, [path.join(folder, 'sub')]);
  expect((await opened.call('hyperrag_ingest', { roots: true })).value).toMatchObject({ documents: 1, skipped: [] });
  const astray = await hyperrag.agent('sage', LEVELS.OPERATOR, [folder, outside]);
  expect((await astray.call('hyperrag_ingest', { roots: true })).error).toContain('lies outside the folders');
  expect((await agent.call('hyperrag_ingest', { roots: true })).error).toContain('Your client tells no roots');
  expect(await agent.list('hyperrag_query', 'results', { query: 'secret' })).toEqual([]);
});

it('[H1] says how to open a folder when none is', async () => {
  const closed = await TestHyperrag.open();
  const other = await closed.agent('sage');
  expect((await other.call('hyperrag_ingest', { paths: ['/tmp'] })).error).toContain('HYPERRAG_FOLDERS');
  expect((await other.call('hyperrag_ingest', {})).error).toContain('give `documents`, or `paths`');
  await closed.close();
});

it('[H1] tells progress, and ends when it is cancelled, with whole documents only', async () => {
  const lines = Array.from({ length: 5_000 }, (_, n) => JSON.stringify({ id: `n${n}`, text: `Note ${n} on barrels.` }));
  write('many.jsonl', lines.join('\n'));
  const abort = new AbortController();
  let told = 0;
  const call = agent.client.callTool({ name: 'hyperrag_ingest', arguments: { paths: ['many.jsonl'] } }, undefined, {
    signal: abort.signal,
    onprogress: ({ progress }) => {
      told = progress;
      abort.abort();
    },
  });
  await expect(call).rejects.toThrow();
  expect(told).toBeGreaterThan(0);
  await expect.poll(async () => (await agent.call('hyperrag_ingest', { documents: [] })).error).toBeUndefined();
  const stored = hyperrag.deps.documents.counts(['agent/sage'])[0];
  expect(stored?.documents ?? 0).toBeLessThan(5_000);
  expect(stored?.passages).toBe(stored?.documents);
  const { value } = await agent.call('hyperrag_ingest', { paths: ['many.jsonl'] });
  expect(value).toMatchObject({ skipped: [] });
  expect(Number(value.documents) + Number(value.unchanged)).toBe(5_000);
});
