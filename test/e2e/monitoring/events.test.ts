/** Events, workflow ids and traces: what the router tells of calls beside their answers. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilListed } from '../lib/oracle.ts';
import { RawSession, textOf } from '../lib/raw-client.ts';
import { until } from '../lib/until.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const spans: OtlpSpan[] = [];
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as {
      resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
    };
    for (const { scopeSpans } of body.resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});
let village: Village;
let alice: RawSession;
let king: RawSession;

beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  village = await Village.start({
    config: {
      mcpServers: { mirror: fixture('mirror.ts') },
      agents: { alice: { level: 'OPERATOR' }, bob: { level: 'OPERATOR' }, king: { level: 'EMERGENCY', role: 'admin' } },
      permissions: [{ match: 'mirror/*', level: 'OPERATOR' }],
    },
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}` },
  });
  alice = await RawSession.open(village.url, tokenFor('alice'));
  king = await RawSession.open(village.url, tokenFor('king', { governance_level: 'EMERGENCY', role: 'admin' }));
  await untilListed(alice, 'mirror__mirror');
});
afterAll(async () => {
  await village.remove();
  collector.close();
});

interface Event {
  readonly seq: number;
  readonly kind: string;
  readonly agent?: string;
  readonly tool?: string;
  readonly scope?: string;
}

async function events(session: RawSession, uri = 'village://events'): Promise<Event[]> {
  const { result } = await session.request('resources/read', { uri });
  const { contents } = result as { contents: { text: string }[] };
  return (JSON.parse(contents[0]!.text) as { events: Event[] }).events;
}

it('[O9] tells a caller of its own calls, and who may search the audit of all of them', async () => {
  await alice.call('mirror__mirror', { a: 1 });
  const own = await until('the event', async () => {
    const found = await events(alice);
    return found.some(({ tool }) => tool === 'mirror__mirror') && found;
  });
  expect(own.filter(({ kind }) => kind === 'tool_executed')).toMatchObject([
    { agent: 'alice', tool: 'mirror__mirror' },
  ]);
  const bob = await RawSession.open(village.url, tokenFor('bob'));
  expect((await events(bob)).filter(({ agent }) => agent === 'alice')).toEqual([]);
  const all = await events(king);
  expect(all.some(({ agent }) => agent === 'alice')).toBe(true);
  expect(await events(king, `village://events/${all.at(-1)!.seq}`)).toEqual([]);
});

it('[O9] tells of what was refused, of a stop, and of a server that is lost', async () => {
  await alice.call('audit_query', {});
  await until('the refusal', async () => (await events(king)).some(({ kind }) => kind === 'security_violation'));
  await king.call('emergency_system_shutdown', { scope: 'server:mirror', reason: 'trial' });
  const seen = await until('the stop', async () => {
    const found = await events(alice);
    return found.some(({ kind }) => kind === 'emergency_activated') && found;
  });
  expect(seen).toContainEqual(expect.objectContaining({ kind: 'emergency_activated', scope: 'server:mirror' }));
  await until('the health', async () => (await events(alice)).some(({ kind }) => kind === 'server_health_changed'));
  await king.call('emergency_system_resume', { scope: 'server:mirror', justification: 'trial over' });
});

it('[O3] the audit has the workflow and the trace that the client names, and a bad one is refused with what is right', async () => {
  const meta = { 'io.aivillage/workflow': 'nightly-7', traceparent: `00-${TRACE}-${PARENT}-01` };
  await alice.call('mirror__mirror', {}, meta);
  const { result } = await king.call('audit_query', { workflow: 'nightly-7' });
  const { structuredContent } = result as { structuredContent: { records: Record<string, unknown>[] } };
  expect(structuredContent.records).toMatchObject([
    { kind: 'call_finished', workflow: 'nightly-7', trace: TRACE },
    { kind: 'call_started', workflow: 'nightly-7', trace: TRACE },
  ]);
  const refused = await alice.call('mirror__mirror', {}, { 'io.aivillage/workflow': 'a b' });
  expect(refused.error).toMatchObject({ code: -32602, message: expect.stringContaining('1 to 128') });
});

it('[O6] sends a span for the call and one for each step, below the span of the client, and gives the server its own', async () => {
  const answer = await alice.call('mirror__mirror', { b: 2 }, { traceparent: `00-${TRACE}-${PARENT}-01` });
  const whole = await until('the spans', () => {
    const found = spans.filter(({ traceId }) => traceId === TRACE);
    const root = found.findLast(({ parentSpanId }) => parentSpanId === PARENT);
    const below = found.filter(({ parentSpanId }) => parentSpanId === root?.spanId);
    return root !== undefined && below.length >= 4 && { root, below };
  });
  expect(whole.root.name).toBe('tools/call mirror__mirror');
  expect(whole.root.attributes).toContainEqual({ key: 'aivillage.agent', value: { stringValue: 'alice' } });
  expect(whole.below.map(({ name }) => name)).toEqual(['admit', 'record_start', 'upstream', 'record_end']);
  const { bodyBase64 } = JSON.parse(textOf(answer)) as { bodyBase64: string };
  const reached = JSON.parse(Buffer.from(bodyBase64, 'base64').toString()) as { params: { _meta: object } };
  expect(reached.params._meta).toEqual({ traceparent: `00-${TRACE}-${whole.root.spanId}-01` });
});
