/**
 * Trials of a server with several copies under load: copies are killed, or one hangs. Each tells what its callers got; for a
 * test with a short one and for the soak with the long.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { endOf, ledgerCounts, seeded, untilReady } from './faults.ts';
import { Load } from './load.ts';
import { childrenOf, until } from './processes.ts';
import { RawSession } from './raw-client.ts';
import { fixture, tokenFor, Village } from './village.ts';

export interface CopiesOptions {
  readonly strategy: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly seed: number;
}

interface Trial {
  readonly village: Village;
  readonly session: RawSession;
  readonly ledger: string;
  /** The processes of the copies there are now. */
  copies(): number[];
}

const COPIES = 3;
const MAX_IN_FLIGHT = 400;

async function withCopies<T>(strategy: string, run: (trial: Trial) => Promise<T>): Promise<T> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'copies-'));
  const ledger = path.join(folder, 'ledger');
  const village = await Village.start({
    config: {
      mcpServers: { up: { ...fixture('tools.ts', '--ledger', ledger), replicas: COPIES, strategy } },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [{ match: 'up/*', level: 'OPERATOR' }],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  });
  try {
    await untilReady(village, 'up');
    const copies = () => childrenOf(village.process.pid!).map(({ pid }) => pid);
    await until('all copies run', () => copies().length === COPIES);
    const session = await RawSession.open(village.url, tokenFor('alice'));
    return await run({ village, session, ledger, copies });
  } finally {
    await village.remove();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

export interface KilledReport {
  readonly kills: number;
  readonly readOnlyCalls: number;
  readonly readOnlySuccessPercent: number;
  readonly sideEffectCalls: number;
  /** Ends of calls with side effects → how often. */
  readonly sideEffectEnds: Readonly<Record<string, number>>;
  /** Calls that were made anew at another copy, and how long the slowest hundredth of them took at least. */
  readonly moved: number;
  readonly movedP99Ms: number;
  /** Sentences; empty when all was well. */
  readonly faults: readonly string[];
}

/** Every `everyMs` one copy is killed; of the calls every third writes a line to the ledger, the rest reads. */
export function killCopies({ everyMs, ...options }: CopiesOptions & { everyMs: number }): Promise<KilledReport> {
  return withCopies(options.strategy, async ({ village, session, ledger, copies }) => {
    const random = seeded(options.seed);
    const isAppend = (n: number) => n % 3 === 0;
    const load = new Load(session, options.perSecond, MAX_IN_FLIGHT, (n) =>
      isAppend(n)
        ? { name: 'up__append', arguments: { key: `key ${n}` } }
        : { name: 'up__delay', arguments: { ms: 20, text: `${n}` } },
    );
    let kills = 0;
    const until = performance.now() + options.seconds * 1_000;
    while (performance.now() < until) {
      await wait(Math.min(everyMs, Math.max(0, until - performance.now())));
      const alive = copies();
      const victim = alive[Math.floor(random() * alive.length)];
      if (victim === undefined) continue;
      process.kill(victim, 'SIGKILL');
      kills++;
    }
    await wait(1_500);
    await load.end();
    const faults: string[] = [];
    const reads = load.answers.filter(({ tool }) => tool === 'up__delay');
    const appends = load.answers.filter(({ tool }) => tool === 'up__append');
    const failed = reads.filter(({ message }) => endOf(message) !== 'result');
    const counts = ledgerCounts(ledger);
    for (const [key, times] of counts) if (times > 1) faults.push(`${key} ran ${times} times`);
    const sideEffectEnds: Record<string, number> = {};
    for (const { message, args } of appends) {
      const end = endOf(message);
      sideEffectEnds[end] = (sideEffectEnds[end] ?? 0) + 1;
      const times = counts.get(String(args.key)) ?? 0;
      if (end === 'result' && times !== 1) faults.push(`${String(args.key)} has a result and did not run`);
      if (end === 'UPSTREAM_UNAVAILABLE' && times !== 0)
        faults.push(`${String(args.key)} ran, and was told unavailable`);
    }
    if (Object.keys(sideEffectEnds).some((end) => !EXPECTED.has(end))) faults.push('an end that nobody expects');
    const moved = (await movedCalls(village)).sort((a, b) => a - b);
    const verified = await village.cli('audit', 'verify');
    if (verified.code !== 0) faults.push(verified.stdout + verified.stderr);
    return {
      kills,
      readOnlyCalls: reads.length,
      readOnlySuccessPercent: (100 * (reads.length - failed.length)) / reads.length,
      sideEffectCalls: appends.length,
      sideEffectEnds,
      moved: moved.length,
      movedP99Ms: quantile(moved, 0.99),
      faults,
    };
  });
}

const EXPECTED: ReadonlySet<string> = new Set(['result', 'OUTCOME_UNKNOWN', 'UPSTREAM_UNAVAILABLE']);

export interface HungReport {
  readonly calls: number;
  readonly failures: number;
  /** Calls that were at the hanging copy before it was found out, and were made anew. */
  readonly moved: number;
  readonly movedWorstMs: number;
  /** Of all other calls: p99 with all copies, and while one hangs, round by round. */
  readonly freeMs: readonly number[];
  readonly besideMs: readonly number[];
  /** The second by the first, the median of the rounds: a busy machine makes single ones worth little. */
  readonly ratio: number;
  /** After each round the copy answers calls again within 5 s. */
  readonly isBack: boolean;
}

/** One copy is stopped (SIGSTOP) for half of each round, under a load of reads. */
export function hangCopy(options: CopiesOptions & { rounds: number }): Promise<HungReport> {
  return withCopies(options.strategy, async ({ village, session, copies }) => {
    const partMs = (options.seconds * 1_000) / options.rounds / 2;
    const freeMs: number[] = [];
    const besideMs: number[] = [];
    let calls = 0;
    let failures = 0;
    let isBack = true;
    let movedBefore = 0;
    const part = async (): Promise<number[]> => {
      const load = new Load(session, options.perSecond, MAX_IN_FLIGHT, (n) => ({
        name: 'up__delay',
        arguments: { ms: 10, text: `${n}` },
      }));
      await wait(partMs);
      await load.end();
      calls += load.answers.length;
      failures += load.answers.filter(({ message }) => endOf(message) !== 'result').length;
      const moved = (await movedCalls(village)).length;
      const took = load.answers.map(({ sentAt, answeredAt }) => answeredAt - sentAt).sort((a, b) => a - b);
      // Those that were moved are the slowest; the others are looked at.
      const others = took.slice(0, took.length - (moved - movedBefore));
      movedBefore = moved;
      return others;
    };
    for (let round = 0; round < options.rounds; round++) {
      freeMs.push(quantile(await part(), 0.99));
      const victim = copies()[round % COPIES]!;
      process.kill(victim, 'SIGSTOP');
      try {
        besideMs.push(quantile(await part(), 0.99));
      } finally {
        process.kill(victim, 'SIGCONT');
      }
      isBack &&= await until('the copy answers again', () => answersFrom(session, victim), 5_000).then(
        () => true,
        () => false,
      );
    }
    const moved = await movedCalls(village);
    const ratios = besideMs.map((ms, round) => ms / freeMs[round]!).sort((a, b) => a - b);
    return {
      calls,
      failures,
      moved: moved.length,
      movedWorstMs: Math.max(0, ...moved),
      freeMs,
      besideMs,
      ratio: quantile(ratios, 0.5),
      isBack,
    };
  });
}

async function answersFrom(session: RawSession, pid: number): Promise<boolean> {
  for (let n = 0; n < COPIES * 2; n++) {
    const answer = await session.call('up__whoami');
    if (JSON.stringify(answer).includes(`\\"pid\\":${pid},`)) return true;
  }
  return false;
}

/** How long each call took, in milliseconds, that the audit says was made at more than one copy. */
async function movedCalls(village: Village): Promise<number[]> {
  return (await village.audit()).flatMap(({ kind, details, durationMs }) =>
    kind === 'call_finished' && Number((details as { moves?: number } | undefined)?.moves ?? 0) > 0
      ? [Number(durationMs)]
      : [],
  );
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
