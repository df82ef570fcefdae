/** Runs a router for as long as the process lives: configuration watched, signals heeded, everything ended in order. */
import path from 'node:path';
import type { Settings } from '../../shared/settings.ts';
import type { Config } from '../config/config.ts';
import { watchConfig } from '../config/watch.ts';
import { openRouter, type RunningRouter } from '../main.ts';
import { killOrphans } from '../upstreams/process-group.ts';
import type { CliContext } from './context.ts';

export interface RunOptions {
  readonly settings: Settings;
  readonly config: Config;
  /** What somebody at a terminal sees of the log; the file has all of it. */
  readonly terminal?: 'all' | 'problems';
  /**
   * Opens a door and tells when it closes by itself.
   * @returns undefined when it stays open until the process is told to end
   */
  readonly open: (running: RunningRouter) => Promise<{ closed?: Promise<void>; close(): Promise<void> }>;
}

/** Resolves when it has ended, by its door or by SIGINT or SIGTERM. */
export async function runRouter(context: CliContext, { settings, config, terminal, open }: RunOptions): Promise<void> {
  // Heeded from the first moment: who is told to end while it starts, ends in order when it stands.
  const told = untilTold();
  const log = context.logger('router', path.join(settings.dataDir, 'logs', 'router.log'), terminal);
  for (const warning of [...settings.warnings, ...config.warnings]) log.warn(warning);
  const orphans = killOrphans();
  if (orphans > 0) log.warn({ orphans }, 'ended what a router that was killed had left behind');
  const running = await openRouter(settings, config, log);
  const door = await open(running).catch(async (error: unknown) => {
    await running.close();
    throw error;
  });
  running.servers.startAll();
  const watching = watchConfig(
    config.file,
    (next) => {
      running
        .reconfigure(next)
        .catch((error: unknown) => log.error({ err: error }, 'the changed configuration could not be put into force'));
    },
    (error) =>
      log.error(
        { problem: error instanceof Error ? error.message : String(error) },
        'the changed configuration is not used',
      ),
    { env: context.environment(), limits: settings, current: config },
  );
  await Promise.race([told, door.closed ?? new Promise<never>(() => {})]);
  await watching.close();
  await door.close();
  await running.close();
  await log.close();
}

function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        resolve();
        // Asked a second time, nothing is waited for.
        process.once(signal, () => process.exit(1));
      });
    }
  });
}
