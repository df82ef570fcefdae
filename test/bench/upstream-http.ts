/**
 * What a call to an upstream over HTTP costs the router's thread: the transport beside a bare undici Pool, with JSON answers and
 * answers on a stream. Prints JSON: calls per second and µs of CPU a call, the median of the rounds.
 */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { Pool } from 'undici';
import { streamableHttp } from '../../router/upstreams/streamable-http.ts';
import type { Octets } from '../../shared/json/octets.ts';
import { amount } from './amount.ts';

const IN_FLIGHT = [1, 16, 64];
const ROUNDS = 5;
const CALLS = amount(10_000);

type CallOnce = (id: number) => Promise<void>;

interface Figures {
  callsPerSecond: number;
  cpuMicrosPerCall: number;
}

function requestText(id: number): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}`;
}

async function startEcho(form: string): Promise<{ url: string; child: ChildProcess }> {
  const child = fork(path.join(import.meta.dirname, 'upstream-http-echo.ts'), [form]);
  const port = await new Promise<unknown>((resolve) => child.once('message', resolve));
  return { url: `http://127.0.0.1:${String(port)}/mcp`, child };
}

async function measure(call: CallOnce, inFlight: number): Promise<Figures> {
  let id = 1;
  const worker = async (end: number): Promise<void> => {
    while (id < end) await call(id++);
  };
  const run = async (calls: number): Promise<void> => {
    const end = id + calls;
    await Promise.all(Array.from({ length: inFlight }, () => worker(end)));
  };
  await run(CALLS);
  const rounds: Figures[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    await run(CALLS);
    const { user, system } = process.cpuUsage(cpu);
    rounds.push({
      callsPerSecond: Math.round((CALLS / (performance.now() - start)) * 1_000),
      cpuMicrosPerCall: Math.round(((user + system) / CALLS) * 10) / 10,
    });
  }
  rounds.sort((a, b) => a.cpuMicrosPerCall - b.cpuMicrosPerCall);
  return rounds[ROUNDS >> 1] as Figures;
}

function barePool(url: string): { call: CallOnce; close: () => Promise<void> } {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: 64, pipelining: 1 });
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const call: CallOnce = async (id) => {
    const { body } = await pool.request({ method: 'POST', path: pathname, headers, body: requestText(id) });
    await body.text();
  };
  return { call, close: () => pool.close() };
}

async function transport(url: string): Promise<{ call: CallOnce; close: () => Promise<void> }> {
  const log = { debug: () => {}, warn: (fields: object, text: string) => console.error(text, fields) };
  const upstream = streamableHttp({ url, maxMessageBytes: 16_777_216, log });
  const pending = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  await upstream.start({
    onMessage: (_message, carrier) => {
      const id = carrier ?? -1;
      pending.get(id)?.resolve();
      pending.delete(id);
    },
    onBadMessage: () => {},
    onPaused: () => {},
    onRequestFailed: (id, error) => pending.get(id)?.reject(error),
    onClose: () => {},
  });
  const call: CallOnce = (id) =>
    new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject });
      upstream.send(requestText(id) as Octets, id);
    });
  return { call, close: () => upstream.close() };
}

const report: Record<string, Record<string, Figures>> = {};
for (const form of ['json', 'sse']) {
  const { url, child } = await startEcho(form);
  const subjects = { [`pool-${form}`]: barePool(url), [`transport-${form}`]: await transport(url) };
  for (const inFlight of IN_FLIGHT) {
    for (const [name, { call }] of Object.entries(subjects)) {
      report[name] = { ...report[name], [`${inFlight} in flight`]: await measure(call, inFlight) };
    }
  }
  for (const { close } of Object.values(subjects)) await close();
  child.disconnect();
}
console.log(JSON.stringify(report, null, 2));
