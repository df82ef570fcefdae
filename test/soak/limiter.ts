/**
 * D12: three routers on one data folder, one caller that asks all of them for twice its limit for `--seconds S` (180): how many
 * calls were let through in any 60 s, and in all beside a limiter without error.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RawSession } from '../e2e/lib/raw-client.ts';
import { fixture, tokenFor, Village } from '../e2e/lib/village.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '180' } } });
const seconds = Number(values.seconds);
const LIMIT = 600;
const ROUTERS = 3;
/** Of the row: who is over its own limit is paused, and then its rate is not the limiter's. */
const config = {
  mcpServers: { up: { ...fixture('tools.ts'), securityProfile: { rate_limit: LIMIT } } },
  agents: { alice: { level: 'OPERATOR' } },
  permissions: [{ match: 'up/*', level: 'OPERATOR' }],
  router: { rateLimit: { perMinute: 1_000_000 } },
};

/** The most of the sorted times within any 60 s. */
function mostIn(times: readonly number[]): number {
  let from = 0;
  return times.reduce((most, time, to) => {
    while (times[from]! <= time - 60_000) from++;
    return Math.max(most, to - from + 1);
  }, 0);
}

/** How many of these offers a limiter without any error lets through. */
function idealOf(offers: readonly number[]): number {
  const accepted: number[] = [];
  for (const at of offers) {
    const oldest = accepted.at(-LIMIT);
    if (oldest === undefined || oldest <= at - 60_000) accepted.push(at);
  }
  return accepted.length;
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'limiter-'));
const villages: Village[] = [];
try {
  for (let n = 0; n < ROUTERS; n++) villages.push(await Village.start({ config, folder }));
  const sessions = await Promise.all(
    villages.map(async ({ url }) => (await RawSession.open(url, tokenFor('alice'))).listed('up__echo')),
  );
  const accepted: number[] = [];
  const offers: number[] = [];
  const pending = new Set<Promise<void>>();
  const startedAt = performance.now();
  for (let n = 0; performance.now() - startedAt < seconds * 1_000; ) {
    const due = ((performance.now() - startedAt) / 60_000) * 2 * LIMIT;
    for (; n < due; n++) {
      offers.push(performance.now() - startedAt);
      const one = sessions[n % ROUTERS]!.call('up__echo', { text: 'x' }).then(({ error }) => {
        if (error === undefined) accepted.push(performance.now() - startedAt);
      });
      pending.add(one);
      void one.finally(() => pending.delete(one));
    }
    await wait(5);
  }
  await Promise.all(pending);
  accepted.sort((a, b) => a - b);
  const most = mostIn(accepted);
  const ideal = idealOf(offers);
  console.log(
    JSON.stringify({
      limit: LIMIT,
      offered: offers.length,
      accepted: accepted.length,
      ideal,
      most,
      overPercent: (100 * (most - LIMIT)) / LIMIT,
      underPercent: (100 * (ideal - accepted.length)) / ideal,
    }),
  );
} finally {
  for (const village of villages) await village.stop();
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
