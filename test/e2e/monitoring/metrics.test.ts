/** `/metrics` as Prometheus sees it: its own tools read it, its own server scrapes it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilListed } from '../lib/oracle.ts';
import { RawSession, send } from '../lib/raw-client.ts';
import { until } from '../lib/until.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

let village: Village;
let alice: RawSession;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'prometheus-'));
const scraper = tokenFor('prometheus', { role: 'developer', permissions: ['monitoring:diagnose'] });

beforeAll(async () => {
  const ledger = path.join(folder, 'ledger.txt');
  fs.writeFileSync(ledger, '');
  village = await Village.start({
    config: {
      mcpServers: { tools: fixture('tools.ts', '--ledger', ledger) },
      agents: { alice: { level: 'OPERATOR' }, prometheus: { level: 'READ_ONLY', role: 'developer' } },
      permissions: [{ match: 'tools/*', level: 'OPERATOR' }],
    },
  });
  alice = await RawSession.open(village.url, tokenFor('alice'));
  await untilListed(alice, 'tools__echo');
});
afterAll(async () => {
  await village.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

const get = (token?: string) =>
  send(village.url, {
    method: 'GET',
    path: '/metrics',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });

/** Prometheus takes no port 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function sampleOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

it('[O6] tells nothing without a token, and nothing to whom the matrix does not let read it', async () => {
  expect((await get()).status).toBe(401);
  const denied = await get(tokenFor('alice', { permissions: [] }));
  expect(denied.status).toBe(400);
  expect(denied.text).toContain('There is nothing at this path');
  const names = await alice.request('resources/read', { uri: 'village://metrics' });
  expect(names.error?.code).toBe(-32602);
});

it('[O6] counts calls by server, tool and outcome, and times each step of the line', async () => {
  for (let n = 0; n < 3; n++) await alice.call('tools__echo', { text: `x${n}` });
  await alice.call('no_such_tool_at_all', {});
  await alice.call('tools__fail', {}).catch(() => undefined);
  const { text, headers } = await get(scraper);
  expect(headers['content-type']).toContain('text/plain; version=0.0.4');
  expect(sampleOf(text, 'aivillage_calls_total{server="tools",tool="tools__echo",outcome="ok"}')).toBe(3);
  expect(sampleOf(text, 'aivillage_calls_total{server="",tool="",outcome="denied"}')).toBeGreaterThanOrEqual(1);
  expect(text).not.toContain('no_such_tool_at_all');
  const timed = (step: string) => sampleOf(text, `aivillage_call_step_seconds_count{step="${step}"}`);
  for (const step of ['admit', 'record_start', 'upstream', 'record_end']) expect(timed(step)).toBeGreaterThanOrEqual(3);
  // Nothing here needs a vote.
  expect(timed('governance')).toBe(0);
  expect(sampleOf(text, 'aivillage_server_up{server="tools"}')).toBe(1);
  expect(sampleOf(text, 'aivillage_server_state{server="tools",state="ready"}')).toBe(1);
  expect(sampleOf(text, 'aivillage_sessions{door="http"}')).toBe(1);
  expect(sampleOf(text, 'aivillage_audit_up')).toBe(1);
  expect(sampleOf(text, 'aivillage_errors_total{reason="UNAUTHORIZED_ACCESS"}')).toBeGreaterThanOrEqual(1);
  expect(sampleOf(text, 'nodejs_event_loop_delay_seconds{share="0.99"}')).toBeGreaterThanOrEqual(0);
});

it('[O6] is clean by the rules of promtool', async () => {
  const { text } = await get(scraper);
  const printed = execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  expect(printed.trim()).toBe('');
});

it('[O6] a real Prometheus scrapes it, and its alert fires', async () => {
  const port = await freePort();
  fs.writeFileSync(
    path.join(folder, 'rules.yml'),
    'groups: [{name: village, interval: 1s, rules: [{alert: ServerUsed, expr: "aivillage_calls_total{server=\\"tools\\"} > 0"}]}]\n',
  );
  fs.writeFileSync(path.join(folder, 'token'), scraper);
  fs.writeFileSync(
    path.join(folder, 'prometheus.yml'),
    [
      'global: {scrape_interval: 1s, evaluation_interval: 1s}',
      'rule_files: [rules.yml]',
      `scrape_configs: [{job_name: village, authorization: {credentials_file: token}, static_configs: [{targets: ["${new URL(village.url).host}"]}]}]`,
    ].join('\n'),
  );
  const prometheus = spawn(
    'prometheus',
    [
      '--config.file=prometheus.yml',
      `--storage.tsdb.path=${folder}/tsdb`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  try {
    const alerts = await until(
      'the alert fires',
      async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/api/v1/alerts`).catch(() => undefined);
        if (answer === undefined || !answer.ok) return false;
        const { data } = (await answer.json()) as {
          data: { alerts: { state: string; labels: { alertname: string } }[] };
        };
        return data.alerts.filter(({ state }) => state === 'firing').length > 0 && data.alerts;
      },
      30_000,
    );
    expect(alerts[0]?.labels).toMatchObject({ alertname: 'ServerUsed', server: 'tools' });
  } finally {
    const gone = once(prometheus, 'exit');
    prometheus.kill();
    await gone;
  }
}, 40_000);
