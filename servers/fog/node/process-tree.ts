/** Looks at the processes of runs by /proc: what they use together, and who they are. Elsewhere than on Linux it sees nothing. */
import fs from 'node:fs';
import { RUN_MARK } from './containment.ts';

export interface TreeUse {
  readonly cpuMs: number;
  readonly residentBytes: number;
  readonly pids: readonly number[];
}

interface Seen {
  readonly pid: number;
  readonly parent: number;
  readonly cpuTicks: number;
  readonly pages: number;
}

/** Ticks of the kernel's clock for users, fixed on Linux (time(7)). */
const MS_PER_TICK = 10;
const PAGE_BYTES = 4_096;

export interface Snapshot {
  /** A process with all below it, the dead ones that were waited for in its time. */
  useOf(rootPid: number): TreeUse;
}

/** One look at all processes of the machine. */
export function lookAtProcesses(): Snapshot {
  const children = new Map<number, Seen[]>();
  const byPid = new Map<number, Seen>();
  for (const pid of processIds()) {
    const seen = read(pid);
    if (seen === undefined) continue;
    byPid.set(pid, seen);
    const siblings = children.get(seen.parent);
    if (siblings === undefined) children.set(seen.parent, [seen]);
    else siblings.push(seen);
  }
  return {
    useOf(rootPid) {
      const found: Seen[] = [];
      const open = [byPid.get(rootPid)];
      for (let one = open.pop(); one !== undefined; one = open.pop()) {
        found.push(one);
        open.push(...(children.get(one.pid) ?? []));
      }
      return {
        cpuMs: found.reduce((sum, { cpuTicks }) => sum + cpuTicks, 0) * MS_PER_TICK,
        residentBytes: found.reduce((sum, { pages }) => sum + pages, 0) * PAGE_BYTES,
        pids: found.map(({ pid }) => pid),
      };
    },
  };
}

/** Kills what carries the run's mark or runs as its user; for runs that have no namespace. @returns how many it found */
export function killMarked(runId: string, uid: number | undefined): number {
  const needle = Buffer.from(`${RUN_MARK}=${runId}\0`);
  let found = 0;
  for (const pid of processIds()) {
    if (pid === process.pid || !(isOf(pid, uid) || environment(pid)?.includes(needle))) continue;
    found++;
    signal(pid, 'SIGKILL');
  }
  return found;
}

/** A process that is gone is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended between the look and the signal.
  }
}

function processIds(): number[] {
  try {
    return fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** proc_pid_stat(5): the name in brackets may hold anything, so fields count from the last bracket. */
function read(pid: number): Seen | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const at = (index: number) => Number(fields[index - 3] ?? 0);
    return { pid, parent: at(4), cpuTicks: at(14) + at(15) + at(16) + at(17), pages: Math.max(0, at(24)) };
  } catch {
    return undefined;
  }
}

function isOf(pid: number, uid: number | undefined): boolean {
  if (uid === undefined) return false;
  try {
    return fs.statSync(`/proc/${pid}`).uid === uid;
  } catch {
    return false;
  }
}

function environment(pid: number): Buffer | undefined {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`);
  } catch {
    return undefined;
  }
}
