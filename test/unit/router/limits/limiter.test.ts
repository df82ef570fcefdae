import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CallWindows } from '../../../../router/limits/call-windows.ts';
import { hashOf } from '../../../../router/limits/key-hash.ts';
import { openLedger } from '../../../../router/limits/ledger.ts';
import { Limiter } from '../../../../router/limits/limiter.ts';

let folder: string;
let now: number;
let open: Limiter[];
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'limits-'));
  now = 1_000_000;
  open = [];
});
afterEach(async () => {
  for (const limiter of open) await limiter.close();
  fs.rmSync(folder, { recursive: true });
});

/** A process of its own, as far as the ledger can tell; `tick` is its timer. */
async function processOn(): Promise<{ limiter: Limiter; tick: () => void }> {
  let job: (now: number) => void = () => {};
  const add = (each: (now: number) => void) => {
    job = each;
    return () => {};
  };
  const limiter = new Limiter({
    ledger: await openLedger(folder, now),
    timer: { add },
    now: () => now,
    onFault: (error) => {
      throw error;
    },
  });
  open.push(limiter);
  return { limiter, tick: () => job(now) };
}

/** Its timer runs on until then. */
function pass(ms: number, ...ticks: (() => void)[]): void {
  for (let left = ms; left > 0; left -= 150) {
    now += Math.min(150, left);
    for (const tick of ticks) tick();
  }
}

/** The most that were accepted within any 60 s. */
function most(times: readonly number[]): number {
  let from = 0;
  return times.reduce((most, time, to) => {
    while (times[from]! <= time - 60_000) from++;
    return Math.max(most, to - from + 1);
  }, 0);
}

it.each([100, 1_000, 7])(
  '[S1] lets %i calls through in any 60 s, and no less than 99 in 100 of them',
  async (limit) => {
    const { limiter, tick } = await processOn();
    const accepted: number[] = [];
    const start = now;
    // Offers three times the limit, unevenly, for five minutes.
    for (let i = 0; now < start + 300_000; i++) {
      pass((((i * 7) % 13) / 6) * (20_000 / limit), tick);
      if ((await limiter.take('alice', limit)) === 0) accepted.push(now);
    }
    expect(most(accepted)).toBeLessThanOrEqual(limit);
    const minutes = (now - start) / 60_000;
    expect(accepted.length).toBeGreaterThanOrEqual(Math.floor(limit * minutes * 0.99));
  },
);

it('[S1] takes the whole limit at once, and says when the next may come', async () => {
  const { limiter, tick } = await processOn();
  for (let i = 0; i < 100; i++) expect(await limiter.take('alice', 100)).toBe(0);
  const waitMs = await limiter.take('alice', 100);
  expect(waitMs).toBeGreaterThan(59_000);
  expect(waitMs).toBeLessThanOrEqual(60_250);
  expect(await limiter.take('bob', 100)).toBe(0);
  pass(waitMs, tick);
  expect(await limiter.take('alice', 100)).toBe(0);
});

it('[S1] takes in this process alone what has to be answered when nothing can be written', async () => {
  const one = await processOn();
  const other = await processOn();
  for (let i = 0; i < 10; i++) expect(one.limiter.takeHere('alice', 10)).toBe(0);
  expect(one.limiter.takeHere('alice', 10)).toBeGreaterThan(59_000);
  expect(other.limiter.takeHere('alice', 10)).toBe(0);
  pass(60_250, one.tick, other.tick);
  expect(one.limiter.takeHere('alice', 10)).toBe(0);
});

it('[S1] never lets more through than the limit, however calls and time come', async () => {
  const { limiter, tick } = await processOn();
  let n = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 50, maxLength: 150 }),
      async (limit, waits) => {
        const key = `agent-${n++}`;
        const accepted: number[] = [];
        for (const wait of waits) {
          pass(wait % 3 === 0 ? wait : wait % 40, tick);
          if ((await limiter.take(key, limit)) === 0) accepted.push(now);
        }
        expect(most(accepted)).toBeLessThanOrEqual(limit);
      },
    ),
    { numRuns: 40 },
  );
});

it('[S1] counts three processes on one data folder together', async () => {
  const all = [await processOn(), await processOn(), await processOn()];
  const ticks = all.map(({ tick }) => tick);
  const accepted: number[] = [];
  const start = now;
  while (now < start + 180_000) {
    pass(200, ...ticks);
    const waits = await Promise.all(all.map(({ limiter }) => limiter.take('alice', 100)));
    for (const wait of waits) if (wait === 0) accepted.push(now);
  }
  expect(most(accepted)).toBeLessThanOrEqual(100);
  expect(most(accepted)).toBeGreaterThanOrEqual(95);
});

it('[S1] gives what one process does not use to another within 15 s', async () => {
  const [one, two] = [await processOn(), await processOn()];
  for (let i = 0; i < 51; i++) expect(await one.limiter.take('alice', 100)).toBe(0);
  // The block that it asked for ahead is there.
  await new Promise(setImmediate);
  pass(15_000, one.tick, two.tick);
  let accepted = 0;
  while ((await two.limiter.take('alice', 100)) === 0) accepted++;
  expect(accepted).toBe(49);
});

it('[S1] a process that stood still lets nothing through on what it had before', async () => {
  const [one, two] = [await processOn(), await processOn()];
  for (let i = 0; i < 100; i++) expect(await one.limiter.take('alice', 100)).toBe(0);
  pass(120_000, two.tick);
  for (let i = 0; i < 100; i++) expect(await two.limiter.take('alice', 100)).toBe(0);
  expect(await one.limiter.take('alice', 100)).toBeGreaterThan(0);
});

/** Bytes in use, once nothing waits to be collected. */
async function memory(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) {
    collect();
    // What held the old tables is swept beside us.
    await new Promise(setImmediate);
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it('[S1] keeps a million keys in 50 MB', async () => {
  const windows = new CallWindows();
  const before = await memory();
  for (let i = 0; i < 1_000_000; i++) {
    const hash = hashOf(`c:agent-${i}`, 12_345);
    const segment = windows.segmentOf(hash);
    for (const time of i % 4 === 0 ? [now, now + 9_000] : [now]) {
      const at = segment.at(hash, Math.floor(time / 250));
      windows.countAt(segment, at, time);
      windows.addAt(segment, at, time);
    }
  }
  const grown = (await memory()) - before;
  expect(windows.keys).toBe(1_000_000);
  expect(grown / 2 ** 20).toBeLessThan(50);
  expect(windows.bytes / 2 ** 20).toBeLessThan(50);
  for (const segment of windows.segments) windows.tidy(segment, now + 70_000);
  expect(windows.keys).toBe(0);
});
