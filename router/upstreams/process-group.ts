/**
 * Ends a process with everything that it started. Children that left its process group are found by a mark in their
 * environment (Linux), so that nothing outlives its server (R5).
 */
import fs from 'node:fs';

/** The environment variable that marks all processes of one upstream. */
export const MARK = 'AIVILLAGE_UPSTREAM';

/** Signals the group that `pid` leads; a group that is gone is fine. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Kills every process that carries `mark` in its environment, but this one. Does nothing where there is no /proc. */
export function killMarked(mark: string): void {
  const needle = Buffer.from(`${MARK}=${mark}\0`);
  for (const entry of processIds()) {
    const pid = Number(entry);
    if (pid !== process.pid && environment(entry)?.includes(needle)) kill(pid);
  }
}

function processIds(): string[] {
  try {
    return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Undefined when the process is gone or not ours to see. */
function environment(pid: string): Buffer | undefined {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`);
  } catch {
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself between the look and the kill.
  }
}
