/**
 * Sessions come and go (S01, D7): each is used once; half are ended, half abandoned; every tenth opens a stream and is cut without a
 * word; the server is killed now and then. What grows, quarter by quarter, and what is left. For a test and for the soak.
 */
import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { untilReady } from './faults.ts';
import { childrenOf, openFiles, rssMb, until } from './processes.ts';
import { RawSession, send } from './raw-client.ts';
import { fixture, tokenFor, Village } from './village.ts';

export interface ChurnOptions {
  readonly seconds: number;
  readonly sessions: number;
  /** After so long without a use a session is over. */
  readonly idleSeconds: number;
  /** Opened before, so that the process is warm. */
  readonly rehearsed: number;
}

export interface ChurnReport {
  readonly sessions: number;
  readonly cutStreams: number;
  readonly kills: number;
  readonly quarters: readonly { readonly sessions: number; readonly rssMb: number; readonly p99Ms: number }[];
  /** Of the last quarter beside the first. */
  readonly rssGrowthPercent: number;
  readonly p99Ratio: number;
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly sessionsAfter: number;
  readonly children: number;
  /** Sentences; empty when all was well. */
  readonly faults: readonly string[];
}

const QUARTERS = 4;
const LANES = 8;
const KILLS_A_QUARTER = 5;
const LOOK_MS = 500;

/** What a call may end with whose server is killed. */
const OF_A_KILL: ReadonlySet<string> = new Set(['UPSTREAM_UNAVAILABLE', 'OUTCOME_UNKNOWN', 'CONNECTION_LOST']);

export async function churn(options: ChurnOptions): Promise<ChurnReport> {
  const village = await Village.start({
    config: {
      mcpServers: { up: fixture('tools.ts') },
      agents: { alice: { level: 'OPERATOR' }, monitor: { level: 'READ_ONLY', role: 'developer' } },
      permissions: [{ match: 'up/*', level: 'OPERATOR' }],
    },
    env: { MCP_SESSION_TIMEOUT: String(options.idleSeconds) },
  });
  try {
    await untilReady(village, 'up');
    return await new Churn(village, options).run();
  } finally {
    await village.remove();
  }
}

class Churn {
  private readonly village: Village;
  private readonly options: ChurnOptions;
  private readonly pid: number;
  private readonly faults: string[] = [];
  private opened = 0;
  private cutStreams = 0;
  private kills = 0;

  constructor(village: Village, options: ChurnOptions) {
    this.village = village;
    this.options = options;
    this.pid = village.process.pid!;
  }

  async run(): Promise<ChurnReport> {
    const { rehearsed, idleSeconds } = this.options;
    for (let n = 0; n < rehearsed; n++) await this.one([]);
    await wait((idleSeconds + 2) * 1_000);
    const filesBefore = openFiles(this.pid);
    const startedAt = performance.now();
    const quarters = [];
    for (let quarter = 1; quarter <= QUARTERS; quarter++) quarters.push(await this.quarter(quarter, startedAt));
    // Within its time, and the look that is taken now and then.
    const areOver = async () =>
      (await this.sessions()) === 0 && openFiles(this.pid) <= filesBefore && childrenOf(this.pid).length === 1;
    await until('all sessions are over', areOver, (idleSeconds + 8) * 1_000).catch(() => {});
    const verified = await this.village.cli('audit', 'verify');
    if (verified.code !== 0) this.faults.push(verified.stdout + verified.stderr);
    const [first, last] = [quarters[0]!, quarters.at(-1)!];
    return {
      sessions: this.opened - rehearsed,
      cutStreams: this.cutStreams,
      kills: this.kills,
      quarters,
      rssGrowthPercent: (100 * (last.rssMb - first.rssMb)) / first.rssMb,
      p99Ratio: last.p99Ms / first.p99Ms,
      filesBefore,
      filesAfter: openFiles(this.pid),
      sessionsAfter: await this.sessions(),
      children: childrenOf(this.pid).length,
      faults: this.faults.slice(0, 20),
    };
  }

  private async quarter(quarter: number, startedAt: number): Promise<ChurnReport['quarters'][number]> {
    const { seconds, sessions, rehearsed } = this.options;
    const totalMs = seconds * 1_000;
    const until = startedAt + (totalMs * quarter) / QUARTERS;
    const most = rehearsed + (sessions * quarter) / QUARTERS;
    const times: number[] = [];
    const sizes: number[] = [];
    // Evenly over the quarter: what is asked for is a part of what could be done.
    const lane = async (): Promise<void> => {
      while (this.opened < most) {
        const due = rehearsed + (sessions * (performance.now() - startedAt)) / totalMs;
        if (this.opened > due) await wait(5);
        else await this.one(times);
      }
    };
    const killEvery = Math.max(2, Math.ceil(totalMs / QUARTERS / LOOK_MS / KILLS_A_QUARTER));
    const look = async (): Promise<void> => {
      for (let tick = 0; performance.now() < until; tick++) {
        sizes.push(rssMb(this.pid));
        if (tick % killEvery === 1) this.killServer();
        await wait(LOOK_MS);
      }
    };
    await Promise.all([look(), ...Array.from({ length: LANES }, lane)]);
    times.sort((a, b) => a - b);
    sizes.sort((a, b) => a - b);
    return {
      sessions: times.length,
      rssMb: sizes[sizes.length >> 1] ?? 0,
      p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
    };
  }

  private killServer(): void {
    const [child] = childrenOf(this.pid);
    if (child === undefined) return;
    process.kill(child.pid, 'SIGKILL');
    this.kills++;
  }

  private async one(times: number[]): Promise<void> {
    const n = this.opened++;
    const session = await RawSession.open(this.village.url, tokenFor('alice'));
    const since = performance.now();
    const { error } = await session.call('up__echo', { text: 'x' });
    times.push(performance.now() - since);
    if (error !== undefined && !OF_A_KILL.has(String(error.data?.reason)))
      this.faults.push(`session ${n}: ${JSON.stringify(error)}`);
    if (n % 10 === 0) await this.cutStream(session);
    if (n % 2 === 0) await session.close();
  }

  /** A stream whose client goes away without a word. */
  private cutStream(session: RawSession): Promise<void> {
    return new Promise((resolve) => {
      const options = { headers: { ...session.headers, accept: 'text/event-stream' }, agent: false };
      const request = http.get(new URL('/mcp', session.url), options, (response) => {
        response.socket.resetAndDestroy();
        this.cutStreams++;
        resolve();
      });
      request.on('error', () => resolve());
    });
  }

  /** As the router's own metrics tell. */
  private async sessions(): Promise<number> {
    const token = tokenFor('monitor', { role: 'developer', permissions: ['monitoring:diagnose'] });
    const { text } = await send(this.village.url, {
      method: 'GET',
      path: '/metrics',
      headers: { authorization: `Bearer ${token}` },
    });
    const counts = [...text.matchAll(/^aivillage_sessions\{[^}]*\} (\d+)$/gm)].map(([, count]) => Number(count));
    return counts.length === 0 ? Number.NaN : counts.reduce((sum, count) => sum + count);
  }
}
