/** Five healthy servers alone, then among twenty that crash, hang or babble: how soon they are there, and what they notice. */
import { setTimeout as wait } from 'node:timers/promises';
import { untilReady } from './faults.ts';
import { Load } from './load.ts';
import { cpuMs } from './processes.ts';
import { RawSession } from './raw-client.ts';
import { fixture, tokenFor, Village } from './village.ts';

export interface BrokenReport {
  readonly readyMs: number;
  readonly calls: number;
  readonly failures: number;
  /** Of a router with the healthy ones only, and of one with all, round by round. */
  readonly aloneP99Ms: readonly number[];
  readonly besideP99Ms: readonly number[];
  /** The second by the first, the median of the rounds. */
  readonly p99Ratio: number;
  readonly p50Ratio: number;
  /** Of the router while nobody calls. */
  readonly cpuPercent: number;
}

const HEALTHY = 5;
const OF_EACH_KIND = 5;
const BROKEN = {
  exits: fixture('crash.ts', '--at', 'start'),
  shakes: fixture('crash.ts', '--at', 'initialize'),
  hangs: fixture('crash.ts', '--slow-start', '600000'),
  babbles: fixture('babble.ts'),
};
const IDS = numbered('healthy', HEALTHY);
const ROUNDS = 5;
const LOAD_MS = 4_000;
const IDLE_MS = 5_000;

export async function healthyAmongBroken(): Promise<BrokenReport> {
  const kinds = Object.entries(BROKEN);
  const broken = Object.fromEntries(
    kinds.flatMap(([id, entry]) => numbered(id, OF_EACH_KIND).map((each) => [each, entry])),
  );
  const [alone, beside] = [await start({}), await start(broken)];
  try {
    // The broken ones have their first, quick restarts.
    await wait(LOAD_MS);
    const rounds: { alone: Measured; beside: Measured }[] = [];
    // In turn, because only what ran beside each other on a shared machine can be compared.
    for (let round = 0; round < ROUNDS; round++)
      rounds.push({ alone: await measure(alone), beside: await measure(beside) });
    const all = rounds.flatMap((round) => [round.alone, round.beside]);
    const idle = await cpuPercent(beside);
    return {
      readyMs: beside.readyMs,
      calls: all.reduce((sum, { calls }) => sum + calls, 0),
      failures: all.reduce((sum, { failures }) => sum + failures, 0),
      aloneP99Ms: rounds.map((round) => round.alone.p99Ms),
      besideP99Ms: rounds.map((round) => round.beside.p99Ms),
      p99Ratio: median(rounds.map((round) => round.beside.p99Ms / round.alone.p99Ms)),
      p50Ratio: median(rounds.map((round) => round.beside.p50Ms / round.alone.p50Ms)),
      cpuPercent: idle,
    };
  } finally {
    await Promise.all([alone.village.remove(), beside.village.remove()]);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function numbered(id: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${id}${index}`);
}

interface Started {
  readonly village: Village;
  readonly session: RawSession;
  readonly readyMs: number;
}

async function start(broken: Readonly<Record<string, object>>): Promise<Started> {
  const startedAt = performance.now();
  const village = await Village.start({
    config: {
      mcpServers: { ...broken, ...Object.fromEntries(IDS.map((id) => [id, fixture('tools.ts')])) },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [{ match: '*__*', level: 'OPERATOR' }],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  });
  const readyMs = performance.now() - startedAt;
  await untilReady(village, ...IDS);
  return { village, session: await RawSession.open(village.url, tokenFor('alice')), readyMs };
}

interface Measured {
  readonly calls: number;
  readonly failures: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function measure({ session }: Started): Promise<Measured> {
  const load = new Load(session, 200, 100, (n) => ({
    name: `${IDS[n % IDS.length]!}__echo`,
    arguments: { text: `${n}` },
  }));
  await wait(LOAD_MS);
  await load.end();
  const took = load.answers.map(({ sentAt, answeredAt }) => answeredAt - sentAt).sort((a, b) => a - b);
  const failures = load.answers.filter(({ message }) => message.result === undefined).length;
  const quantile = (part: number) => took[Math.floor(took.length * part)] ?? 0;
  return { calls: took.length, failures, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

async function cpuPercent({ village }: Started): Promise<number> {
  const before = cpuMs(village.process.pid!);
  await wait(IDLE_MS);
  return ((cpuMs(village.process.pid!) - before) / IDLE_MS) * 100;
}
