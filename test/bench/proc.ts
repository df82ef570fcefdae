/** Reads what Linux knows of processes: CPU time, memory, children, and what the whole machine burnt. */
import fs from 'node:fs';

/** /proc counts CPU time in hundredths of a second (USER_HZ, proc_pid_stat(5)). */
const MS_PER_TICK = 10;

/** CPU time of a process with all its threads, in ms; 0 when it is gone. */
export function cpuMs(pid: number): number {
  const fields = statOf(pid);
  return fields === undefined ? 0 : ticksMs(fields);
}

/** CPU time of each thread of a process, in ms, by its id and name. */
export function threadsMs(pid: number): Map<string, number> {
  const threads = new Map<string, number>();
  for (const tid of fs.readdirSync(`/proc/${pid}/task`)) {
    const text = read(`/proc/${pid}/task/${tid}/stat`);
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    threads.set(`${name} ${tid}`, ticksMs(fieldsOf(text)));
  }
  return threads;
}

/** Resident memory in KB; 0 when it is gone. */
export function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** The most resident memory that it ever had, in KB; 0 when it is gone. */
export function peakKb(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** CPU time that all processes of the machine used since its start, in ms. */
export function machineBusyMs(): number {
  const fields = read('/proc/stat').split('\n', 1)[0]!.trim().split(/\s+/).slice(1).map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields;
  return (user + nice + system + irq + softirq + steal) * MS_PER_TICK;
}

/** Children, their children and so on. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of fs.readdirSync('/proc')) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? statOf(pid)?.[1] : undefined;
    if (parent !== undefined) children.set(Number(parent), [...(children.get(Number(parent)) ?? []), pid]);
  }
  const found: number[] = [];
  for (const queue = [root]; queue.length > 0; ) {
    const own = children.get(queue.pop()!) ?? [];
    found.push(...own);
    queue.push(...own);
  }
  return found;
}

/** The first two cores that this process may use, or undefined when there is one only. */
export function twoCores(): readonly [number, number] | undefined {
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(read('/proc/self/status'))?.[1] ?? '';
  const cores = list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  return cores.length < 2 ? undefined : [cores[0]!, cores[1]!];
}

function statOf(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? undefined : fieldsOf(text);
}

/** The fields of a stat file behind the name, which may hold spaces. */
function fieldsOf(text: string): string[] {
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function ticksMs(fields: readonly string[]): number {
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
