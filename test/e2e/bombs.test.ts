/** What is made to keep the router busy, from servers that list it and from clients that send it: it holds nobody else up (D04). */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Canary } from './lib/canary.ts';
import { endOf, stateOf, untilReady } from './lib/faults.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { RecordingServer } from './lib/recording-server.ts';
import { Stalls } from './lib/stalls.ts';
import { until } from './lib/until.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

/**
 * In milliseconds of CPU. The case allows 100 on a machine of its own, where the longest is 50; beside others the same work takes
 * more than that.
 */
const MAX_STALL_MS = 200;
/** Until a list is read that takes long, on a machine that others use too. */
const READ_MS = 40_000;

let stalls: Stalls;
let village: Village;
let session: RawSession;
let templates: RecordingServer;
let canary: http.Server;
let canaryHits = 0;

beforeAll(async () => {
  stalls = new Stalls();
  canary = http.createServer((_, response) => {
    canaryHits++;
    response.end('{}');
  });
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
  const canaryUrl = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/`;
  templates = await RecordingServer.start('templates', {
    templates: Array.from({ length: 1_000 }, (_, i) => `x{/id*}{?tags*}${'a{+b}'.repeat(20)}${i}`),
  });
  village = await Village.start({
    config: {
      mcpServers: {
        up: fixture('tools.ts'),
        bomb: fixture('bomb.ts', '--canary', canaryUrl),
        templates: { ...templates.entry, allowPrivateAddress: true },
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [
        { match: 'bomb/*', level: 'OPERATOR' },
        { match: 'up/*', level: 'OPERATOR' },
        { match: 'resource:*', level: 'OPERATOR' },
        {
          match: 'up/echo',
          level: 'OPERATOR',
          arguments: { type: 'object', properties: { text: { type: 'string', pattern: '^(?:(a+)+|[^a].*|)$' } } },
        },
        { match: 'up/*a*a*a*a*a*a*a*b', level: 'OPERATOR' },
      ],
      // Screening, which refuses some of these by itself, would hide what is tried here.
      router: { screening: false },
    },
    env: stalls.env,
  });
  await untilReady(village, 'up', 'bomb', 'templates');
  session = await RawSession.open(village.url, tokenFor('alice'));
  await stalls.longestMs();
});

afterAll(async () => {
  await village.remove();
  await templates.close();
  canary.close();
  stalls.remove();
});

async function listings(): Promise<number> {
  return (await session.names()).length;
}

describe('a server that lists', { timeout: 60_000 }, () => {
  it.each([
    ['any_of', '2^20 alternatives', 0],
    ['typed_any_of', '400,000 typed alternatives', 0],
    ['many_keys', '400,000 properties', 0],
    ['deep', 'a schema 300 deep', 0],
    ['half_deep', 'a schema 60 deep', 1],
    ['recursive', 'a schema that is its own part twice', 1],
    ['patterns', 'patterns that take for ever', 1],
    ['remote', 'a schema at another address', 1],
    ['spaces', '250,000 spaces', 0],
    ['lines', '80,000 lines', 0],
    ['ligatures', 'ligatures of 18 letters', 0],
    ['orders', 'the beginning of an order, 22,000 times', 0],
    ['largest', '10 definitions as large as they may be', 10],
    ['many_tools', '20,000 tools', 4_999],
    ['far_too_deep', 'a schema 100,000 deep', 0],
  ])('[S3] [R6] D04: %s (%s) holds nobody up, and is left out or listed as it is', async (bomb, _, listed) => {
    await session.call('bomb__arm', { bomb: 'none' });
    await until('nothing of it is listed', async () => (await bombs()).length === 1, READ_MS);
    await stalls.longestMs();
    const warned = warnings();
    const armed = textOf(await session.call('bomb__arm', { bomb }));
    expect(Number(/\d+/.exec(armed)?.[0])).toBeGreaterThan(100);
    if (listed > 0) await until('it is listed', async () => (await bombs()).length === listed + 1, READ_MS);
    else await until('it was read', () => warnings() > warned, READ_MS);
    expect(textOf(await session.call('up__whoami'))).toContain('pid');
    const stallMs = await stalls.longestMs();
    console.log(`${bomb}: ${armed}, the loop was held for ${stallMs.toFixed(0)} ms at most`);
    expect(stallMs).toBeLessThan(MAX_STALL_MS);
    expect((await bombs()).length).toBe(listed + 1);
    expect(canaryHits).toBe(0);
  });

  /** That a list was skipped whole, something left out of it, or withheld for what was found in it. */
  function warnings(): number {
    return (
      village.stderr().match(/a list of the server is not whole|a definition is withheld|what is no message/g)
        ?.length ?? 0
    );
  }

  async function bombs(): Promise<string[]> {
    return (await session.names()).filter((name) => name.startsWith('bomb__'));
  }

  it('[R6] D04: is asked again the more seldom the longer its lists take, so that others are served meanwhile', async () => {
    const alone = await Canary.start(village.url, tokenFor('alice'), 'up__echo', 5);
    await listings();
    const before = await alone.stop();
    const beside = await Canary.start(village.url, tokenFor('alice'), 'up__echo', 5);
    for (const until = performance.now() + 2_000; performance.now() < until; )
      for (const bomb of ['largest', 'many_tools', 'largest', 'many_keys', 'none'])
        await session.call('bomb__arm', { bomb, times: 100 });
    const during = await beside.stop();
    console.log(
      `canary: median ${before.medianMs.toFixed(1)} ms alone, ${during.medianMs.toFixed(1)} beside, worst ${during.worstMs.toFixed(0)}`,
    );
    expect(during.failures).toEqual([]);
    expect(during.calls).toBeGreaterThan(10);
    expect(await stalls.longestMs()).toBeLessThan(MAX_STALL_MS);
    expect(await stateOf(village, 'bomb')).toMatchObject({ state: 'ready', starts: 1 });
  });
});

describe('a client that sends', () => {
  it.each([
    [
      '50,000 letters against a pattern that takes for ever',
      'UNAUTHORIZED_ACCESS',
      'up__echo',
      { text: `${'a'.repeat(50_000)}!` },
    ],
    ['30 of them', 'UNAUTHORIZED_ACCESS', 'up__echo', { text: `${'a'.repeat(30)}!` }],
    [
      '10,000 arguments',
      'result',
      'up__whoami',
      Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i])),
    ],
    ['a megabyte of one letter', 'result', 'up__whoami', { text: 'a'.repeat(1_000_000) }],
    ['a name that patterns of rows find hard', 'UNAUTHORIZED_ACCESS', `up__${'a'.repeat(100_000)}`, {}],
  ])('[S3] [M3] D04: %s is answered at once: %s', async (_, end, tool, args) => {
    const stallMs = await stallOf(async () => expect(endOf(await session.call(tool, args))).toBe(end));
    console.log(`the loop was held for ${stallMs.toFixed(0)} ms at most`);
    expect(stallMs).toBeLessThan(MAX_STALL_MS);
  });

  it.each([
    ['what a thousand templates find hard', `x${'/a?a'.repeat(2_000)}`],
    ['a megabyte of it', `x${'/a?a'.repeat(250_000)}`],
  ])('[S3] D04: %s is answered at once', async (_, uri) => {
    const stallMs = await stallOf(async () => {
      expect(endOf(await session.request('resources/read', { uri }))).toBe('UNAUTHORIZED_ACCESS');
    });
    console.log(`the loop was held for ${stallMs.toFixed(0)} ms at most`);
    expect(stallMs).toBeLessThan(MAX_STALL_MS);
  });

  async function stallOf(run: () => Promise<unknown>): Promise<number> {
    await stalls.longestMs();
    await run();
    return stalls.longestMs();
  }
});
