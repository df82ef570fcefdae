/**
 * B02: a hundred clients that all use the same request ids. `COLLIDING_CALLS` sets how many calls are made for each kind of
 * upstream: 5,000 in the test run, 100,000 in the soak.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { Poster } from './lib/keep-alive.ts';
import { type JsonRpc, RawSession } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const CLIENTS = 100;
const IDS = ['1', '0', '"1"'];
const CALLS = Number(process.env.COLLIDING_CALLS ?? 5_000);
const MAX_DELAY_MS = 200;
const LONGEST_MS = 30 * 60_000;

let village: Village;
let http: Started & { url: URL };
let sessions: RawSession[];
const poster = new Poster(CLIENTS * IDS.length);

beforeAll(async () => {
  http = await startHttpFixture('tools.ts');
  village = await Village.start({
    config: {
      mcpServers: { pipe: fixture('tools.ts'), web: { url: http.url.href } },
      permissions: [
        { match: 'pipe/*', level: 'OPERATOR' },
        { match: 'web/*', level: 'OPERATOR' },
      ],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  });
  sessions = await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) => RawSession.open(village.url, tokenFor(`client-${i}`))),
  );
  await sessions[0]!.listed('pipe__delay');
  await sessions[0]!.listed('web__delay');
});
afterAll(async () => {
  poster.close();
  await village.remove();
  await http.stop();
});

async function one(session: RawSession, tool: string, id: string): Promise<number> {
  const canary = randomUUID();
  const ms = Math.floor(Math.random() * MAX_DELAY_MS);
  const answers: JsonRpc[] = await poster.post(
    session,
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${tool}","arguments":{"text":"${canary}","ms":${ms}}}}`,
  );
  expect(answers).toHaveLength(1);
  expect(answers[0]!.id).toBe(JSON.parse(id));
  expect(answers[0]!.error).toBeUndefined();
  const content = answers[0]!.result?.content as { text: string }[] | undefined;
  const { text, requestId } = JSON.parse(content?.[0]?.text ?? '{}') as { text?: string; requestId?: number };
  expect(text).toBe(canary);
  return requestId!;
}

it.each([
  ['stdio', 'pipe__delay'],
  ['Streamable HTTP', 'web__delay'],
])(
  '[P3] [D1] B02: over %s each of a hundred clients with the same ids gets its own answers, once each',
  async (_, tool) => {
    const upstreamIds: number[] = [];
    // Each client has one call in flight for each of its ids: always three hundred at a time.
    const lanes = sessions.flatMap((session) => IDS.map((id) => ({ session, id })));
    const rounds = Math.ceil(CALLS / lanes.length);
    const began = performance.now();
    await Promise.all(
      lanes.map(async ({ session, id }) => {
        for (let round = 0; round < rounds; round++) upstreamIds.push(await one(session, tool, id));
      }),
    );
    const seconds = (performance.now() - began) / 1000;
    process.stderr.write(`${upstreamIds.length} calls to ${tool}, 0 astray, in ${seconds.toFixed(1)} s\n`);
    expect(new Set(upstreamIds).size).toBe(rounds * lanes.length);
  },
  LONGEST_MS,
);

it(
  '[D1] B02: every one of these calls has its two records',
  async () => {
    const records = await village.audit();
    const of = (kind: string) => records.filter((record) => record.kind === kind).map(({ callId }) => callId);
    expect(of('call_started').length).toBeGreaterThanOrEqual(2 * CALLS);
    expect(new Set(of('call_started'))).toEqual(new Set(of('call_finished')));
    expect(of('call_finished')).toHaveLength(of('call_started').length);
  },
  LONGEST_MS,
);
