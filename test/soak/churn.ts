/**
 * D7: sessions come and go for `--minutes M` (60) until there were `--sessions N` (100,000): each is used once; half are ended, half
 * abandoned; every tenth opens a stream and is cut without a word; the server is killed now and then. What grows, quarter by quarter.
 */
import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { untilReady } from '../e2e/lib/faults.ts';
import { childrenOf, openFiles, rssMb } from '../e2e/lib/processes.ts';
import { RawSession } from '../e2e/lib/raw-client.ts';
import { fixture, tokenFor, Village } from '../e2e/lib/village.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, sessions: { type: 'string', default: '100000' } },
});
const totalMs = Number(values.minutes) * 60_000;
const total = Number(values.sessions);
const IDLE_SECONDS = 10;
const QUARTERS = 4;
const LANES = 8;
const KILLS_A_QUARTER = 5;
const LOOK_MS = 500;

const village = await Village.start({
  config: {
    mcpServers: { up: fixture('tools.ts') },
    agents: { alice: { level: 'OPERATOR' } },
    permissions: [{ match: 'up/*', level: 'OPERATOR' }],
  },
  env: { MCP_SESSION_TIMEOUT: String(IDLE_SECONDS) },
});
const pid = village.process.pid!;
const token = () => tokenFor('alice');
let opened = 0;
let cutStreams = 0;
const faults: string[] = [];

/** A stream whose client goes away without a word to the router's HTTP. */
function cutStream(session: RawSession): Promise<void> {
  return new Promise((resolve) => {
    const options = { headers: { ...session.headers, accept: 'text/event-stream' }, agent: false };
    const request = http.get(new URL('/mcp', session.url), options, (response) => {
      response.socket.resetAndDestroy();
      cutStreams++;
      resolve();
    });
    request.on('error', () => resolve());
  });
}

async function one(times: number[]): Promise<void> {
  const n = opened++;
  const session = await RawSession.open(village.url, token());
  const since = performance.now();
  const { error } = await session.call('up__echo', { text: 'x' });
  times.push(performance.now() - since);
  const reason = error?.data?.reason;
  if (error !== undefined && reason !== 'UPSTREAM_UNAVAILABLE' && reason !== 'OUTCOME_UNKNOWN')
    faults.push(`session ${n}: ${JSON.stringify(error)}`);
  if (n % 10 === 0) await cutStream(session);
  if (n % 2 === 0) await session.close();
}

const middle = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

try {
  await untilReady(village, 'up');
  for (let n = 0; n < 500; n++) await one([]);
  await wait((IDLE_SECONDS + 2) * 1_000);
  const filesBefore = openFiles(pid);
  const startedAt = performance.now();
  const startedWith = opened;
  const quarters = [];
  for (let quarter = 1; quarter <= QUARTERS; quarter++) {
    const times: number[] = [];
    const sizes: number[] = [];
    const until = startedAt + (totalMs * quarter) / QUARTERS;
    const most = startedWith + (total * quarter) / QUARTERS;
    // Evenly over the quarter: half of what is asked for is load, the rest is time.
    const lane = async (): Promise<void> => {
      while (opened < most) {
        const due = startedWith + (total * (performance.now() - startedAt)) / totalMs;
        if (opened > due) await wait(5);
        else await one(times);
      }
    };
    let kills = 0;
    const look = async (): Promise<void> => {
      for (let tick = 0; performance.now() < until; tick++) {
        sizes.push(rssMb(pid));
        if (kills < KILLS_A_QUARTER && tick % Math.ceil(totalMs / QUARTERS / LOOK_MS / KILLS_A_QUARTER) === 1) {
          kills++;
          const [child] = childrenOf(pid);
          if (child !== undefined) process.kill(child.pid, 'SIGKILL');
        }
        await wait(LOOK_MS);
      }
    };
    await Promise.all([look(), ...Array.from({ length: LANES }, lane)]);
    times.sort((a, b) => a - b);
    const p99Ms = times[Math.floor(times.length * 0.99)] ?? 0;
    quarters.push({
      sessions: times.length,
      rssMb: Math.round(middle(sizes)),
      p99Ms: Math.round(p99Ms * 10) / 10,
      kills,
    });
  }
  await wait((IDLE_SECONDS + 5) * 1_000);
  const verified = await village.cli('audit', 'verify');
  if (verified.code !== 0) faults.push(verified.stdout + verified.stderr);
  console.log(
    JSON.stringify({
      sessions: opened,
      cutStreams,
      quarters,
      rssGrowthPercent: (100 * (quarters.at(-1)!.rssMb - quarters[0]!.rssMb)) / quarters[0]!.rssMb,
      p99Ratio: quarters.at(-1)!.p99Ms / quarters[0]!.p99Ms,
      filesBefore,
      filesAfter: openFiles(pid),
      children: childrenOf(pid).length,
      faults: faults.slice(0, 20),
    }),
  );
} finally {
  await village.remove();
}
