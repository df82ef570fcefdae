/**
 * Kills a server with calls in flight, again and again, and tells what its callers got: 100 that sleep are in flight, 100 that
 * write to the ledger are on their way. For a test with a few rounds and for the soak with many.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Started, startFixture, startHttpFixture } from '../../fixtures/lib/start.ts';
import { endOf, ledgerCounts, pidOf, seeded, stateOf, type Timed, timedCall, untilReady } from './faults.ts';
import { childrenOf, isAlive, openFiles, until } from './processes.ts';
import { RawSession } from './raw-client.ts';
import { fixture, tokenFor, Village } from './village.ts';

export interface KillOptions {
  readonly kind: 'stdio' | 'http';
  readonly rounds: number;
  readonly seed: number;
  /** Between two rounds: a server that dies more often than ten times a minute waits longer for its next start. */
  readonly pauseMs: number;
}

export interface KillReport {
  readonly rounds: number;
  readonly calls: number;
  /** Ends of calls: `sleep result`, `append OUTCOME_UNKNOWN`, … → how often. */
  readonly ends: Readonly<Record<string, number>>;
  /** Sentences; empty when all was well. */
  readonly faults: readonly string[];
  readonly slowestFailureMs: number;
  readonly slowestRestartMs: number;
}

/** Of each kind. */
const EACH = 100;

/** @throws when the router itself fails */
export async function killRounds({ kind, rounds, seed, pauseMs }: KillOptions): Promise<KillReport> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kills-'));
  const ledger = path.join(folder, 'ledger');
  let remote = kind === 'http' ? await startHttpFixture('tools.ts', ['--ledger', ledger]) : undefined;
  const village = await Village.start({
    config: {
      mcpServers: {
        up:
          remote === undefined
            ? fixture('tools.ts', '--ledger', ledger)
            : { url: remote.url.href, type: 'http', allowPrivateAddress: true },
      },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [{ match: 'up/*', level: 'OPERATOR' }],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  });
  const random = seeded(seed);
  const ends: Record<string, number> = {};
  const faults: string[] = [];
  let slowestFailureMs = 0;
  let slowestRestartMs = 0;
  try {
    const session = await RawSession.open(village.url, tokenFor('alice'));
    const router = village.process.pid!;
    await untilReady(village, 'up');
    let pid = await pidOf(session, 'up__whoami');
    let filesBefore = 0;
    for (let round = 0; round < rounds; round++) {
      const sleeps = Array.from({ length: EACH }, () => timedCall(session, 'up__sleep', { ms: 2_000 }));
      await until('the calls are in flight', async () => (await stateOf(village, 'up')).calls_in_flight >= EACH);
      const keys = Array.from({ length: EACH }, (_, index) => `${round}-${index}`);
      const appends = keys.map((key) => timedCall(session, 'up__append', { key }));
      await wait(random() * 60);
      process.kill(pid, 'SIGKILL');
      const killedAt = performance.now();
      if (remote !== undefined) remote = await again(remote, ledger);
      const slept = await Promise.all(sleeps);
      const appended = await Promise.all(appends);
      const count = (what: string, { answer }: Timed) => {
        const end = `${what} ${endOf(answer)}`;
        ends[end] = (ends[end] ?? 0) + 1;
      };
      for (const one of slept) {
        count('sleep', one);
        if (endOf(one.answer) === 'result') faults.push(`round ${round}: a call that was cut has a result`);
        slowestFailureMs = Math.max(slowestFailureMs, one.at - killedAt);
      }
      const counts = ledgerCounts(ledger);
      for (const [index, one] of appended.entries()) {
        count('append', one);
        const end = endOf(one.answer);
        const times = counts.get(keys[index]!) ?? 0;
        if (times > 1) faults.push(`round ${round}: ${keys[index]} ran ${times} times`);
        if (end === 'result' && times !== 1) faults.push(`round ${round}: ${keys[index]} has a result and did not run`);
        if (end === 'UPSTREAM_UNAVAILABLE' && times !== 0)
          faults.push(`round ${round}: ${keys[index]} ran, and was told unavailable`);
        // Who had not left yet may wait for the restart.
        if (end === 'OUTCOME_UNKNOWN') slowestFailureMs = Math.max(slowestFailureMs, one.at - killedAt);
      }
      const restartMs = await until(
        'the server is back',
        async () => (await stateOf(village, 'up')).state === 'ready',
        20_000,
      );
      slowestRestartMs = Math.max(slowestRestartMs, performance.now() - killedAt - (restartMs < 20 ? restartMs : 0));
      const next = await pidOf(session, 'up__whoami');
      if (next === pid || isAlive(pid)) faults.push(`round ${round}: the server was not killed`);
      pid = next;
      if (round === 0) filesBefore = openFiles(router);
      await wait(pauseMs);
    }
    const children = childrenOf(router);
    if (children.some(({ isZombie }) => isZombie)) faults.push('a zombie is left');
    if (children.length > (kind === 'stdio' ? 1 : 0)) faults.push(`${children.length} children are left`);
    // The clients' own connections come and go.
    await until('the files are as few as after the first round', () => openFiles(router) <= filesBefore + 5).catch(
      (error: unknown) => faults.push(`${String(error)}: ${openFiles(router)}, were ${filesBefore}`),
    );
    const verified = await village.cli('audit', 'verify');
    if (verified.code !== 0) faults.push(verified.stdout + verified.stderr);
  } finally {
    await village.remove();
    await remote?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return { rounds, calls: rounds * 2 * EACH, ends, faults, slowestFailureMs, slowestRestartMs };
}

/** The killed server anew, at the same address. */
async function again(killed: Started & { url: URL }, ledger: string): Promise<Started & { url: URL }> {
  await killed.stop();
  const { url } = killed;
  const started = startFixture('tools.ts', ['--http', url.port, '--ledger', ledger]);
  await until('it listens', () => started.stderr.some((line) => line.startsWith('listening')));
  return { ...started, url };
}
