import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';

const BENCH = path.resolve(import.meta.dirname, '../../bench/retrieval.ts');

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

function write(file: string, lines: readonly (object | string)[]): void {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  fs.writeFileSync(path.join(folder, file), `${text}\n`);
}

function writeSet(): void {
  write('corpus.jsonl', [
    { id: 'a', title: 'Kiln', text: 'The kiln was built by Vera Lind.', group: 'g' },
    { id: 'b', title: 'Vera Lind', text: 'Vera Lind came from Munn.', group: 'g' },
    { id: 'c', title: 'Vera Lind', text: 'Who built the kiln? Vera Lind.', group: 'other' },
  ]);
  write('queries.jsonl', [
    { id: 'q', text: 'Where did the builder of the Kiln come from?', group: 'g', type: 'bridge' },
  ]);
  write('qrels.tsv', ['query-id\tcorpus-id\tscore', 'q\ta\t1', 'q\tb\t1', 'q\tc\t0']);
}

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BENCH, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

const figures = {
  'recall@2': z.number(),
  'recall@5': z.number(),
  'recall@10': z.number(),
  'all_gold@5': z.number(),
  'ndcg@10': z.number(),
  'recall@100': z.number(),
  index_ms: z.number().nonnegative(),
  query_p50_ms: z.number().nonnegative(),
  query_p99_ms: z.number().nonnegative(),
  rss_mb: z.number().positive(),
};
const Report = z.strictObject({ ...figures, fts5: z.strictObject(figures) });

it('[H2] prints the figures of both engines as one JSON object, and searches inside the group of the query', () => {
  writeSet();
  const { status, stdout, stderr } = run(folder, '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const report = Report.parse(JSON.parse(stdout));
  expect(report['recall@2']).toBe(100);
  expect(report.fts5['recall@100']).toBeLessThanOrEqual(100);
});

it('[H2] prints a table without --json', () => {
  writeSet();
  expect(run(folder).stdout).toMatch(/retriever +fts5\nrecall@2 +100 +\d/);
});

it.each([
  ['names no folder', () => run(), 'usage: npm run bench:retrieval'],
  ['has an unknown flag', () => run(folder, '--jsno'), 'usage: npm run bench:retrieval'],
  ['names a folder that is not there', () => run(path.join(folder, 'no')), 'it has no file corpus.jsonl'],
  [
    'names a folder with a broken line',
    () => {
      writeSet();
      write('corpus.jsonl', [{ id: 'a', text: 'fine' }, '{"id": "b", ']);
      return run(folder);
    },
    'corpus.jsonl line 2 is not JSON',
  ],
  [
    'names a folder with a document without text',
    () => {
      writeSet();
      write('corpus.jsonl', [{ id: 'a' }]);
      return run(folder);
    },
    'corpus.jsonl line 1: text',
  ],
  [
    'names a folder with an id twice',
    () => {
      writeSet();
      write('corpus.jsonl', [
        { id: 'a', text: 'x' },
        { id: 'a', text: 'y' },
      ]);
      return run(folder);
    },
    'has the id "a" twice',
  ],
  [
    'names a folder with spaces for tabs',
    () => {
      writeSet();
      write('qrels.tsv', ['q a 1']);
      return run(folder);
    },
    'qrels.tsv line 1: expected query-id, corpus-id and a score with tabs between',
  ],
  [
    'names a folder whose ids do not agree',
    () => {
      writeSet();
      write('qrels.tsv', ['nobody\ta\t1']);
      return run(folder);
    },
    'do the ids agree?',
  ],
])('[H2] says in a sentence what is wrong when the command line %s', (_, start, message) => {
  const { status, stdout, stderr } = start();
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('    at ');
});
