/**
 * Ends a process with everything that it started. Children that left its process group are found by a mark in their
 * environment (Linux), so that nothing outlives its server (R5), and little outlives a router that was killed.
 */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';

/** The environment variable that marks all processes of one upstream: `NAMESPACE.PID.START/UUID`, the first three its router's. */
export const MARK = 'AIVILLAGE_UPSTREAM';

/** A mark for the processes of one upstream of this router. */
export function newMark(): string {
  return `${namespace()}.${process.pid}.${startOf(process.pid) ?? 0}/${randomUUID()}`;
}

/**
 * Kills what routers left behind that were killed themselves: every marked process whose router is gone. Those of another
 * process namespace are left alone, because their routers cannot be seen from here. Does nothing where there is no /proc.
 * @returns how many it killed
 */
export function killOrphans(): number {
  const own = namespace();
  let killed = 0;
  for (const entry of processIds()) {
    const match = /(?:^|\0)AIVILLAGE_UPSTREAM=(\d+)\.(\d+)\.(\d+)\//.exec(environment(entry)?.toString('latin1') ?? '');
    if (match === null || match[1] !== own || startOf(Number(match[2])) === match[3]) continue;
    kill(Number(entry));
    killed++;
  }
  return killed;
}

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

/** The process namespace, by its inode; 0 where there is none. */
function namespace(): string {
  try {
    return /\d+/.exec(fs.readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

/** When a process started, in ticks since the machine did (proc_pid_stat(5)): with its id it names one process for good. */
function startOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
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
