/**
 * The digital twin through its tools, on facts made here: telling, opening, and questions over stdio to a process of its own, beside a
 * baseline: the same facts in plain SQLite FTS5, asked in this process. `node test/bench/twin.ts [facts]`; prints JSON.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import Database from 'better-sqlite3';
import { openTwinServer } from '../../servers/digital-twin/main.ts';
import { openPrivacy } from '../../shared/privacy/privacy.ts';
import { makeFacts } from '../fixtures/digital-twin/facts.ts';
import { filesBelow, type Person, personOf } from '../fixtures/digital-twin/twins.ts';
import { amount } from './amount.ts';
import { cpuMs } from './proc.ts';

const SERVE = path.resolve(import.meta.dirname, '../fixtures/serve-one.ts');
const BATCH = 200;
const QUERIES = amount(1_000);
const PERSON = 'magi';
const SCANNED_MB = amount(400) / 100;

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const count = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? amount(20_000));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-twin-'));
const dataDir = path.join(folder, 'data');
const facts = makeFacts(count);
const asked = Array.from({ length: QUERIES }, (_, n) => facts[Math.floor((n * count) / QUERIES)]!);

interface Served {
  readonly person: Person;
  readonly initializeMs: number;
  readonly pid: number;
}

async function connect(): Promise<Served> {
  const client = new Client({ name: 'bench', version: '1.0.0' });
  const args = [SERVE, 'digital-twin', '--token', `token-${PERSON}`, '--data-dir', dataDir];
  const began = performance.now();
  const transport = new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' });
  await client.connect(transport);
  const { pid } = transport;
  if (pid === null) throw new Error('the server has no process');
  return { person: personOf(client), initializeMs: performance.now() - began, pid };
}

async function timed(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Milliseconds at this share of the sorted times. */
function at(times: readonly number[], share: number): number {
  return rounded([...times].sort((a, b) => a - b)[Math.floor(times.length * share)] ?? 0);
}

function rounded(ms: number): number {
  return Number(ms.toFixed(2));
}

function storeBytes(): number {
  const files = filesBelow(dataDir).filter((file) => file.endsWith('.twin'));
  return files.reduce((sum, file) => sum + fs.statSync(file).size, 0);
}

async function questions(person: Person, anonymization_required: boolean): Promise<{ times: number[]; found: number }> {
  const times: number[] = [];
  let found = 0;
  for (const { question, content } of asked) {
    let results: Record<string, unknown>[] = [];
    const args = { query: question, anonymization_required };
    times.push(
      await timed(async () => {
        results = await person.list('mini_rag_query', 'results', args);
      }),
    );
    if (results.some((result) => result.content === content)) found++;
  }
  return { times, found };
}

function baseline(): { p50: number; p99: number; found: number } {
  const database = new Database(path.join(folder, 'plain.db'));
  database.exec("CREATE VIRTUAL TABLE f USING fts5(content, tokenize = 'porter')");
  const insert = database.prepare('INSERT INTO f VALUES (?)');
  database.transaction(() => {
    for (const { content } of facts) insert.run(content);
  })();
  const select = database
    .prepare<[string], string>('SELECT content FROM f WHERE f MATCH ? ORDER BY rank LIMIT 10')
    .pluck();
  const times: number[] = [];
  let found = 0;
  for (const { question, content } of asked) {
    const words = question.match(/[\p{L}\p{N}]+/gu) ?? [];
    const began = performance.now();
    const results = select.all(words.map((word) => `"${word}"`).join(' OR '));
    times.push(performance.now() - began);
    if (results.includes(content)) found++;
  }
  database.close();
  return { p50: at(times, 0.5), p99: at(times, 0.99), found };
}

try {
  const writer = await connect();
  const tellMs = await timed(async () => {
    for (let n = 0; n < count; n += BATCH) {
      await writer.person.observe(...facts.slice(n, n + BATCH).map(({ content }) => ({ kind: 'knowledge', content })));
    }
  });
  const first = (person: Person) =>
    timed(() => person.call('mini_rag_query', { query: asked[0]!.question, anonymization_required: false }));
  const unsavedMs = await first(writer.person);
  await writer.person.client.close();

  const keeper = openTwinServer({ log: silent, dataDir });
  await keeper.twins.use(PERSON, (twin) => twin.index.save());
  await keeper.close();

  const reader = await connect();
  const idleCpuMs = cpuMs(reader.pid);
  const openMs = await first(reader.person);
  const openCpuMs = cpuMs(reader.pid) - idleCpuMs;
  const plain = await questions(reader.person, false);
  const queriesCpuMs = cpuMs(reader.pid) - idleCpuMs - openCpuMs;
  const hidden = await questions(reader.person, true);
  await reader.person.client.close();

  const { scan } = await openPrivacy();
  const text = facts.map(({ content }) => `${content} Write to a.b@example.org or +49 30 901820.`).join('\n');
  const scanned = text.repeat(Math.ceil((SCANNED_MB * 1e6) / text.length)).slice(0, SCANNED_MB * 1e6);
  const scanMs = await timed(() => scan(scanned));
  const fts5 = baseline();
  const figures = {
    facts: count,
    tell_ms: Math.round(tellMs),
    initialize_ms: Math.round(reader.initializeMs),
    first_question_without_saved_index_ms: Math.round(unsavedMs),
    open_ms: Math.round(openMs),
    open_cpu_ms: openCpuMs,
    query_p50_ms: at(plain.times, 0.5),
    query_p99_ms: at(plain.times, 0.99),
    query_cpu_mean_ms: rounded(queriesCpuMs / QUERIES),
    anonymised_query_p50_ms: at(hidden.times, 0.5),
    anonymised_query_p99_ms: at(hidden.times, 0.99),
    found_in_10: plain.found / QUERIES,
    privacy_scan_mb_per_s: rounded(SCANNED_MB / (scanMs / 1_000)),
    store_mb: Math.round(storeBytes() / 2 ** 20),
    fts5_in_process: { query_p50_ms: fts5.p50, query_p99_ms: fts5.p99, found_in_10: fts5.found / QUERIES },
  };
  process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
