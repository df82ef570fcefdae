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
  readonly p99AloneMs: number;
  readonly p99BesideMs: number;
  readonly ratio: number;
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
const LOAD_MS = 10_000;
const IDLE_MS = 5_000;

export async function healthyAmongBroken(): Promise<BrokenReport> {
  const alone = await trial({});
  const kinds = Object.entries(BROKEN);
  const beside = await trial(
    Object.fromEntries(kinds.flatMap(([id, entry]) => numbered(id, OF_EACH_KIND).map((each) => [each, entry]))),
  );
  return {
    readyMs: beside.readyMs,
    calls: beside.calls,
    failures: alone.failures + beside.failures,
    p99AloneMs: alone.p99Ms,
    p99BesideMs: beside.p99Ms,
    ratio: beside.p99Ms / alone.p99Ms,
    cpuPercent: beside.cpuPercent,
  };
}

function numbered(id: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${id}${index}`);
}

async function trial(broken: Readonly<Record<string, object>>) {
  const healthy = numbered('healthy', HEALTHY);
  const startedAt = performance.now();
  const village = await Village.start({
    config: {
      mcpServers: { ...broken, ...Object.fromEntries(healthy.map((id) => [id, fixture('tools.ts')])) },
      agents: { alice: { level: 'OPERATOR' } },
      permissions: [{ match: '*__*', level: 'OPERATOR' }],
      router: { rateLimit: { perMinute: 1_000_000 } },
    },
  });
  try {
    const readyMs = performance.now() - startedAt;
    await untilReady(village, ...healthy);
    // The broken ones have had their first, quick restarts.
    await wait(Object.keys(broken).length > 0 ? LOAD_MS : 0);
    const session = await RawSession.open(village.url, tokenFor('alice'));
    const load = new Load(session, 200, 100, (n) => ({
      name: `${healthy[n % HEALTHY]!}__echo`,
      arguments: { text: `${n}` },
    }));
    await wait(LOAD_MS);
    await load.end();
    const took = load.answers.map(({ sentAt, answeredAt }) => answeredAt - sentAt).sort((a, b) => a - b);
    const before = cpuMs(village.process.pid!);
    await wait(IDLE_MS);
    const cpuPercent = ((cpuMs(village.process.pid!) - before) / IDLE_MS) * 100;
    const failures = load.answers.filter(({ message }) => message.result === undefined).length;
    return { readyMs, calls: took.length, failures, p99Ms: took[Math.floor(took.length * 0.99)] ?? 0, cpuPercent };
  } finally {
    await village.remove();
  }
}
