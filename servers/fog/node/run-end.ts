/** How a run ended, from what its first process and its shell said of it. Ends nothing. */
import type { ChildProcess } from 'node:child_process';
import type { Outcome } from '../work/metering.ts';
import { UNLIMITED } from './containment.ts';

/** What the shell says of a program that the kernel ended for a limit: 128 + SIGXCPU, SIGXFSZ. */
const LIMIT_CODES: ReadonlyMap<number, string> = new Map([
  [152, 'used more processor time than it may'],
  [153, 'wrote a file longer than it may'],
]);

export interface Last {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Why it did not start. */
  readonly error: string | undefined;
}

/** Resolves when it ended and all that it printed is read, or when it did not start. */
export function overOf(child: ChildProcess): Promise<Last> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve({ exitCode: undefined, signal: undefined, error: error.code ?? 'unknown' });
    });
    child.once('close', (code, name) => {
      resolve({ exitCode: code ?? undefined, signal: name ?? undefined, error: undefined });
    });
  });
}

export function verdictOf(
  { exitCode, signal: name, error }: Last,
  times: string,
): { outcome: Outcome; detail: string } {
  if (error !== undefined) return { outcome: 'failed', detail: `did not start (${error})` };
  if (exitCode === 0) return { outcome: 'succeeded', detail: 'ended with code 0' };
  if (exitCode === undefined) return { outcome: 'failed', detail: `ended by ${name ?? 'a signal'}` };
  if (times.startsWith(UNLIMITED))
    return { outcome: 'failed', detail: 'the node could not limit it, so it did not start' };
  const limit = LIMIT_CODES.get(exitCode);
  if (limit !== undefined) return { outcome: 'limit_exceeded', detail: limit };
  if (exitCode > 128 && exitCode <= 128 + 64) return { outcome: 'failed', detail: `ended by signal ${exitCode - 128}` };
  return { outcome: 'failed', detail: `ended with code ${exitCode}` };
}

/** Of the second line of `times`: user and system time of what the shell waited for. */
export function cpuOf(text: string): number {
  const [, line = ''] = text.split('\n');
  let ms = 0;
  for (const [, minutes, seconds] of line.matchAll(/(\d+)m([\d.]+)s/g)) {
    ms += Number(minutes) * 60_000 + Number(seconds) * 1_000;
  }
  return Number.isFinite(ms) ? Math.round(ms) : 0;
}
