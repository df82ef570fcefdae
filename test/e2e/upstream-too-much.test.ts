import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { Canary } from './lib/canary.ts';
import { endOf, stateOf, timedCall, untilReady } from './lib/faults.ts';
import { forgetPeak, peakRssMb, rssMb, until } from './lib/processes.ts';
import { type JsonRpc, RawSession } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

/** Of the envelope and the events around an answer. */
const MAX_FRAME_BYTES = 300;
const GIB = 2 ** 30;
const MIB = 2 ** 20;
const MAX_RESULT = 16 * MIB;
/** What the case allows a router to grow by. */
const MAX_GROWTH_MB = 200;

let village: Village;
let session: RawSession;
let canary: Canary;
let web: Started & { url: URL };
let wholeWeb: Started & { url: URL };
let folder: string;

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'five-'));
  fs.writeFileSync(
    path.join(folder, 'five.json'),
    JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(5 * MIB) }] }),
  );
  fs.writeFileSync(
    path.join(folder, 'fifteen.json'),
    JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(15 * MIB) }] }),
  );
  web = await startHttpFixture('big.ts');
  wholeWeb = await startHttpFixture('raw.ts', ['--dir', folder]);
  village = await Village.start({
    config: {
      mcpServers: {
        pipe: fixture('big.ts'),
        web: { url: web.url.href, type: 'http', allowPrivateAddress: true },
        // These write an answer at once, so that many can be on their way.
        wholepipe: fixture('raw.ts', '--dir', folder),
        wholeweb: { url: wholeWeb.url.href, type: 'http', allowPrivateAddress: true },
        healthy: fixture('tools.ts'),
      },
      agents: { alice: { level: 'OPERATOR' }, many: { level: 'OPERATOR' } },
      permissions: ['pipe', 'web', 'wholepipe', 'wholeweb', 'healthy'].map((id) => ({
        match: `${id}/*`,
        level: 'OPERATOR',
      })),
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
    env: { MCP_MAX_RESULT_BYTES: String(MAX_RESULT), MCP_DEFAULT_TIMEOUT: '120' },
  });
  await untilReady(village, 'pipe', 'web', 'wholepipe', 'wholeweb', 'healthy');
  session = await RawSession.open(village.url, tokenFor('alice'));
  canary = await Canary.start(village.url, tokenFor('alice'), 'healthy__echo');
});

afterAll(async () => {
  await village.remove();
  await Promise.all([web.stop(), wholeWeb.stop()]);
  fs.rmSync(folder, { recursive: true });
});

function contentOf({ result }: JsonRpc): { type: string; text: string }[] {
  return (result?.content ?? []) as { type: string; text: string }[];
}

/** Calls a tool and lets go of its answer as it comes. @returns bytes of the body, in whichever form it came */
function bytesOf(session: RawSession, name: string): Promise<number> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } });
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers: session.headers, agent: false };
    const sent = http.request(`${session.url}/mcp`, options, (answer) => {
      let bytes = 0;
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
      });
      answer.on('end', () => resolve(bytes));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Calls a tool and reads nothing of its answer behind the head. */
function stalledCall(session: RawSession, name: string): Promise<http.IncomingMessage> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } });
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers: session.headers, agent: false };
    const sent = http.request(`${session.url}/mcp`, options, (answer) => {
      answer.pause();
      answer.on('error', () => {});
      resolve(answer);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Runs something and tells by how many MiB the router grew meanwhile at most. */
async function growth(run: () => Promise<void>): Promise<number> {
  const pid = village.process.pid!;
  forgetPeak(pid);
  const before = rssMb(pid);
  await run();
  return peakRssMb(pid) - before;
}

describe.each(['pipe', 'web'])('too much of a result over the %s', (id) => {
  it.each([
    ['1 GiB of text', 'big', { bytes: GIB }],
    ['one byte over the limit', 'big', { bytes: MAX_RESULT }],
    ['a line or an event without end', 'endless', {}],
  ])('[R8] E04: ends a call with %s as RESULT_TOO_LARGE', async (_, tool, args) => {
    let tookMs = 0;
    const grown = await growth(async () => {
      const ended = await timedCall(session, `${id}__${tool}`, args);
      expect(endOf(ended.answer)).toBe('RESULT_TOO_LARGE');
      tookMs = ended.tookMs;
    });
    console.log(`${id} ${tool}: ${tookMs.toFixed(0)} ms, +${grown.toFixed(0)} MiB`);
    expect(grown).toBeLessThan(MAX_GROWTH_MB);
    expect(tookMs).toBeLessThan(5_000);
    // Restarted or drained, it serves the next call.
    await until(
      'it serves again',
      async () => endOf(await session.call(`${id}__blocks`, { count: 1 })) === 'result',
      5_000,
    );
  });

  it('[P5] E04: passes on 10,000 content blocks, as they are within the limit', async () => {
    const content = contentOf(await session.call(`${id}__blocks`, { count: 10_000 }));
    expect(content).toHaveLength(10_000);
    expect(content.at(-1)).toEqual({ type: 'text', text: 'block 9999' });
  });

  it('[R8] E04: serves 200 clients 5 MiB each at once in bounded memory', async () => {
    const sessions = await Promise.all(
      Array.from({ length: 200 }, () => RawSession.open(village.url, tokenFor('many'))),
    );
    const grown = await growth(async () => {
      for (const bytes of await Promise.all(sessions.map((each) => bytesOf(each, `whole${id}__five`)))) {
        expect(bytes).toBeGreaterThan(5 * MIB);
        expect(bytes).toBeLessThan(5 * MIB + MAX_FRAME_BYTES);
      }
    });
    console.log(`${id}: 200 × 5 MiB, +${grown.toFixed(0)} MiB`);
    expect(grown).toBeLessThan(MAX_GROWTH_MB);
    await Promise.all(sessions.map((each) => each.close()));
  }, 120_000);

  it('[R8] D09: cuts clients off that do not take their large answers, so that others of the server get theirs', async () => {
    const name = `whole${id}__fifteen`;
    const stalled = await Promise.all(
      Array.from({ length: 3 }, async () => stalledCall(await RawSession.open(village.url, tokenFor('many')), name)),
    );
    const startedAt = performance.now();
    expect(await bytesOf(session, `whole${id}__five`)).toBeGreaterThan(5 * MIB);
    console.log(`${id}: beside three that do not read, 5 MiB took ${(performance.now() - startedAt).toFixed(0)} ms`);
    for (const answer of stalled) answer.resume();
    // The fault was there: those that held it up did not get all of theirs. One whose answer had not been read by then may.
    await until('they are cut off', async () => stalled.every(({ closed }) => closed), 20_000);
    expect(stalled.filter(({ complete }) => !complete).length).toBeGreaterThan(0);
  }, 60_000);
});

it('[R6] E04: the healthy server was served all the while, and each end is on record', async () => {
  const { calls, failures, worstMs, medianMs } = await canary.stop();
  console.log(
    `canary beside too large results: ${calls} calls, median ${medianMs.toFixed(1)} ms, worst ${worstMs.toFixed(0)} ms`,
  );
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThan(50);
  expect(medianMs).toBeLessThan(250);
  expect(worstMs).toBeLessThan(10_000);
  const records = (await village.audit()).filter(({ outcome }) => outcome === 'too_large');
  expect(records.map(({ reason }) => reason)).toEqual(Array(6).fill('RESULT_TOO_LARGE'));
  expect((await stateOf(village, 'healthy')).starts).toBe(1);
});
