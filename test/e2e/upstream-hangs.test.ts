import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { Canary } from './lib/canary.ts';
import { endOf, ledgerCounts, pidOf, stateOf, timedCall, untilReady } from './lib/faults.ts';
import { until } from './lib/processes.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

/** What a call may take, and what it may take whatever its progress says. */
const TIMEOUT_MS = 2_000;
const MAXIMUM_MS = 4_000;
/** Beyond the deadline; ten times the tick and the way there. */
const LATE_MS = 1_000;

let folder: string;
let ledger: string;
let village: Village;
let session: RawSession;
let canary: Canary;
let web: Started & { url: URL };
let bigWeb: Started & { url: URL };

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hangs-'));
  ledger = path.join(folder, 'ledger');
  [web, bigWeb] = await Promise.all([startHttpFixture('garbage.ts'), startHttpFixture('big.ts')]);
  village = await Village.start({
    config: {
      mcpServers: {
        up: { ...fixture('tools.ts', '--ledger', ledger), timeoutMs: TIMEOUT_MS },
        healthy: fixture('tools.ts'),
        big: { ...fixture('big.ts'), timeoutMs: TIMEOUT_MS },
        web: { url: web.url.href, type: 'http', allowPrivateAddress: true, timeoutMs: TIMEOUT_MS },
        bigweb: { url: bigWeb.url.href, type: 'http', allowPrivateAddress: true, timeoutMs: TIMEOUT_MS },
        crash: fixture('crash.ts'),
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [
        ...['up', 'healthy', 'big', 'web', 'bigweb'].map((id) => ({ match: `${id}/*`, level: 'OPERATOR' })),
        { match: 'crash/*', level: 'OPERATOR', timeoutMs: 1_000 },
      ],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
    env: { MCP_DEFAULT_TIMEOUT: '3', MCP_MAX_TIMEOUT: String(MAXIMUM_MS / 1_000) },
  });
  await untilReady(village, 'up', 'healthy', 'big', 'web', 'bigweb', 'crash');
  session = await RawSession.open(village.url, tokenFor('alice'));
  canary = await Canary.start(village.url, tokenFor('alice'), 'healthy__echo');
});

afterAll(async () => {
  await village.remove();
  await Promise.all([web.stop(), bigWeb.stop()]);
  fs.rmSync(folder, { recursive: true, force: true });
});

