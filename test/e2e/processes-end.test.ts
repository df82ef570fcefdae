import { describe, expect, it } from 'vitest';
import { untilReady } from './lib/faults.ts';
import { childrenOf, isAlive, until } from './lib/processes.ts';
import { RawSession, textOf } from './lib/raw-client.ts';
import { fixture, tokenFor, Village } from './lib/village.ts';

const CONFIG = {
  mcpServers: {
    up: fixture('tools.ts'),
    stubborn: fixture('crash.ts', '--ignore-sigterm', '--children', '3'),
    hung: fixture('crash.ts', '--slow-start', '60000'),
    monitoring: {
      command: 'node',
      args: ['router/bin/aivillage.mjs', 'serve', 'monitoring', '--stdio'],
      cwd: process.cwd(),
    },
  },
  agents: { alice: { level: 'OPERATOR' } },
  permissions: ['up', 'stubborn'].map((id) => ({ match: `${id}/*`, level: 'OPERATOR' })),
};

interface Running {
  readonly village: Village;
  /** Every process below the router. */
  readonly below: readonly number[];
  /** The children of the stubborn server: they hear neither the end of a pipe nor SIGTERM. */
  readonly grandchildren: readonly number[];
}

async function start(): Promise<Running> {
  const village = await Village.start({ config: CONFIG });
  await untilReady(village, 'up', 'stubborn', 'monitoring');
  const session = await RawSession.open(village.url, tokenFor('alice'));
  const { pid, children } = JSON.parse(textOf(await session.call('stubborn__pids'))) as {
    pid: number;
    children: number[];
  };
  const direct = childrenOf(village.process.pid!).map((child) => child.pid);
  expect(direct).toContain(pid);
  expect(direct.length).toBeGreaterThanOrEqual(4);
  expect(children).toHaveLength(3);
  const below = [...direct, ...children];
  expect(below.every(isAlive)).toBe(true);
  return { village, below, grandchildren: children };
}

describe('when the router ends', { timeout: 60_000 }, () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '[R5] E05: nothing is left after %s, not even what ignores it',
    async (signal) => {
      const { village, below } = await start();
      await village.stop(signal);
      expect(village.process.exitCode).toBe(0);
      expect(below.filter(isAlive)).toEqual([]);
      await village.remove();
    },
  );

  it('[R5] E05: after a second signal it ends at once, and still nothing is left', async () => {
    const { village, below } = await start();
    village.process.kill('SIGTERM');
    village.process.kill('SIGINT');
    await until('it is gone', () => village.process.exitCode !== null || village.process.signalCode !== null, 5_000);
    await until('nothing is left', () => !below.some(isAlive), 2_000);
    await village.remove();
  });

  it('[R5] E05: after SIGKILL servers notice by themselves, and the next router ends what does not', async () => {
    const { village, below, grandchildren } = await start();
    await village.stop('SIGKILL');
    const polite = below.filter((pid) => !grandchildren.includes(pid));
    // All but the stubborn one and the one that is still starting read the end of their input.
    await until('those that read their input are gone', () => polite.filter(isAlive).length <= 2);
    expect(grandchildren.every(isAlive)).toBe(true);
    const next = await Village.start({ config: { mcpServers: {} } });
    await until('nothing is left', () => !below.some(isAlive), 5_000);
    expect(next.stderr()).toContain('had left behind');
    await Promise.all([next.remove(), village.remove()]);
  });

  it('[R5] E05: a router that starts leaves the servers of one that runs alone', async () => {
    const { village, below } = await start();
    const next = await Village.start({ config: { mcpServers: {} } });
    expect(below.every(isAlive)).toBe(true);
    await Promise.all([next.remove(), village.remove()]);
  });
});
