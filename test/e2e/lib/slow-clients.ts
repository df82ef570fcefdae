/**
 * Clients that send slowly, or do not read, in great number (D09, D8): how long the router keeps them, what they cost it, and
 * what others notice. For a test with fewer and for the soak with all.
 */
import fs from 'node:fs';
import http from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Canary, type CanaryReport } from './canary.ts';
import { untilReady } from './faults.ts';
import { forgetPeak, openFiles, peakRssMb, rssMb, until } from './processes.ts';
import { RawSession } from './raw-client.ts';
import { SLOW_KINDS, type SlowKind, type SlowReport, SlowSockets } from './slow-sockets.ts';
import { Stalls } from './stalls.ts';
import { fixture, tokenFor, Village } from './village.ts';

export interface SlowOptions {
  /** Sockets of each kind. */
  readonly sockets: Readonly<Record<SlowKind, number>>;
  /** Clients that call for a flood of progress and read nothing of it, and how much each asks for. */
  readonly floods: number;
  readonly floodMb: number;
  /** How long the router is looked at before. */
  readonly aloneMs: number;
}

export interface SlowClientsReport {
  readonly sockets: Readonly<Record<SlowKind, SlowReport>>;
  /** Streams of the flood that the router had cut at the end. */
  readonly cut: number;
  /** Until all were; null when they were not. */
  readonly allCutMs: number | null;
  /** What the router grew by at most, beyond what it grows by as long alone. */
  readonly grownMb: number;
  readonly alone: CanaryReport;
  readonly beside: CanaryReport;
  /** The longest time that the event loop was held meanwhile. */
  readonly stallMs: number;
  readonly filesBefore: number;
  readonly filesAfter: number;
}

interface Watched<T> {
  readonly result: T;
  readonly canary: CanaryReport;
  readonly grownMb: number;
  readonly stallMs: number;
}

const MIB = 2 ** 20;
const PAD = 10_000;
/** What the case allows, and somewhat more, so that a miss is seen as one. */
const LONGEST_MS = 35_000;

export async function slowClients({ sockets, floods, floodMb, aloneMs }: SlowOptions): Promise<SlowClientsReport> {
  const stalls = new Stalls();
  const village = await Village.start({
    config: {
      mcpServers: { up: fixture('tools.ts'), flood: fixture('tools.ts') },
      agents: { alice: { level: 'OPERATOR' }, slow: { level: 'OPERATOR' } },
      permissions: [{ match: '*__*', level: 'OPERATOR' }],
    },
    env: {
      ...stalls.env,
      MCP_DEFAULT_TIMEOUT: '60',
    },
  });
  const pid = village.process.pid!;
  const watched = async <T>(run: () => Promise<T>): Promise<Watched<T>> => {
    forgetPeak(pid);
    const before = rssMb(pid);
    const canary = await Canary.start(village.url, tokenFor('alice'), 'up__echo', 5);
    const result = await run();
    return { result, canary: await canary.stop(), grownMb: peakRssMb(pid) - before, stallMs: await stalls.longestMs() };
  };
  try {
    await untilReady(village, 'up', 'flood');
    // A process that was just started grows by itself.
    await watched(() => wait(aloneMs));
    const alone = await watched(() => wait(aloneMs));
    const filesBefore = openFiles(pid);
    const session = await RawSession.open(village.url, tokenFor('slow'));
    const slow = await watched(async () => {
      const all = SLOW_KINDS.map(
        (kind) => new SlowSockets(village.url, kind, sockets[kind], session.token, session.id),
      );
      const [flooded, ...ends] = await Promise.all([
        flood(village, floods, floodMb),
        ...all.map((each) => each.end(LONGEST_MS)),
      ]);
      return {
        ...flooded,
        sockets: Object.fromEntries(SLOW_KINDS.map((kind, i) => [kind, ends[i]!])) as Record<SlowKind, SlowReport>,
      };
    });
    return {
      ...slow.result,
      grownMb: slow.grownMb - alone.grownMb,
      alone: alone.canary,
      beside: slow.canary,
      stallMs: slow.stallMs,
      filesBefore,
      filesAfter: openFiles(pid),
    };
  } finally {
    await village.remove();
    stalls.remove();
  }
}

/** Its own log of the flood's server tells what the router has cut: a client that does not read does not learn it. */
async function flood(
  village: Village,
  clients: number,
  megabytes: number,
): Promise<{ cut: number; allCutMs: number | null }> {
  const sessions: RawSession[] = [];
  for (let n = 0; n < clients; n++) sessions.push(await RawSession.open(village.url, tokenFor('slow')));
  const params = {
    name: 'flood__progress',
    arguments: { n: Math.ceil((megabytes * MIB) / PAD), everyMs: 1, pad: PAD },
    _meta: { progressToken: 'p' },
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  const requests = sessions.map((session) => deafRequest(session, body));
  const since = performance.now();
  const port = Number(new URL(village.url).port);
  const left = async () => established(port, await Promise.all(requests));
  const allCutMs = await until('all are cut', async () => (await left()) === 0, LONGEST_MS).then(
    () => performance.now() - since,
    () => null,
  );
  const cut = clients - (await left());
  for (const request of requests) (await request).destroy();
  return { cut, allCutMs };
}

/** Of these connections, how many the router still has: /proc/net/tcp tells it by their ports (proc(5)). */
function established(port: number, sockets: readonly Socket[]): number {
  const ours = new Set(sockets.map(({ localPort }) => localPort));
  return fs
    .readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', remote = '', state]) => {
      const [near, far] = [local, remote].map((address) => Number.parseInt(address.split(':')[1] ?? '', 16));
      return state === '01' && near === port && ours.has(far);
    }).length;
}

/** Reads nothing of the answer. Gives its connection, as soon as there is one. */
function deafRequest(session: RawSession, body: string): Promise<Socket> {
  const { hostname, port } = new URL(session.url);
  const options = { hostname, port, method: 'POST', path: '/mcp', headers: session.headers, agent: false };
  return new Promise((resolve) => {
    const request = http.request(options, (response) => {
      response.pause();
      response.on('error', () => {});
    });
    request.on('error', () => {});
    request.on('socket', (socket) => socket.once('connect', () => resolve(socket)));
    request.end(body);
  });
}
