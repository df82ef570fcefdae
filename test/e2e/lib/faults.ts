/** What tests of broken servers share: how a server is seen by the router, answers with the time they took, the ledger. */
import fs from 'node:fs';
import { until } from './processes.ts';
import { type JsonRpc, type RawSession, send, textOf } from './raw-client.ts';
import { tokenFor, type Village } from './village.ts';

export interface ServiceState {
  readonly status: string;
  readonly state: string;
  readonly problem: string | null;
  readonly starts: number;
  readonly calls_in_flight: number;
  readonly bad_messages: number;
  readonly tools: number;
}

/** As `/api/services/ID/status` tells it. */
export async function stateOf(village: Village, id: string, agent = 'alice'): Promise<ServiceState> {
  const answer = await send(village.url, {
    method: 'GET',
    path: `/api/services/${id}/status`,
    headers: { authorization: `Bearer ${tokenFor(agent)}` },
  });
  return JSON.parse(answer.text) as ServiceState;
}

/** Waits until these servers are ready: on a busy machine that takes its time. */
export async function untilReady(village: Village, ...ids: string[]): Promise<void> {
  for (const id of ids)
    await until(`${id} is ready`, async () => (await stateOf(village, id)).state === 'ready', 20_000);
}

export interface Timed {
  readonly answer: JsonRpc;
  /** performance.now() when it was there. */
  readonly at: number;
  readonly tookMs: number;
}

/** One call, and when its answer came. Rejects when there is none, or more than one. */
export async function timedCall(session: RawSession, tool: string, args: object, meta?: object): Promise<Timed> {
  const since = performance.now();
  const { before, ...answer } = await session.call(tool, args, meta);
  const at = performance.now();
  if (before.some((message) => message.id !== undefined && message.method === undefined)) {
    throw new Error(`more than one answer: ${JSON.stringify([...before, answer])}`);
  }
  return { answer, at, tookMs: at - since };
}

/** `result` or the reason of the error. */
export function endOf({ error, result }: JsonRpc): string {
  if (error === undefined) return result === undefined ? 'nothing' : 'result';
  return String(error.data?.reason ?? error.code);
}

/** Lines of a ledger and how often each stands there. */
export function ledgerCounts(file: string): Map<string, number> {
  const counts = new Map<string, number>();
  if (!fs.existsSync(file)) return counts;
  for (const line of fs.readFileSync(file, 'utf8').split('\n').slice(0, -1))
    counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

/** The process of a `tools.ts` server. */
export async function pidOf(session: RawSession, tool: string): Promise<number> {
  return (JSON.parse(textOf(await session.call(tool))) as { pid: number }).pid;
}

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
