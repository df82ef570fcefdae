/** Calls of now, as the router tells of them. */
import { z } from 'zod';
import type { VillageClient } from '../../../client/index.ts';

export const CALLS_URI = 'village://calls';

const call = z.looseObject({
  call_id: z.string(),
  agent: z.string(),
  server: z.string(),
  tool: z.string(),
  outcome: z.string(),
  started_at: z.string(),
  total_ms: z.number(),
});
const second = z.looseObject({
  /** Seconds since the epoch. */
  at: z.number(),
  calls: z.number(),
  failed: z.number(),
  p50_ms: z.number(),
  p99_ms: z.number(),
});
const schema = z.looseObject({ all: z.boolean(), calls: z.array(call), seconds: z.array(second) });
const steps = call.extend({ steps: z.array(z.looseObject({ step: z.string(), ms: z.number() })) });

export type Call = z.output<typeof call>;
export type Second = z.output<typeof second>;
export type LiveCalls = z.output<typeof schema>;
export type Steps = z.output<typeof steps>;

/** @param like what their agent, tool, server or outcome holds; '' for all */
export async function liveCalls(client: VillageClient, like: string): Promise<LiveCalls> {
  const uri = like === '' ? CALLS_URI : `${CALLS_URI}/like/${encodeURIComponent(like)}`;
  return schema.parse(await client.read(uri));
}

export async function stepsOf(client: VillageClient, callId: string): Promise<Steps> {
  return steps.parse(await client.read(`${CALLS_URI}/${callId}`));
}

const SHOWN_SECONDS = 120;

/** One value for each of the last two minutes' seconds, with a value of its own where nothing was called. */
export function perSecond<T>(seconds: readonly Second[], of: (second: Second) => T, without: T, nowMs: number): T[] {
  const bySecond = new Map(seconds.map((each) => [each.at, each]));
  const last = Math.max(Math.floor(nowMs / 1_000) - 1, seconds.at(-1)?.at ?? 0);
  return Array.from({ length: SHOWN_SECONDS }, (_, n) => {
    const found = bySecond.get(last - SHOWN_SECONDS + 1 + n);
    return found === undefined ? without : of(found);
  });
}
