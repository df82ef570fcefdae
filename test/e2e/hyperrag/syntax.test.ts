import fs from 'node:fs';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestHyperrag, tempFolder } from '../../fixtures/hyperrag/knowledge.ts';

const SERVE = path.resolve(import.meta.dirname, '../../fixtures/serve-one.ts');

let dataDir: string;
let client: Client;

beforeAll(async () => {
  dataDir = tempFolder();
  const hyperrag = await TestHyperrag.open({ dataDir });
  const agent = await hyperrag.agent('magi');
  const documents = [
    { id: 'quote', title: 'Quoting', text: `Robert'); DROP TABLE documents;-- is a name in a story.` },
    { id: 'plain', title: 'Plain', text: 'Nothing special stands here.' },
  ];
  await agent.call('hyperrag_ingest', { documents });
  await hyperrag.close();
  client = new Client({ name: 'test', version: '1.0.0' });
  const args = [SERVE, 'hyperrag', '--token', 'token-magi', '--data-dir', dataDir];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' }));
});
afterAll(async () => {
  await client.close();
  fs.rmSync(dataDir, { recursive: true, force: true });
});

const HOSTILE = [
  `' OR 1=1--`,
  `');DROP TABLE documents;--`,
  '1;SELECT pg_sleep(5)',
  '(SELECT text FROM passages)',
  '%_%',
  '"',
  '"unbalanced',
  'NEAR(',
  'NEAR(a b, 2)',
  'hello NOT',
  'AND OR NOT',
  'text:story',
  'no_such_column:1',
  '-name',
  '*',
  'stor*',
  '^name',
  '{title text}:name',
  '\u0000',
  '\ud800',
  '🜁'.repeat(50),
];

it.each(HOSTILE)('[H2] [H3] D02: takes %j literally in every text of every tool', async (text) => {
  const calls: [string, Record<string, unknown>][] = [
    ['hyperrag_query', { query: text }],
    ['hyperrag_query', { query: 'name', namespace: text }],
    ['hyperrag_graph', { entity: text }],
    ['hyperrag_memory', { action: 'store', content: text, tags: [text] }],
    ['hyperrag_memory', { action: 'retrieve', query: text }],
    ['hyperrag_memory', { action: 'retrieve', memory_id: text }],
    ['hyperrag_feedback', { passage_id: text, verdict: 'supports' }],
    ['context_update', { context: text, source: text }],
    ['context_query', { query: { source: text, text } }],
    ['context_get', { context_id: text }],
    ['hyperrag_ingest', { paths: [text] }],
  ];
  for (const [name, args] of calls) {
    const result = await client.callTool({ name, arguments: args });
    const answer = JSON.stringify(result);
    if (result.isError === true) {
      expect(answer, name).toMatch(/INVALID_MESSAGE_FORMAT|UNAUTHORIZED_ACCESS/);
    }
    const [said] = result.content as { text: string }[];
    const own = said!.text.replaceAll(text, '');
    if (result.isError === true)
      expect(own, name).not.toMatch(/SQL|sqlite|syntax error|no such|mentions|documents\b.*WHERE/i);
  }
  const counted = await client.readResource({ uri: 'hyperrag://stats' });
  expect(JSON.stringify(counted)).toContain('\\"kind\\":\\"document\\",\\"documents\\":2');
});

it('[H2] D02: ten thousand operators are refused or answered, in time', async () => {
  const query = Array.from({ length: 10_000 }, (_, n) => `w${n}`).join(' OR ');
  expect(await client.callTool({ name: 'hyperrag_query', arguments: { query } })).toMatchObject({ isError: true });
  const began = performance.now();
  const { isError } = await client.callTool({ name: 'hyperrag_query', arguments: { query: query.slice(0, 4_000) } });
  expect(isError).toBeUndefined();
  expect(performance.now() - began).toBeLessThan(2_000);
});

it('[H2] D02: finds a text that looks like SQL by its words', async () => {
  const { structuredContent } = await client.callTool({
    name: 'hyperrag_query',
    arguments: { query: `Robert'); DROP TABLE` },
  });
  expect(structuredContent).toMatchObject({
    results: expect.arrayContaining([expect.objectContaining({ document_id: 'quote' })]),
  });
});
