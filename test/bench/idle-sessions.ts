/** Measures what a session costs in memory while it does nothing. Counts are multiples of four. */
import { ClientSession } from './client-session.ts';
import { Connection } from './connection.ts';
import { inspectorFlags, liveBytes } from './inspector.ts';
import { load } from './measure.ts';
import { residentKb } from './proc.ts';
import { freePort, type Processes } from './processes.ts';
import { startTarget, type Target } from './targets.ts';

export interface IdleSessions {
  readonly sessions: number;
  readonly residentKbBefore: number;
  readonly residentKbAfter: number;
  /**
   * What lives for each after a full collection of garbage: resident memory alone also tells when V8 last collected. The
   * slope over the last three quarters: what the first sessions wake, or what older ones leave behind, is not theirs.
   */
  readonly kbEach: number;
  readonly openedPerSecond: number;
}

const LANES = 16;
/** Opened and closed first, so that the heap has grown to what opening itself needs. */
const REHEARSED = 500;
const SETTLE_MS = 1_000;
const QUARTERS = 4;

export async function measureIdleSessions(processes: Processes, sessions: number): Promise<IdleSessions> {
  const port = await freePort();
  const target = await startTarget(processes, 'router', { upstream: 'stdio', nodeFlags: inspectorFlags(port) });
  try {
    await load(processes, target, { inFlight: LANES, warmupSeconds: 0, seconds: 1 });
    await closeAll(target, await openAll(target, REHEARSED));
    await sleep(SETTLE_MS);
    const before = residentKb(target.pid);
    const open: ClientSession[] = [];
    const lived: number[] = [];
    let openingMs = 0;
    for (let quarter = 0; quarter < QUARTERS; quarter += 1) {
      const startedAt = performance.now();
      open.push(...(await openAll(target, sessions / QUARTERS)));
      openingMs += performance.now() - startedAt;
      await sleep(SETTLE_MS);
      lived.push(await liveBytes(port));
    }
    const after = residentKb(target.pid);
    await closeAll(target, open);
    return {
      sessions,
      residentKbBefore: before,
      residentKbAfter: after,
      kbEach: (lived.at(-1)! - lived[0]!) / 1024 / (sessions - sessions / QUARTERS),
      openedPerSecond: (sessions * 1000) / openingMs,
    };
  } finally {
    await target.stop();
  }
}

async function openAll(target: Target, count: number): Promise<ClientSession[]> {
  const url = new URL(target.url);
  const sessions = Array.from(
    { length: count },
    (_, i) => new ClientSession(url, target.tokens[i % target.tokens.length]!),
  );
  await inLanes(url, sessions, (session, connection) => session.open(connection));
  return sessions;
}

async function closeAll(target: Target, sessions: readonly ClientSession[]): Promise<void> {
  await inLanes(new URL(target.url), sessions, (session, connection) => session.close(connection));
}

async function inLanes(
  url: URL,
  sessions: readonly ClientSession[],
  work: (session: ClientSession, connection: Connection) => Promise<void>,
): Promise<void> {
  const queue = [...sessions];
  const lane = async () => {
    const connection = new Connection(url);
    try {
      for (let session = queue.pop(); session !== undefined; session = queue.pop()) await work(session, connection);
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
