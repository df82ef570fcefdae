/**
 * Follows the configuration file: each change that is whole becomes a new Config within a second, a broken one is reported
 * and the old one stays. Decides nothing about servers or sessions.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { watch } from 'chokidar';
import type { Environment } from '../../shared/settings.ts';
import type { Config } from './config.ts';
import { type ConfigLimits, loadConfig } from './load.ts';

export interface WatchOptions {
  readonly env: Environment;
  readonly limits?: ConfigLimits;
  /** What is in use: a file that differs from it by then is told at once. Unless given, the file as it is now. */
  readonly current?: Config;
}

export interface ConfigWatch {
  /** Resolves when changes from now on will be seen. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** Editors write in several steps; a step that is followed by another is not read. */
const SETTLE_MS = 100;
/** Where the file is a link, or the system tells nothing, its state is looked at this often. */
const POLL_MS = 300;

/**
 * @param onChange told the new Config, never the same contents twice in a row
 * @param onError told what keeps the new contents from being used: ConfigError, or the watcher's own
 */
export function watchConfig(
  file: string,
  onChange: (config: Config) => void,
  onError: (error: unknown) => void,
  options: WatchOptions,
): ConfigWatch {
  const whole = path.resolve(file);
  let timer: NodeJS.Timeout | undefined;
  let seen = options.current?.digest ?? digestOf(whole);
  const look = () => {
    const now = digestOf(whole);
    if (now === seen) return;
    seen = now;
    let config: Config;
    try {
      config = loadConfig(whole, options.env, options.limits);
    } catch (error) {
      onError(error);
      return;
    }
    seen = config.digest;
    onChange(config);
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(look, SETTLE_MS);
  };
  // The folder is watched, not the file: a file that is replaced by another takes its watch with it.
  const watcher = watch(path.dirname(whole), {
    depth: 0,
    ignoreInitial: true,
    ignored: (entry) => path.resolve(entry) !== whole && path.resolve(entry) !== path.dirname(whole),
    usePolling: isLink(whole),
    interval: POLL_MS,
  });
  watcher.on('all', soon);
  watcher.on('error', onError);
  const ready = new Promise<void>((resolve) => {
    watcher.once('ready', () => {
      soon();
      resolve();
    });
  });
  return {
    ready,
    async close() {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}

/** Of the contents, or undefined while there are none that can be read. */
function digestOf(file: string): string | undefined {
  try {
    return createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  } catch {
    return undefined;
  }
}

function isLink(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