describe('a server that does not answer', () => {
  it('[R8] [R3] E02: ends 50 calls of a stopped process at their deadline, refuses more at once, and works again', async () => {
    const pid = await pidOf(session, 'up__whoami');
    process.kill(pid, 'SIGSTOP');
    const calls = Array.from({ length: 50 }, (_, tag) => timedCall(session, 'up__sleep', { ms: 60_000, tag }));
    const ended = await Promise.all(calls);
    expect(new Set(ended.map(({ answer }) => endOf(answer)))).toEqual(new Set(['TIMEOUT']));
    const times = ended.map(({ tookMs }) => tookMs);
    console.log(
      `50 calls of a stopped process ended after ${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)} ms`,
    );
    expect(Math.min(...times)).toBeGreaterThan(TIMEOUT_MS * 0.9);
    expect(Math.max(...times)).toBeLessThan(TIMEOUT_MS + LATE_MS);
    // Nobody else waits for a deadline there.
    const refused = await timedCall(session, 'up__echo', { text: 'x' });
    expect(endOf(refused.answer)).toBe('UPSTREAM_UNAVAILABLE');
    expect(refused.tookMs).toBeLessThan(TIMEOUT_MS);
    expect(await stateOf(village, 'up')).toMatchObject({ status: 'degraded', copies: [{ breaker: 'open' }] });
    expect(await session.names()).toContain('up__echo');
    process.kill(pid, 'SIGCONT');
    const back = await until(
      'it answers again',
      async () => endOf(await session.call('up__echo', { text: 'back' })) === 'result',
      5_000,
    );
    expect(back).toBeLessThan(5_000);
    expect(await pidOf(session, 'up__whoami')).toBe(pid);
    // Each was cancelled upstream, by the id that the server knew.
    await until('all were cancelled', () => ledgerCounts(ledger).size === 50);
    const counts = ledgerCounts(ledger);
    for (let tag = 0; tag < 50; tag++) expect(counts.get(`cancelled ${tag}`)).toBe(1);
  });

  it('[R8] E02: drops an answer that comes after its call has ended', async () => {
    const pid = await pidOf(session, 'up__whoami');
    process.kill(pid, 'SIGSTOP');
    const late = await session.call('up__echo', { text: 'late' });
    expect(endOf(late)).toBe('TIMEOUT');
    process.kill(pid, 'SIGCONT');
    // The late answer comes before this one, on the same pipe.
    expect(textOf(await session.call('up__echo', { text: 'in time' }))).toBe('in time');
    expect((await stateOf(village, 'up')).calls_in_flight).toBe(0);
  });

  it('[R8] E02: ends a call at the hard maximum although its progress never stops', async () => {
    const { answer, tookMs } = await timedCall(session, 'big__chatter', { everyMs: 10 }, { progressToken: 'p' });
    expect(endOf(answer)).toBe('TIMEOUT');
    expect(tookMs).toBeGreaterThan(MAXIMUM_MS * 0.9);
    expect(tookMs).toBeLessThan(MAXIMUM_MS + LATE_MS);
  });

  it('[R8] E02: ends it at the deadline when nobody asked for the progress', async () => {
    const { answer, tookMs } = await timedCall(session, 'big__chatter', { everyMs: 10 });
    expect(endOf(answer)).toBe('TIMEOUT');
    expect(tookMs).toBeLessThan(TIMEOUT_MS + LATE_MS);
  });

  it('[R8] E02: ends the same over HTTP at the hard maximum, and cuts the stream', async () => {
    const { answer, tookMs } = await timedCall(session, 'bigweb__chatter', { everyMs: 10 }, { progressToken: 'p' });
    expect(endOf(answer)).toBe('TIMEOUT');
    expect(tookMs).toBeLessThan(MAXIMUM_MS + LATE_MS);
  });

  it.each([
    ['comments', 'sends nothing but comments'],
    ['silent', 'takes the request and says nothing'],
    ['stall', 'stops after the head of its answer'],
  ])('[R8] E02: ends a call at its deadline when an HTTP server in mode %s %s', async (mode) => {
    const calls = Array.from({ length: 20 }, () => timedCall(session, 'web__garbage', { mode }));
    for (const { answer, tookMs } of await Promise.all(calls)) {
      expect(endOf(answer)).toBe('TIMEOUT');
      expect(tookMs).toBeGreaterThan(TIMEOUT_MS * 0.9);
      expect(tookMs).toBeLessThan(TIMEOUT_MS + LATE_MS);
    }
    expect(textOf(await session.call('web__garbage', { mode: 'well' }))).toBe('right');
  });

  it("[R8] takes the row's time limit before the default, and the default where nothing else is said", async () => {
    const byRow = await timedCall(session, 'crash__hang', {});
    expect(endOf(byRow.answer)).toBe('TIMEOUT');
    expect(byRow.tookMs).toBeLessThan(1_000 + LATE_MS);
    const byDefault = await timedCall(session, 'healthy__sleep', { ms: 60_000 });
    expect(endOf(byDefault.answer)).toBe('TIMEOUT');
    expect(byDefault.tookMs).toBeGreaterThan(2_700);
    expect(byDefault.tookMs).toBeLessThan(3_000 + LATE_MS);
  });

  it('[R6] E02: the healthy server was quick all the while, and every end is on record', async () => {
    const { calls, failures, worstMs, medianMs } = await canary.stop();
    console.log(
      `canary beside hanging servers: ${calls} calls, median ${medianMs.toFixed(1)} ms, worst ${worstMs.toFixed(0)} ms`,
    );
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(200);
    expect(medianMs).toBeLessThan(50);
    const records = await village.audit();
    const timedOut = records.filter(({ outcome }) => outcome === 'timed_out');
    expect(timedOut).toHaveLength(50 + 1 + 3 + 60 + 2);
    expect(timedOut.every(({ kind, reason }) => kind === 'call_finished' && reason === 'TIMEOUT')).toBe(true);
  });
});
