/** The monitoring server behind a real router: what it knows of the village, of calls, and whom it tells. */
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pcm, sine, wav } from '../../fixtures/monitoring/sound.ts';
import { untilListed } from '../lib/oracle.ts';
import { type JsonRpc, RawSession, textOf } from '../lib/raw-client.ts';
import { until } from '../lib/until.ts';
import { fixture, LAUNCHER, tokenFor, Village } from '../lib/village.ts';

interface Told {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const told: Told[] = [];
const receiver = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    told.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(204).end();
  });
});
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitored-'));
let village: Village;
let king: RawSession;
let alice: RawSession;
let bob: RawSession;

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const ledger = path.join(folder, 'ledger.txt');
  fs.writeFileSync(ledger, '');
  const mono = { sampleRate: 48_000, channels: 1, encoding: 's16' } as const;
  fs.writeFileSync(path.join(folder, 'tone.wav'), wav(mono, pcm(mono, 48_000, sine(48_000, 997, 0.5))));
  village = await Village.start({
    config: {
      mcpServers: {
        monitoring: { command: 'node', args: [LAUNCHER, 'serve', 'monitoring'] },
        tools: fixture('tools.ts', '--ledger', ledger),
        broken: { command: 'node', args: ['-e', 'process.exit(3)'] },
      },
      agents: {
        king: { level: 'EMERGENCY', role: 'admin' },
        alice: { level: 'OPERATOR', role: 'developer' },
        bob: { level: 'READ_ONLY', role: 'user' },
      },
      permissions: [{ match: 'tools/*', level: 'OPERATOR' }],
    },
    env: { MONITORING_FOLDERS: folder, MONITORING_ALLOW_PRIVATE_WEBHOOKS: '1' },
  });
  king = await RawSession.open(village.url, tokenFor('king', { governance_level: 'EMERGENCY', role: 'admin' }));
  alice = await RawSession.open(village.url, tokenFor('alice', { role: 'developer' }));
  bob = await RawSession.open(village.url, tokenFor('bob', { governance_level: 'READ_ONLY' }));
  await untilListed(king, 'system_performance');
  await untilListed(alice, 'tools__echo');
});
afterAll(async () => {
  await village.remove();
  receiver.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

function structured<T>(answer: JsonRpc): T {
  if (answer.error !== undefined || answer.result?.isError === true) throw new Error(JSON.stringify(answer));
  return answer.result?.structuredContent as T;
}

it('[O1] measures each process of the village by name, and keeps what it measured', async () => {
  interface Performance {
    current: { processes: { name: string; rss_bytes: number }[] };
    history: { processes: { name: string }[] }[];
  }
  const found = await until(
    'two samples',
    async () => {
      const one = structured<Performance>(await bob.call('system_performance', { metrics: ['processes', 'cpu'] }));
      return one.history.length >= 2 && one;
    },
    30_000,
  );
  const names = found.current.processes.map(({ name }) => name);
  expect(names).toContain('router');
  expect(names).toContain('monitoring');
  for (const { rss_bytes } of found.current.processes) expect(rss_bytes).toBeGreaterThan(1e6);
  expect(found.history.at(-1)?.processes.map(({ name }) => name)).toContain('router');
  const files = fs.readdirSync(village.dataDir).filter((name) => name.startsWith('monitoring.db'));
  expect(files).toContain('monitoring.db');
}, 40_000);

it('[O2] says what is wrong with a server that does not start, since when, and what to do', async () => {
  interface Diagnostics {
    status: string;
    checks: {
      component: string;
      part: string;
      status: string;
      since: string;
      finding: string;
      remedy: string | null;
    }[];
  }
  const found = await until(
    'the router is read',
    async () => {
      const one = structured<Diagnostics>(await bob.call('system_diagnostics', { components: ['all'], level: 'full' }));
      return one.checks.every(({ status }) => status !== 'unknown') && one;
    },
    30_000,
  );
  expect(found.status).toBe('unhealthy');
  expect(found.checks.find(({ part }) => part === 'broken')).toMatchObject({
    component: 'services',
    status: 'unhealthy',
    since: expect.stringMatching(/^\d{4}-/),
    remedy: expect.stringContaining('command'),
  });
  expect(found.checks.find(({ part }) => part === 'tools')).toMatchObject({ status: 'healthy', remedy: null });
  expect(found.checks.find(({ component }) => component === 'audit')).toMatchObject({ status: 'healthy' });
  expect(found.checks.find(({ part }) => part === 'monitoring.db')).toMatchObject({
    finding: 'monitoring.db is whole',
  });
}, 40_000);

it('[O3] shows where the time of a workflow went, from the audit, and to others only their own part', async () => {
  const meta = { 'io.aivillage/workflow': 'report-1' };
  await alice.call('tools__echo', { text: 'first' });
  await alice.call('tools__echo', { text: 'a' }, meta);
  await king.call('tools__echo', { text: 'b' }, meta);
  await alice.call('tools__no_such', {}, meta);
  interface Analysis {
    steps: { name: string; agent: string; outcome: string }[];
    critical_path: { name: string }[];
    errors: { name: string; failed: number }[];
    compared: { name: string; median_before_ms: number | null }[];
    notes: string[];
  }
  const whole = structured<Analysis>(await king.call('workflow_analyze', { workflow_id: 'report-1' }));
  expect(whole.steps.map(({ name, agent, outcome }) => [name, agent, outcome])).toEqual([
    ['tools__echo', 'alice', 'ok'],
    ['tools__echo', 'king', 'ok'],
    ['tools__no_such', 'alice', 'denied'],
  ]);
  expect(whole.critical_path).toHaveLength(3);
  expect(whole.errors).toMatchObject([{ name: 'tools__no_such', failed: 1 }]);
  expect(whole.compared.find(({ name }) => name === 'tools__echo')?.median_before_ms).toBeGreaterThan(0);
  const own = structured<Analysis>(await alice.call('workflow_analyze', { workflow_id: 'report-1' }));
  expect(own.steps.map(({ agent }) => agent)).toEqual(['alice', 'alice']);
  expect(own.notes).toEqual(['only your own calls are shown']);
  const read = await king.request('resources/read', { uri: 'monitoring://workflows/report-1' });
  expect(JSON.stringify(read.result)).toContain('critical_path');
  const unknown = await king.call('workflow_analyze', { workflow_id: 'nobody-knows' });
  expect(textOf(unknown)).toContain('io.aivillage/workflow');
});

it('[O7] reports messages, violations, connections, clients and tools', async () => {
  await alice.post('{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}');
  interface Report {
    messages: { kind: string; count: number }[];
    violations: { kind: string; count: number }[];
    connections: { kind: string; count: number }[];
    clients: { agent: string; calls: number }[];
    tools: { tool: string; calls: number; denied: number }[];
    notes: string[];
  }
  const report = await until(
    'the violation is read',
    async () => {
      const one = structured<Report>(await king.call('diagnostics_report', {}));
      return one.violations.length > 0 && one;
    },
    20_000,
  );
  expect(report.messages.find(({ kind }) => kind === 'request')?.count).toBeGreaterThan(5);
  expect(report.violations[0]).toMatchObject({ kind: 'INVALID_MESSAGE_FORMAT' });
  expect(report.connections.find(({ kind }) => kind === 'http')?.count).toBeGreaterThanOrEqual(3);
  expect(report.clients.map(({ agent }) => agent)).toEqual(expect.arrayContaining(['alice', 'king']));
  expect(report.tools.find(({ tool }) => tool === 'tools__echo')?.calls).toBeGreaterThanOrEqual(3);
  const own = structured<Report>(await alice.call('diagnostics_report', {}));
  expect(own.clients.map(({ agent }) => agent)).toEqual(['alice']);
}, 30_000);

it('[O5] [O9] an alert and an event reach a webhook, signed; whoever may not, cannot add one', async () => {
  const { port } = receiver.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/hook?key=x`;
  expect(textOf(await bob.call('monitoring_alerts', { action: 'add_webhook', url }))).toContain(
    'monitoring:manage_alerts',
  );
  const events = { action: 'add_webhook', url, topics: ['alert', 'tool_executed'] };
  expect(textOf(await alice.call('monitoring_alerts', events))).toContain('audit:read');
  const metadata = { action: 'add_webhook', url: 'http://169.254.169.254/latest/meta-data' };
  expect(textOf(await king.call('monitoring_alerts', metadata))).toMatch(/link-local|reserved/);
  const added = structured<{ secret: string; webhooks: { url: string }[] }>(
    await king.call('monitoring_alerts', events),
  );
  expect(added.webhooks[0]?.url).toBe(`http://127.0.0.1:${port}/hook`);
  const rule = {
    id: 'anything',
    kind: 'threshold',
    series: 'memory.used_percent',
    value: 0,
    for_seconds: 0,
    severity: 'info',
  };
  await king.call('monitoring_alerts', { action: 'set_rule', rule });
  const alert = await until(
    'the alert is told',
    () => told.find(({ body }) => body.includes('"rule_id":"anything"')),
    20_000,
  );
  expect(alert.headers['x-aivillage-signature']).toBe(
    `sha256=${createHmac('sha256', added.secret).update(alert.body).digest('hex')}`,
  );
  expect(JSON.parse(alert.body)).toMatchObject({
    topic: 'alert',
    alert: { state: 'firing', series: 'memory.used_percent' },
  });
  const event = await until(
    'the event is told',
    async () => {
      await alice.call('tools__echo', { text: 'told' });
      return told.find(({ body }) => body.includes('"topic":"tool_executed"') && body.includes('tools__echo'));
    },
    20_000,
  );
  expect(JSON.parse(event.body)).toMatchObject({ event: { kind: 'tool_executed', agent: 'alice', outcome: 'ok' } });
  const { contents } = (await bob.request('resources/read', { uri: 'monitoring://alerts' })).result as {
    contents: { text: string }[];
  };
  expect(contents[0]?.text).toContain('"rule_id":"anything"');
}, 50_000);

it('[O4] measures a file in the folders that are open, and says what is wrong with others', async () => {
  const found = structured<{ quality: { per_channel: { peak_dbfs: number; rms_dbfs: number }[] } }>(
    await alice.call('audio_analyze', { path: 'tone.wav' }),
  );
  expect(found.quality.per_channel).toMatchObject([{ peak_dbfs: -6.02, rms_dbfs: -9.03 }]);
  expect(textOf(await alice.call('audio_analyze', { path: '/etc/passwd' }))).toContain('outside the folders');
  expect(textOf(await alice.call('audio_analyze', {}))).toContain('either `path` or `stream_id`');
  expect((await bob.call('audio_analyze', { path: 'tone.wav' })).error?.code).toBe(-32602);
});

it('[O1] an unknown metric is unknown, and a series is read by its name', async () => {
  expect((await bob.request('resources/read', { uri: 'monitoring://metrics/no.such' })).error?.code).toBe(-32602);
  const { result } = await bob.request('resources/read', { uri: 'monitoring://metrics/router.sessions' });
  const { contents } = result as { contents: { text: string }[] };
  expect(JSON.parse(contents[0]!.text)).toMatchObject({ name: 'router.sessions', value: expect.any(Number) });
});

it('[O2] the prompt for an incident holds what is known', async () => {
  const { result } = await bob.request('prompts/get', {
    name: 'incident_report',
    arguments: { what_happened: 'the broken server' },
  });
  expect(JSON.stringify(result)).toContain('broken');
});
