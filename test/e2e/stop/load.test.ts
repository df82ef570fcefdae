import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../lib/governed.ts';
import { Load } from '../lib/load.ts';
import { RawSession, send } from '../lib/raw-client.ts';
import { fixture, tokenFor, Village } from '../lib/village.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stop-load-'));
const arrivals = path.join(folder, 'arrivals.txt');
const config = {
  mcpServers: { work: fixture('arrivals.ts', '--arrivals', arrivals) },
  agents: { king: { level: 'EMERGENCY', role: 'admin' }, alice: { level: 'OPERATOR' } },
  permissions: [{ match: 'work/*', level: 'OPERATOR', rate: { perMinute: 1_000_000 } }],
  router: { rateLimit: { perMinute: 1_000_000 } },
};
/** Two routers on one data folder, each with its own upstream process; the order is given to the first. */
let villages: Village[] = [];

beforeAll(async () => {
  const first = await Village.start({ config });
  villages = [first, await Village.start({ config, folder: first.folder })];
});
afterAll(async () => {
  await villages[1]?.stop();
  await villages[0]?.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

afterEach(() => order(villages[0]!, '/resume', { justification: 'measured' }));

const king = () => tokenFor('king', { governance_level: 'EMERGENCY', role: 'admin' });

function order(village: Village, what: '' | '/resume', body: object) {
  return send(village.url, {
    path: `/api/emergency-stop${what}`,
    headers: { authorization: `Bearer ${king()}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Milliseconds since the epoch of the last byte that reached any upstream. */
function lastArrival(): number {
  return Math.max(
    ...fs
      .readFileSync(arrivals, 'utf8')
      .trim()
      .split('\n')
      .map((line) => Number(line.split(' ')[0])),
  );
}

it.each([
  ['one router', 1, 500],
  ['two routers', 2, 250],
])(
  '[E2] H01 D10: with %s (%i), %i calls a second in each and a hundred in flight, no byte leaves 100 ms after the stop',
  { timeout: 120_000 },
  async (...row) => {
    const [what, count, perSecond] = row;
    const sessions = await Promise.all(
      villages.slice(0, count).map(({ url }) => RawSession.open(url, tokenFor('alice'))),
    );
    for (const session of sessions)
      await until('it is listed', async () => (await session.names()).includes('work__work'));
    // A fifth of a second each: a hundred in flight at five hundred a second, all routers together.
    const work = (n: number) => ({ name: 'work__work', arguments: { ms: 220, key: `${n}` } });
    const loads = sessions.map((session) => new Load(session, perSecond, 120 / count, work));
    const inFlight = () => loads.reduce((sum, load) => sum + load.inFlight, 0);
    await wait(1_500);
    await until('a hundred are in flight', () => inFlight() >= 100);
    const started = performance.now();
    const flying = inFlight();
    const answer = await order(villages[0]!, '', { reason: 'measured' });
    const acknowledged = performance.now();
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ state: 'stopped', routers_behind: 0 });
    await wait(1_000); // the load goes on against the stop
    await Promise.all(loads.map((load) => load.end()));

    const answers = loads.flatMap((load) => load.answers);
    const before = answers.filter(({ sentAt }) => sentAt < started);
    const held = before.filter(({ answeredAt }) => answeredAt > started);
    const after = answers.filter(({ sentAt }) => sentAt > acknowledged);
    const lastByteMs = lastArrival() - (performance.timeOrigin + acknowledged);
    const endedMs = Math.max(...held.map(({ answeredAt }) => answeredAt)) - acknowledged;
    const figures = {
      routers: count,
      calls_per_second: Math.round(
        (before.length / (started - Math.min(...before.map(({ sentAt }) => sentAt)))) * 1_000,
      ),
      in_flight: flying,
      acknowledged_after_ms: Math.round((acknowledged - started) * 10) / 10,
      last_byte_after_acknowledgement_ms: Math.round(lastByteMs * 10) / 10,
      in_flight_ended_after_acknowledgement_ms: Math.round(endedMs * 10) / 10,
      refused_after: after.length,
    };
    console.log(`${what}: ${JSON.stringify(figures)}`);
    expect(lastByteMs).toBeLessThanOrEqual(100);
    expect(endedMs).toBeLessThanOrEqual(1_000);
    const reasons = new Set(
      held.filter(({ message }) => message.error !== undefined).map(({ message }) => message.error?.data?.reason),
    );
    expect([...reasons]).toEqual(['EMERGENCY_STOP']);
    expect(after.length).toBeGreaterThan(100);
    expect(after.every(({ message }) => message.error?.data?.reason === 'EMERGENCY_STOP')).toBe(true);
  },
);
