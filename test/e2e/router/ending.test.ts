import fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { fixture, Village } from '../lib/village.ts';

/** Every process whose command line has this text. */
function processesWith(text: string): string[] {
  return fs.readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text);
    } catch {
      return false;
    }
  });
}

it('[R5] E05: a router that is ended while a server still starts ends too, and leaves nobody behind', {
  timeout: 60_000,
}, async () => {
  const mark = `mark-${process.pid}-${Date.now()}`;
  const slow = fixture('crash.ts', '--slow-start', '600000', '--at', mark);
  const own = { ...fixture('crash.ts', '--slow-start', '600000', '--at', mark), isolation: 'session' };
  const village = await Village.start({ config: { mcpServers: { slow, own } } });
  try {
    while (processesWith(mark).length === 0) await wait(10);
    const since = performance.now();
    await village.stop();
    expect(village.process.signalCode).toBeNull();
    expect(village.process.exitCode).toBe(0);
    // The child gets two graces of its own to end by itself.
    expect(performance.now() - since).toBeLessThan(14_000);
    await expect.poll(() => processesWith(mark), { timeout: 5_000 }).toEqual([]);
  } finally {
    await village.remove();
  }
});
