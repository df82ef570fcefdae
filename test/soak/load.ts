/**
 * D1: `--per-second N` (1,000) calls for `--seconds S` (600) with token, matrix, limiter, screening and audit on, each twentieth to the
 * server itself instead: what the router adds is told beside the same server on the same machine at the same time.
 */
import http from 'node:http';
import os from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { untilReady } from '../e2e/lib/faults.ts';
import { cpuMs } from '../e2e/lib/processes.ts';
import { POST_HEADERS, RawSession } from '../e2e/lib/raw-client.ts';
import { tokenFor, Village } from '../e2e/lib/village.ts';
import { startHttpFixture } from '../fixtures/lib/start.ts';

const { values } = parseArgs({
  options: { 'per-second': { type: 'string', default: '1000' }, seconds: { type: 'string', default: '600' } },
});
const perSecond = Number(values['per-second']);
const seconds = Number(values.seconds);
const DIRECT_EACH = 20;

const upstream = await startHttpFixture('mirror.ts');
const village = await Village.start({
  config: {
    mcpServers: { up: { url: upstream.url.href, allowPrivateAddress: true } },
    agents: { alice: { level: 'OPERATOR' } },
    permissions: [{ match: 'up/*', level: 'OPERATOR' }],
  },
});
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
const through: number[] = [];
const direct: number[] = [];
const faults: string[] = [];

function call(url: URL, headers: Record<string, string>, name: string, n: number, times: number[]): Promise<void> {
  const params = { name, arguments: { text: `call ${n}` } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: n, method: 'tools/call', params });
  const since = performance.now();
  return new Promise((resolve) => {
    const fault = (what: string): void => {
      if (faults.length < 20) faults.push(`call ${n}: ${what}`);
      resolve();
    };
    const request = http.request(url, { method: 'POST', headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => {
        times.push(performance.now() - since);
        if (response.statusCode === 200 && text.includes(`"id":${n}`) && text.includes('"result"')) resolve();
        else fault(`${response.statusCode} ${text.slice(0, 200)}`);
      });
    });
    request.on('error', (error) => fault(String(error)));
    request.end(body);
  });
}

try {
  await untilReady(village, 'up');
  const session = await RawSession.open(village.url, tokenFor('alice', { exp: Math.floor(Date.now() / 1000) + 7_200 }));
  const router = new URL('/mcp', village.url);
  const pid = village.process.pid!;
  const cpuBefore = cpuMs(pid);
  const startedAt = performance.now();
  const pending = new Set<Promise<void>>();
  for (let n = 1; performance.now() - startedAt < seconds * 1_000; ) {
    for (const due = ((performance.now() - startedAt) / 1_000) * perSecond; n <= due; n++) {
      const one =
        n % DIRECT_EACH === 0
          ? call(upstream.url, POST_HEADERS, 'mirror', n, direct)
          : call(router, session.headers, 'up__mirror', n, through);
      pending.add(one);
      void one.finally(() => pending.delete(one));
    }
    await wait(1);
  }
  await Promise.all(pending);
  const tookMs = performance.now() - startedAt;
  const cpu = cpuMs(pid) - cpuBefore;
  const verified = await village.cli('audit', 'verify');
  if (verified.code !== 0) faults.push(verified.stdout + verified.stderr);
  const p99 = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
  console.log(
    JSON.stringify({
      calls: through.length,
      perSecond: (through.length + direct.length) / (tookMs / 1_000),
      seconds,
      faults,
      p99Ms: p99(through),
      directP99Ms: p99(direct),
      addedP99Ms: p99(through) - p99(direct),
      addedP50Ms: through[through.length >> 1]! - direct[direct.length >> 1]!,
      routerCpuMicrosecondsACall: (cpu * 1_000) / through.length,
      loadAverage: os.loadavg()[0],
    }),
  );
} finally {
  agent.destroy();
  await village.remove();
  await upstream.stop();
}
