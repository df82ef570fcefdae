/** What others notice while one caller floods the router (R01): calls, votes and logins alone, and beside it. */
import { setTimeout as wait } from 'node:timers/promises';
import { Canary, type CanaryReport } from './canary.ts';
import { Flooder, type FloodReport } from './flooder.ts';
import { type Governed, startGoverned, structured, vote } from './governed.ts';
import { cpuMs } from './processes.ts';
import { send } from './raw-client.ts';
import { runCli, tokenFor } from './village.ts';

export interface Noticed {
  readonly calls: CanaryReport;
  /** The middle one, in milliseconds, and how many. */
  readonly votes: { readonly count: number; readonly medianMs: number; readonly failures: readonly string[] };
  readonly logins: { readonly count: number; readonly medianMs: number; readonly failures: readonly string[] };
  /** Of the router process. */
  readonly cpuPercent: number;
}

export interface BesideFloodReport {
  readonly alone: Noticed;
  readonly beside: Noticed;
  readonly flood: FloodReport;
  readonly perSecond: number;
}

const PASSWORD = 'correct horse battery staple';
const LOGIN_EVERY_MS = 1_000;

/** @param seconds of each half */
export async function besideFlood(seconds: number, inFlight: number): Promise<BesideFloodReport> {
  const governed = await startGoverned({
    permissions: [{ match: 'prompt:*', level: 'OPERATOR' }],
    router: { rateLimit: { perMinute: 6_000 } },
  });
  const { village } = governed;
  try {
    const added = await runCli(['user', 'add', 'sage', '--role', 'admin'], village.env, `${PASSWORD}\n`);
    if (added.code !== 0) throw new Error(added.stderr);
    // What a fresh process does for the first time is not measured.
    await notice(governed, 1_000);
    const alone = await notice(governed, seconds * 1_000);
    const flooder = await Flooder.start(village.url, tokenFor('magi', { role: 'developer' }), inFlight);
    // Its limit is used up first: from then on it is a flood.
    await wait(1_000);
    const beside = await notice(governed, seconds * 1_000);
    const flood = await flooder.stop();
    return { alone, beside, flood, perSecond: flood.requests / (seconds + 1) };
  } finally {
    await governed.remove();
  }
}

async function notice(governed: Governed, ms: number): Promise<Noticed> {
  const { village } = governed;
  const pid = village.process.pid!;
  const before = cpuMs(pid);
  const until = performance.now() + ms;
  const canary = await Canary.start(village.url, tokenFor('alice'), 'free__echo', 15);
  const [votes, logins] = await Promise.all([voteUntil(governed, until), logInUntil(village.url, until)]);
  const calls = await canary.stop();
  return { calls, votes, logins, cpuPercent: ((cpuMs(pid) - before) / ms) * 100 };
}

async function voteUntil({ as }: Governed, until: number): Promise<Noticed['votes']> {
  const [sage, curator] = [await as('sage'), await as('curator')];
  const times: number[] = [];
  const failures: string[] = [];
  while (performance.now() < until) {
    try {
      const { proposal_id: id } = structured(
        await sage.call('governance_proposal', {
          title: 'Beside a flood',
          description: 'Whether votes are counted meanwhile',
          type: 'major_change',
          impact_assessment: { affected_systems: ['none'], risk_level: 'low', reversible: true },
        }),
      );
      const since = performance.now();
      structured(await vote(curator, String(id)));
      times.push(performance.now() - since);
    } catch (error) {
      failures.push(String(error));
    }
    await wait(200);
  }
  return { count: times.length, medianMs: median(times), failures };
}

async function logInUntil(url: string, until: number): Promise<Noticed['logins']> {
  const times: number[] = [];
  const failures: string[] = [];
  while (performance.now() < until) {
    const since = performance.now();
    const { status, text } = await send(url, {
      path: '/api/auth/login',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'sage', password: PASSWORD }),
    });
    if (status === 200) times.push(performance.now() - since);
    else failures.push(`${status} ${text}`);
    await wait(LOGIN_EVERY_MS);
  }
  return { count: times.length, medianMs: median(times), failures };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
