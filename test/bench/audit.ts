/**
 * Measures what the audit costs: CPU per record over both threads at several numbers in flight, the time from append to
 * committed, and how fast a million records verify. Prints JSON. `node test/bench/audit.ts [--records N]`
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openAuditLog } from '../../router/audit/audit-log.ts';
import { verifyAudit } from '../../router/audit/verify.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { amount } from './amount.ts';

const { values } = parseArgs({
  options: { records: { type: 'string', default: String(amount(200_000)) }, quick: { type: 'boolean' } },
});
const records = Number(values.records);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'audit-bench-'));
const place = { dataDir: path.join(folder, 'data'), checkpointDir: path.join(folder, 'checkpoints') };
const args = '{"query":"how do agents vote","top_k":8,"min_confidence":0.6}' as Octets;

const digest = 'sha256-5f2b8c0e9d1a4b7c8e6f3a2d1c0b9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d';
const call = (number: number) =>
  ({
    callId: `call-${number}`,
    agent: 'sage',
    tokenId: '0b1f8f9a-6c1d-4d55-9a55-1f7e5a2b3c4d',
    session: '3f0e0f7a9b1c4d5e8f70a1b2c3d4e5f6',
    server: 'hyperrag',
    tool: 'hyperrag_query',
    rule: 'hyperrag_query',
  }) as const;

async function run(inFlight: number, durability: 'normal' | 'strict', count: number) {
  const log = await openAuditLog({ ...place, durability, now: Date.now });
  let number = 0;
  const latencies: number[] = [];
  // Each lane is a call: its record before (with arguments), then its record after.
  const lane = async () => {
    while (number < count) {
      number += 2;
      const id = number;
      const start = performance.now();
      await log.append({ kind: 'call_started', ...call(id), definitionDigest: digest }, args);
      latencies.push(performance.now() - start);
      await log.append({ kind: 'call_finished', ...call(id), outcome: 'ok', durationMs: 1.25 });
    }
  };
  const lanes = () => Promise.all(Array.from({ length: inFlight }, lane));
  const wanted = count;
  count = Math.min(20_000, wanted / 10);
  await lanes();
  number = 0;
  count = wanted;
  latencies.length = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  await lanes();
  const seconds = (performance.now() - start) / 1_000;
  const used = process.cpuUsage(cpu);
  await log.close();
  latencies.sort((a, b) => a - b);
  const at = (part: number) => Number(latencies[Math.floor(latencies.length * part)]!.toFixed(3));
  return {
    inFlight,
    durability,
    records: number,
    recordsPerSecond: Math.round(number / seconds),
    cpuMicrosecondsPerRecord: Number(((used.user + used.system) / number).toFixed(2)),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

const runs = [
  await run(1, 'normal', records / 20),
  await run(16, 'normal', records / 2),
  await run(64, 'normal', records),
  await run(256, 'normal', records),
  await run(64, 'strict', records / 4),
];
const start = performance.now();
const verification = await verifyAudit(place);
const verifyMs = Math.round(performance.now() - start);
console.log(JSON.stringify({ runs, verify: { ...verification, ms: verifyMs } }));
fs.rmSync(folder, { recursive: true });
