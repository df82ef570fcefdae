/**
 * HyperRAG through its tool, on passages made here: time to ingest, to load with and without a saved index, and of a query over
 * stdio to a process of its own, with the memory of that process. `node test/bench/hyperrag.ts [passages]`; prints JSON.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { makeCorpus } from '../fixtures/hyperrag/corpus.ts';
import { TestHyperrag, tempFolder } from '../fixtures/hyperrag/knowledge.ts';
import { amount } from './amount.ts';
import { cpuMs, peakKb, residentKb } from './proc.ts';

const SERVE = path.resolve(import.meta.dirname, '../fixtures/serve-one.ts');
const passages = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? amount(12_000));
const QUERIES = amount(500);

const dataDir = tempFolder();
const { documents, questions } = makeCorpus(passages);
const asked = Array.from({ length: QUERIES }, (_, n) => questions[Math.floor((n * questions.length) / QUERIES)]!);

function since(began: number): number {
  return Math.round(performance.now() - began);
}

async function connect(): Promise<{ client: Client; initializeMs: number; pid: number }> {
  const client = new Client({ name: 'bench', version: '1.0.0' });
  const args = [SERVE, 'hyperrag', '--token', 'token-magi', '--data-dir', dataDir];
  const began = performance.now();
  const transport = new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' });
  await client.connect(transport);
  return { client, initializeMs: since(began), pid: transport.pid ?? 0 };
}

async function firstQueryMs(client: Client): Promise<number> {
  const began = performance.now();
  await client.callTool({ name: 'hyperrag_query', arguments: { query: asked[0]!.text } }, undefined, {
    timeout: 600_000,
  });
  return since(began);
}

try {
  const writer = await TestHyperrag.open({ dataDir });
  const agent = await writer.agent('magi');
  const began = performance.now();
  for (let at = 0; at < documents.length; at += 2_000) {
    await agent.call('hyperrag_ingest', { documents: documents.slice(at, at + 2_000) });
  }
  const ingestMs = since(began);
  const cold = await connect();
  const coldQueryMs = await firstQueryMs(cold.client);
  await cold.client.close();
  const saving = performance.now();
  await writer.deps.index.save();
  const saveMs = since(saving);
  await writer.close();

  const warm = await connect();
  const warmQueryMs = await firstQueryMs(warm.client);
  const times: number[] = [];
  const cpuBefore = cpuMs(warm.pid);
  let found = 0;
  for (const { text, answers } of asked) {
    const start = performance.now();
    const { structuredContent } = await warm.client.callTool({
      name: 'hyperrag_query',
      arguments: { query: text, top_k: 5 },
    });
    times.push(performance.now() - start);
    const { results } = structuredContent as { results: { document_id: string }[] };
    if (answers.every((id) => results.some(({ document_id }) => document_id === id))) found++;
  }
  const cpuPerQuery = (cpuMs(warm.pid) - cpuBefore) / asked.length;
  const [rssKb, mostKb] = [residentKb(warm.pid), peakKb(warm.pid)];
  await warm.client.close();
  times.sort((a, b) => a - b);
  const at = (share: number) => Number(times[Math.floor(times.length * share)]!.toFixed(2));
  const fileMb = Math.round(fs.statSync(path.join(dataDir, 'hyperrag.db')).size / 2 ** 20);
  const figures = {
    passages: documents.length,
    ingest_ms: ingestMs,
    first_query_without_saved_index_ms: coldQueryMs,
    learn_and_save_ms: saveMs,
    initialize_ms: warm.initializeMs,
    first_query_with_saved_index_ms: warmQueryMs,
    query_p50_ms: at(0.5),
    query_p99_ms: at(0.99),
    query_cpu_mean_ms: Number(cpuPerQuery.toFixed(2)),
    all_answers_in_5: Number(((100 * found) / asked.length).toFixed(1)),
    server_rss_mb: Math.round(rssKb / 1024),
    server_peak_mb: Math.round(mostKb / 1024),
    file_mb: fileMb,
    load_average: Number(os.loadavg()[0]!.toFixed(1)),
    cores: os.availableParallelism(),
  };
  process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
} finally {
  fs.rmSync(dataDir, { recursive: true, force: true });
}
