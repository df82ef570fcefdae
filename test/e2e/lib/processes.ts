/** What the system says of processes: memory, open files, children, zombies. Linux only; looks, and changes nothing. */
import fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** Resident memory in MiB. */
export function rssMb(pid: number): number {
  return statusKb(pid, 'VmRSS') / 1024;
}

/** The most that was resident since its start, or since `forgetPeak`, in MiB. */
export function peakRssMb(pid: number): number {
  return statusKb(pid, 'VmHWM') / 1024;
}

export function forgetPeak(pid: number): void {
  fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function statusKb(pid: number, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

export function openFiles(pid: number): number {
  return fs.readdirSync(`/proc/${pid}/fd`).length;
}

/** CPU time used so far, in milliseconds; its children that were waited for are not in it. */
export function cpuMs(pid: number): number {
  const fields = statOf(pid)?.rest ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** True while it runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.rest[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

export interface Child {
  readonly pid: number;
  readonly isZombie: boolean;
}

/** The direct children of a process. */
export function childrenOf(pid: number): Child[] {
  return processIds().flatMap((id) => {
    const rest = statOf(id)?.rest;
    return rest !== undefined && Number(rest[1]) === pid ? [{ pid: id, isZombie: rest[0] === 'Z' }] : [];
  });
}

/** Every process whose command line has this text. */
export function processesWith(text: string): number[] {
  return processIds().filter((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text) && isAlive(pid);
    } catch {
      return false;
    }
  });
}

/** Waits until something holds, looking often; throws after `withinMs`. Gives the milliseconds that it took. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<number> {
  const since = performance.now();
  while (!(await holds())) {
    if (performance.now() - since > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await wait(10);
  }
  return performance.now() - since;
}

function processIds(): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Fields of /proc/PID/stat behind the name: state, parent, … (proc(5)). */
function statOf(pid: number): { rest: string[] } | undefined {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return { rest: text.slice(text.lastIndexOf(')') + 2).split(' ') };
  } catch {
    return undefined;
  }
}
