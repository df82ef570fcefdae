import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { Canary } from './lib/canary.ts';
import { endOf, stateOf, untilReady } from './lib/faults.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

let village: Village;
let session: RawSession;
let canary: Canary;
let web: Started & { url: URL };

beforeAll(async () => {
  web = await startHttpFixture('garbage.ts');
  village = await Village.start({
    config: {
      mcpServers: {
        pipe: { ...fixture('garbage.ts', '--banner'), timeoutMs: 2_000 },
        web: { url: web.url.href, type: 'http', allowPrivateAddress: true, timeoutMs: 2_000 },
        healthy: fixture('tools.ts'),
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: ['pipe', 'web', 'healthy'].map((id) => ({ match: `${id}/*`, level: 'OPERATOR' })),
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  });
  await untilReady(village, 'pipe', 'web', 'healthy');
  session = await RawSession.open(village.url, tokenFor('alice'));
  canary = await Canary.start(village.url, tokenFor('alice'), 'healthy__echo');
});

afterAll(async () => {
  await village.remove();
  await web.stop();
});

const MODES = [
  'lines',
  'half-json',
  'binary',
  'invalid-utf8',
  'blank-lines',
  'bom',
  'crlf',
  'two-in-one',
  'byte-by-byte',
  'stderr-flood',
  'unknown-ids',
  'twice',
];

describe('a pipe that brings more than messages', () => {
  it('[R6] E03: comes up although it prints a banner first', async () => {
    expect(await stateOf(village, 'pipe')).toMatchObject({ state: 'ready', starts: 1, tools: 1, bad_messages: 2 });
  });

  it.each(MODES)('[R6] E03: finds the answer in mode %s', async (mode) => {
    expect(textOf(await session.call('pipe__garbage', { mode }))).toBe('right');
  });

  it('[R6] E03: ends a call whose answer holds neither result nor error, at its deadline', async () => {
    expect(endOf(await session.call('pipe__garbage', { mode: 'no-result' }))).toBe('TIMEOUT');
  });

  it('[R6] E03: leaves the calls in flight alone while it babbles', async () => {
    // Not in pieces: these would stand in one line with other answers.
    const modes = MODES.filter((mode) => mode !== 'byte-by-byte' && mode !== 'stderr-flood');
    const calls = Array.from({ length: 20 }, () => modes.map((mode) => session.call('pipe__garbage', { mode }))).flat();
    const texts = (await Promise.all(calls)).map(textOf);
    expect(new Set(texts)).toEqual(new Set(['right']));
    expect(texts).toHaveLength(20 * modes.length);
    expect((await stateOf(village, 'pipe')).starts).toBe(1);
  });

  it('[R6] E03: counts what it skips, and logs little of it', async () => {
    const before = (await stateOf(village, 'pipe')).bad_messages;
    await Promise.all(Array.from({ length: 200 }, () => session.call('pipe__garbage', { mode: 'lines' })));
    await Promise.all(Array.from({ length: 200 }, () => session.call('pipe__garbage', { mode: 'invalid-utf8' })));
    expect((await stateOf(village, 'pipe')).bad_messages).toBe(before + 200 * 6 + 200 * 2);
    const logged = village
      .stderr()
      .split('\n')
      .filter((line) => line.includes('skipped'));
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.length).toBeLessThan(12);
    // 20 MiB went to stderr in all.
    expect(
      Math.max(
        ...village
          .stderr()
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThan(4_000);
    expect(village.stderr().length).toBeLessThan(1_000_000);
  });
});

describe('an HTTP server that answers with something else', () => {
  it.each([
    ['html-502', 'UPSTREAM_UNAVAILABLE'],
    ['html-200', 'UPSTREAM_UNAVAILABLE'],
    ['bad-json', 'UPSTREAM_UNAVAILABLE'],
    ['bad-sse', 'OUTCOME_UNKNOWN'],
    ['empty', 'UPSTREAM_UNAVAILABLE'],
    ['redirect', 'UPSTREAM_UNAVAILABLE'],
    ['reset', 'OUTCOME_UNKNOWN'],
  ])('[R6] E03: says %s with a clear error', async (mode, reason) => {
    const { error } = await session.call('web__garbage', { mode });
    expect(error?.data?.reason).toBe(reason);
    expect(error?.message).toMatch(/^[A-Z].{20,}/);
    expect(JSON.stringify(error)).not.toMatch(/127\.0\.0\.1|<html|Bad Gateway/);
    expect(textOf(await session.call('web__garbage', { mode: 'well' }))).toBe('right');
  });
});

it('[R6] E03: the healthy server was served all the while, and the audit is whole', async () => {
  const { calls, failures, worstMs, medianMs } = await canary.stop();
  console.log(
    `canary beside babbling servers: ${calls} calls, median ${medianMs.toFixed(1)} ms, worst ${worstMs.toFixed(0)} ms`,
  );
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThan(50);
  expect(worstMs).toBeLessThan(2_000);
  expect((await village.cli('audit', 'verify')).code).toBe(0);
});
