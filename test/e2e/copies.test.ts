/** Several copies of a server as one thing to its clients: who gets a call, what happens when a copy dies or hangs (R2, R3, R4). */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startHttpFixture } from '../fixtures/lib/start.ts';
import { EventClient } from './lib/event-client.ts';
import { endOf, ledgerCounts, stateOf, timedCall, untilReady } from './lib/faults.ts';
import { childrenOf, until } from './lib/processes.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const UPDATED = 'notifications/resources/updated';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'copies-'));
const ledger = path.join(folder, 'ledger');
let village: Village;
let session: RawSession;
let web: (Started & { url: URL })[];

beforeAll(async () => {
  web = await Promise.all([startHttpFixture('tools.ts'), startHttpFixture('tools.ts')]);
  const tools = fixture('tools.ts', '--ledger', ledger);
  village = await Village.start({
    config: {
      mcpServers: {
        up: { ...tools, replicas: 3 },
        parted: {
          ...fixture('tools.ts'),
          strategy: 'priority-weighted',
          replicas: [{ env: { COPY: 'a' }, priority: 3 }, { env: { COPY: 'b' } }],
        },
        web: { url: web[0]!.url.href, replicas: web.map(({ url }) => url.href) },
        own: {
          ...fixture('tools.ts'),
          isolation: 'session',
          replicas: [{ env: { COPY: 'a' } }, { env: { COPY: 'b' } }],
        },
        narrow: { ...tools, securityProfile: { max_concurrent_operations: 2 } },
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [
        { match: '*__*', level: 'OPERATOR' },
        { match: 'resource:note://*', level: 'OPERATOR' },
      ],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
    env: { MCP_HEALTH_CHECK_INTERVAL: '1' },
  });
  await untilReady(village, 'up', 'parted', 'web', 'own', 'narrow');
  await allReady('up', 'parted', 'web');
  session = await RawSession.open(village.url, tokenFor('alice'));
});
afterAll(async () => {
  await village.remove();
  await Promise.all(web.map((server) => server.stop()));
  fs.rmSync(folder, { recursive: true, force: true });
});

async function allReady(...ids: string[]): Promise<void> {
  for (const id of ids) {
    await until(
      `all copies of ${id} are ready`,
      async () =>
        (await copiesOf(id)).every(
          ({ state, answers, breaker }) => state === 'ready' && answers === true && breaker === 'closed',
        ),
      20_000,
    );
  }
}

async function copiesOf(id: string) {
  const { copies } = (await stateOf(village, id)) as object as {
    copies: { state: string; answers: boolean | null; breaker: string }[];
  };
  return copies;
}

async function whoami(server: string, by = session): Promise<{ pid: number; env: Record<string, string> }> {
  return JSON.parse(textOf(await by.call(`${server}__whoami`)));
}

async function pidsOf(server: string, calls: number): Promise<number[]> {
  const pids: number[] = [];
  for (let n = 0; n < calls; n++) pids.push((await whoami(server)).pid);
  return pids;
}

describe('who gets a call', () => {
  it('[R2] every copy, in turn', async () => {
    const pids = await pidsOf('up', 9);
    expect(new Set(pids).size).toBe(3);
    expect(pids.slice(3)).toEqual(pids.slice(0, 6));
  });

  it('[R2] copies that the configuration tells apart, by their priority', async () => {
    const seen: string[] = [];
    for (let n = 0; n < 8; n++) seen.push((await whoami('parted')).env.COPY!);
    expect(seen.toSorted().join('')).toBe('aaaaaabb');
  });

  it('[R2] copies at several addresses', async () => {
    expect(new Set(await pidsOf('web', 4))).toEqual(new Set(web.map(({ process: { pid } }) => pid!)));
  });

  it('[R2] a session that has a process to itself stays there', async () => {
    const other = await RawSession.open(village.url, tokenFor('alice'));
    const [mine, theirs] = [await whoami('own'), await whoami('own', other)];
    expect(theirs.pid).not.toBe(mine.pid);
    for (let n = 0; n < 3; n++) {
      expect((await whoami('own')).pid).toBe(mine.pid);
      expect((await whoami('own', other)).pid).toBe(theirs.pid);
    }
    expect(new Set([mine.env.COPY, theirs.env.COPY])).toEqual(new Set(['a', 'b']));
    await other.close();
  });

  it('[M6] no more at a time than the profile of the server says; the rest waits for its turn', async () => {
    const calls = Array.from({ length: 6 }, () => timedCall(session, 'narrow__delay', { ms: 300, text: 'x' }));
    const took = (await Promise.all(calls)).map(({ answer, tookMs }) => {
      expect(endOf(answer)).toBe('result');
      return Math.round(tookMs / 100);
    });
    // Three pairs, one after the other.
    expect(took.filter((tenths) => tenths >= 6)).not.toHaveLength(0);
    expect(Math.max(...took)).toBeGreaterThanOrEqual(9);
    expect(
      (await village.audit()).filter(({ server, outcome }) => server === 'narrow' && outcome === 'ok'),
    ).toHaveLength(6);
  });
});

describe('when a copy dies', () => {
  it('[R4] reads that were there are made anew elsewhere; of writes the outcome is unknown, and none runs twice', async () => {
    const pids = [...new Set(await pidsOf('up', 3))];
    const reads = Array.from({ length: 9 }, (_, n) => timedCall(session, 'up__delay', { ms: 1_500, text: `${n}` }));
    const writes = Array.from({ length: 9 }, (_, n) =>
      timedCall(session, 'up__append_slowly', { ms: 1_500, key: `w${n}` }),
    );
    await until('all wrote', () => ledgerCounts(ledger).size >= 9);
    process.kill(pids[0]!, 'SIGKILL');
    for (const { answer } of await Promise.all(reads)) expect(endOf(answer)).toBe('result');
    const ends = (await Promise.all(writes)).map(({ answer }) => answer);
    expect(ends.map(endOf).filter((end) => end === 'OUTCOME_UNKNOWN')).toHaveLength(3);
    expect(ends.map(endOf).filter((end) => end === 'result')).toHaveLength(6);
    const { error } = ends.find((answer) => answer.error !== undefined)!;
    expect(error).toMatchObject({
      code: -32008,
      message: expect.stringContaining('not tried again'),
      data: { server: 'up', safeToRetry: false, afterMs: expect.any(Number), correlationId: expect.any(String) },
    });
    expect([...ledgerCounts(ledger).values()]).toEqual(Array(9).fill(1));
    const records = await village.audit();
    expect(records.filter(({ details }) => (details as { moves?: number })?.moves === 1)).toHaveLength(3);
    expect(records.find(({ callId }) => callId === error!.data!.correlationId && callId !== undefined)).toBeDefined();
    await allReady('up');
  });

  it('[R3] one at another address takes over at once, and the first is back when it is', async () => {
    const { url } = web[0]!;
    await web[0]!.stop();
    const ends: string[] = [];
    for (let n = 0; n < 10; n++) ends.push(endOf((await timedCall(session, 'web__echo', { text: 'x' })).answer));
    expect(new Set(ends)).toEqual(new Set(['result']));
    web[0] = await startHttpFixture('tools.ts', ['--http', url.port]);
    await until('both take calls', async () => new Set(await pidsOf('web', 4)).size === 2, 15_000);
  });

  it('[R2] [P3] sessions and subscriptions live on: every copy tells what changes there', async () => {
    const stream = await EventClient.get(session);
    await session.request('resources/subscribe', { uri: 'note://alice' });
    const updates = () => stream.messages.filter(({ method }) => method === UPDATED).length;
    const touchAll = async () => {
      for (let n = 0; n < 3; n++) await session.call('up__touch', { uri: 'note://alice' });
    };
    await touchAll();
    await until('an update from each copy', () => updates() === 3);
    const [victim] = await pidsOf('up', 1);
    process.kill(victim!, 'SIGKILL');
    await until('it is seen', async () => (await copiesOf('up')).some(({ state }) => state !== 'ready'), 10_000);
    expect(await session.names()).toContain('up__touch');
    await allReady('up');
    await touchAll();
    await until('an update from each copy, the new one too', () => updates() === 6);
    await session.request('resources/unsubscribe', { uri: 'note://alice' });
  });
});

describe('when a copy hangs', () => {
  it('[R3] [R6] its reads move within 2 s, the others are as quick as ever, and it takes calls again when it goes on', async () => {
    const [victim] = await pidsOf('up', 1);
    const before = await village.audit();
    process.kill(victim!, 'SIGSTOP');
    try {
      const calls = Array.from({ length: 9 }, (_, n) => timedCall(session, 'up__delay', { ms: 50, text: `${n}` }));
      const ended = await Promise.all(calls);
      expect(new Set(ended.map(({ answer }) => endOf(answer)))).toEqual(new Set(['result']));
      const slow = ended.filter(({ tookMs }) => tookMs > 1_000).length;
      console.log(
        `moved from the hanging copy: ${slow}, after ${Math.max(...ended.map(({ tookMs }) => tookMs)).toFixed(0)} ms at most`,
      );
      const moved = (await village.audit()).length - before.length;
      expect(moved).toBe(18);
      const state = await stateOf(village, 'up');
      expect(state).toMatchObject({
        state: 'ready',
        status: 'degraded',
        problem: '1 of 3 copies: it does not answer a ping',
      });
      // Nobody goes there any more.
      const later = await Promise.all(Array.from({ length: 9 }, () => timedCall(session, 'up__echo', { text: 'x' })));
      expect(Math.max(...later.map(({ tookMs }) => tookMs))).toBeLessThan(1_000);
    } finally {
      process.kill(victim!, 'SIGCONT');
    }
    await until('it takes calls again', async () => (await pidsOf('up', 3)).includes(victim!), 5_000);
    expect(childrenOf(village.process.pid!).filter(({ isZombie }) => isZombie)).toEqual([]);
    expect((await village.cli('audit', 'verify')).code).toBe(0);
  });
});
