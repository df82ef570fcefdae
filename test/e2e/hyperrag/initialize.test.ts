import fs from 'node:fs';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import Database from 'better-sqlite3';
import { afterEach, expect, it } from 'vitest';
import { TestHyperrag, tempFolder } from '../../fixtures/hyperrag/knowledge.ts';

const SERVE = path.resolve(import.meta.dirname, '../../fixtures/serve-one.ts');
/** Rows of 2 KB, and a saved index beside them. */
const PASSAGES = 20_000;
const PARTS = 12;
const PART_OCTETS = 8 * 2 ** 20;
/** What the tables of contents of two files may differ in. */
const MOST_MORE_OCTETS = 256 * 1024;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

async function makeStore(): Promise<{ dataDir: string; file: string }> {
  const dataDir = tempFolder();
  folders.push(dataDir);
  const hyperrag = await TestHyperrag.open({ dataDir });
  const agent = await hyperrag.agent('magi');
  await agent.call('hyperrag_ingest', { documents: [{ id: 'a', title: 'Kestrel', text: 'The kestrel nests here.' }] });
  await hyperrag.close();
  return { dataDir, file: path.join(dataDir, 'hyperrag.db') };
}

/** As many passages as a long life brings; what they say does not matter here. */
function fill(file: string): void {
  const db = new Database(file);
  const text = 'The heron stands in the reeds. '.repeat(64);
  const document = db.prepare<[number, string]>(
    `INSERT INTO documents SELECT ?, namespace, kind, ?, title, source, author, digest, metadata, ttl_days, created_at, updated_at
     FROM documents WHERE key = 1`,
  );
  const passage = db.prepare<[number, number, string, string]>(
    "INSERT INTO passages (key, document_key, ordinal, heading, text, digest) VALUES (?, ?, 0, '', ?, ?)",
  );
  db.transaction(() => {
    for (let key = 2; key <= PASSAGES; key++) {
      document.run(key, `d${key}`);
      passage.run(key, key, text, `digest ${key}`);
    }
    db.prepare("UPDATE counters SET value = ? WHERE name IN ('document', 'passage')").run(PASSAGES);
    for (let part = 0; part < PARTS; part++) {
      db.prepare('INSERT INTO snapshot_parts VALUES (1, ?, zeroblob(?))').run(part, PART_OCTETS);
    }
    db.prepare('INSERT INTO snapshots VALUES (1, ?, 0, ?)').run(PASSAGES, PARTS * PART_OCTETS);
  })();
  db.close();
}

/** What the process had read of all files when it had said hello and listed its tools and resources. */
async function octetsReadForHello(dataDir: string): Promise<number> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const args = [SERVE, 'hyperrag', '--token', 'token-magi', '--data-dir', dataDir];
  const transport = new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' });
  await client.connect(transport);
  expect((await client.listTools()).tools.length).toBeGreaterThan(5);
  await client.listResources();
  const io = fs.readFileSync(`/proc/${transport.pid}/io`, 'utf8');
  await client.close();
  return Number(/^rchar: (\d+)$/m.exec(io)?.[1]);
}

it('[H2] [P1] says hello without reading the passages: as much is read for one as for twenty thousand', async () => {
  const small = await makeStore();
  const large = await makeStore();
  fill(large.file);
  expect(fs.statSync(large.file).size).toBeGreaterThan(100 * 2 ** 20);
  // A first start compiles modules; both read the same from then on.
  await octetsReadForHello(small.dataDir);
  const few = await octetsReadForHello(small.dataDir);
  const many = await octetsReadForHello(large.dataDir);
  expect(few).toBeGreaterThan(0);
  expect(many - few).toBeLessThan(MOST_MORE_OCTETS);
});

it('[H2] [P1] opening a store of any size loads no index; the first question does', async () => {
  const { dataDir } = await makeStore();
  const hyperrag = await TestHyperrag.open({ dataDir });
  const agent = await hyperrag.agent('magi');
  await agent.client.listTools();
  expect(hyperrag.deps.index.size).toBeUndefined();
  await agent.call('hyperrag_query', { query: 'kestrel' });
  expect(hyperrag.deps.index.size).toBe(1);
  await hyperrag.close();
});
