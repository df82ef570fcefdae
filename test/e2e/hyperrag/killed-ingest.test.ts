import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestHyperrag, tempFolder } from '../../fixtures/hyperrag/knowledge.ts';

const CHILD = path.resolve(import.meta.dirname, '../../fixtures/hyperrag/ingest-child.ts');
const DOCUMENTS = 200;
const PARTS = 3;
/** Rows of a table after which the process dies: inside a document, of several in one transaction. */
const DEATHS = [
  { table: 'passages', row: 2 },
  { table: 'passages', row: 200 },
  { table: 'mentions', row: 200 },
  { table: 'documents', row: 60 },
] as const;

let dataDir: string;
let folder: string;

beforeEach(() => {
  dataDir = tempFolder();
  folder = tempFolder();
  // Each document is cut into PARTS passages.
  const part = (n: number, p: number) =>
    `Barrel ${n} part ${p} holds cider of Ilse Brandvold. ${'It is made of oak. '.repeat(50)}`;
  const lines = Array.from({ length: DOCUMENTS }, (_, n) =>
    JSON.stringify({ id: `d${n}`, text: Array.from({ length: PARTS }, (_, p) => part(n, p)).join('\n\n') }),
  );
  fs.writeFileSync(path.join(folder, 'all.jsonl'), lines.join('\n'));
});
afterEach(() => {
  for (const each of [dataDir, folder]) fs.rmSync(each, { recursive: true, force: true });
});

/** How many documents there are, and how many have another number of passages than they must have. */
function look(): { documents: number; half: number } {
  const db = new Database(path.join(dataDir, 'hyperrag.db'), { readonly: true });
  try {
    const counts = db
      .prepare<[], number>(
        'SELECT count(passages.key) FROM documents LEFT JOIN passages ON passages.document_key = documents.key GROUP BY documents.key',
      )
      .pluck()
      .all();
    return { documents: counts.length, half: counts.filter((count) => count !== PARTS).length };
  } finally {
    db.close();
  }
}

it('[H1] killed inside a document it has whole documents only, and the same call again brings the rest', async () => {
  let before = 0;
  for (const { table, row } of DEATHS) {
    const child = spawn(process.execPath, [CHILD, dataDir, folder, table, String(row)], { stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const { documents, half } = look();
    expect(half).toBe(0);
    expect(documents).toBeGreaterThanOrEqual(before);
    expect(documents).toBeLessThan(DOCUMENTS);
    before = documents;
  }
  expect(before).toBeGreaterThan(0);
  const hyperrag = await TestHyperrag.open({ dataDir, folders: [folder] });
  const agent = await hyperrag.agent('sage');
  const { value } = await agent.call('hyperrag_ingest', { paths: [folder] });
  expect(value).toMatchObject({ documents: DOCUMENTS - before, unchanged: before, skipped: [] });
  expect(look()).toEqual({ documents: DOCUMENTS, half: 0 });
  const [found] = await agent.list('hyperrag_query', 'results', {
    query: `Which barrel ${DOCUMENTS - 1} holds cider?`,
  });
  expect(found).toBeDefined();
  await hyperrag.close();
}, 60_000);
