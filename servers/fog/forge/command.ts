/**
 * Runs one program of the forge's configuration in a folder: no shell, an environment of its own, ended with all its children
 * when it is stopped or out of time, its output bounded. Knows no phase.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { AppError } from '../../../shared/errors.ts';
import type { ForgeCommand } from '../../../shared/forge-rules.ts';

export interface CommandRun {
  readonly program: ForgeCommand;
  /** After the program's own. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly signal: AbortSignal;
  readonly onLine?: (line: string) => void;
}

const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin';
const KEPT_LINES = 20;
const LONGEST_LINE = 2_000;

/**
 * @returns the last line that it printed
 * @throws AppError CONFLICT when it ends otherwise than with 0; TIMEOUT; the signal's reason when it was stopped
 */
export async function runCommand({ program, args, cwd, signal, onLine = () => {} }: CommandRun): Promise<string> {
  signal.throwIfAborted();
  const file = program.command === 'node' ? process.execPath : program.command;
  const child = spawn(file, [...program.args, ...args], {
    cwd,
    env: { PATH: SYSTEM_PATH, HOME: cwd, TMPDIR: cwd, LANG: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  // The group has its number: everything that the program started ends with it.
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // All of it has ended.
    }
  };
  let isLate = false;
  const timer = setTimeout(
    () => {
      isLate = true;
      end();
    },
    Math.min(program.timeoutMs, 2 ** 31 - 1),
  );
  signal.addEventListener('abort', end, { once: true });
  let last = '';
  const complaints: string[] = [];
  readline.createInterface({ input: child.stdout }).on('line', (line) => {
    last = line.slice(0, LONGEST_LINE);
    onLine(last);
  });
  readline.createInterface({ input: child.stderr }).on('line', (line) => {
    complaints.push(line.slice(0, LONGEST_LINE));
    if (complaints.length > KEPT_LINES) complaints.shift();
  });
  try {
    const { promise, resolve, reject } = Promise.withResolvers<{ code: number | null; killed: string | null }>();
    child.once('error', reject);
    child.once('close', (code, killed) => resolve({ code, killed }));
    const ended = await promise.catch((cause: unknown) => {
      throw new AppError('CONFLICT', {
        text: 'The program of the configuration could not be started; see that it is installed and may be run',
        data: { status: 'not_startable' },
        cause,
      });
    });
    signal.throwIfAborted();
    if (isLate) throw new AppError('TIMEOUT', { text: 'The program took longer than timeout_minutes and was ended' });
    if (ended.code === 0) return last;
    throw new AppError('CONFLICT', {
      text: `The program ended with ${ended.code ?? ended.killed}; the log of the task has its last words`,
      data: { status: 'command_failed' },
      cause: complaints.join('\n'),
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    end();
  }
}

/** Regular files in a folder and below, by their path from it; at most `most`. Links are left out: they may lead anywhere. */
export function filesIn(folder: string, most: number): string[] {
  const found: string[] = [];
  const open = [''];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of fs.readdirSync(path.join(folder, at), { withFileTypes: true })) {
      const name = path.join(at, entry.name);
      if (entry.isDirectory()) open.push(name);
      else if (entry.isFile()) found.push(name);
      if (found.length > most)
        throw new AppError('CONFLICT', { text: `A phase may leave ${most} files, and left more` });
    }
  }
  return found.sort();
}
