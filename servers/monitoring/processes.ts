/**
 * Reads what the village's own processes use, from /proc: the router that started this server, and everything below it. Where
 * there is no /proc there is nothing to tell, and nothing is guessed.
 */
import fs from 'node:fs/promises';

export interface ProcessReading {
  readonly pid: number;
  /** Such as `router`, `hyperrag`, or the program's name; with a number when several have it. */
  readonly name: string;
  /** Of one core, since the last reading; null at the first. */
  readonly cpuPercent: number | null;
  readonly rssBytes: number;
  readonly threads: number;
}

export type ReadProcesses = () => Promise<readonly ProcessReading[] | null>;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
  readonly threads: number;
  readonly rssPages: number;
}

/** Linux answers in these whatever the kernel's own clock is (USER_HZ), on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;
/** More are not the village's usual business. */
const MAX_PROCESSES = 200;
const OURS = /aivillage\.mjs/;

/** @param selfPid the process whose village is asked for */
export function processReader(selfPid: number, nowMs: () => number): ReadProcesses {
  let before = new Map<number, { readonly ticks: number; readonly atMs: number }>();
  return async () => {
    const all = await readAll();
    if (all === null) return null;
    const root = await rootOf(selfPid, all);
    const atMs = nowMs();
    const seen = new Map<string, number>();
    const now = new Map<number, { readonly ticks: number; readonly atMs: number }>();
    const readings: ProcessReading[] = [];
    for (const stat of below(root, all)) {
      const base = await nameOf(stat.pid, stat.pid === root);
      if (base === undefined) continue;
      const count = (seen.get(base) ?? 0) + 1;
      seen.set(base, count);
      const last = before.get(stat.pid);
      now.set(stat.pid, { ticks: stat.ticks, atMs });
      const seconds = last === undefined ? 0 : (atMs - last.atMs) / 1_000;
      readings.push({
        pid: stat.pid,
        name: count === 1 ? base : `${base}-${count}`,
        cpuPercent:
          last === undefined || seconds <= 0
            ? null
            : Math.max(0, (100 * (stat.ticks - last.ticks)) / TICKS_PER_SECOND / seconds),
        rssBytes: stat.rssPages * PAGE_BYTES,
        threads: stat.threads,
      });
    }
    before = now;
    return readings;
  };
}

async function readAll(): Promise<Map<number, Stat> | null> {
  const names = await fs.readdir('/proc').catch(() => undefined);
  if (names === undefined) return null;
  const stats = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => statOf(Number(name))));
  return new Map(stats.flatMap((stat) => (stat === undefined ? [] : [[stat.pid, stat] as const])));
}

/** Fields by number: proc_pid_stat(5). The name in brackets may hold anything, so what counts begins behind the last one. */
async function statOf(pid: number): Promise<Stat | undefined> {
  const text = await fs.readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  if (text === undefined) return undefined;
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(rest[number - 3]);
  return { pid, parent: field(4), ticks: field(14) + field(15), threads: field(20), rssPages: field(24) };
}

/** The topmost process above that is a part of the village. */
async function rootOf(pid: number, all: ReadonlyMap<number, Stat>): Promise<number> {
  let root = pid;
  for (let at = all.get(pid)?.parent; at !== undefined && at > 1; at = all.get(at)?.parent) {
    if (OURS.test(await commandOf(at))) root = at;
  }
  return root;
}

function below(root: number, all: ReadonlyMap<number, Stat>): Stat[] {
  const children = new Map<number, Stat[]>();
  for (const stat of all.values()) children.set(stat.parent, [...(children.get(stat.parent) ?? []), stat]);
  const found: Stat[] = [];
  const next = [root];
  while (next.length > 0 && found.length < MAX_PROCESSES) {
    const pid = next.shift()!;
    const stat = all.get(pid);
    if (stat !== undefined) found.push(stat);
    for (const child of children.get(pid) ?? []) next.push(child.pid);
  }
  return found;
}

async function commandOf(pid: number): Promise<string> {
  return fs.readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
}

/** Undefined for a process that ended meanwhile. */
async function nameOf(pid: number, isRoot: boolean): Promise<string | undefined> {
  const words = (await commandOf(pid)).split('\0').filter((word) => word !== '');
  if (words.length === 0) return undefined;
  const serve = words.indexOf('serve');
  if (OURS.test(words.join(' ')) && serve >= 0) return clean(words[serve + 1] ?? 'server');
  if (isRoot && OURS.test(words.join(' '))) return 'router';
  // An interpreter says little; its program says more.
  const program = /(?:^|\/)(?:node|python3?|bun|deno)$/.test(words[0]!)
    ? (words.find((w, i) => i > 0 && !w.startsWith('-')) ?? words[0]!)
    : words[0]!;
  return clean(program.split('/').at(-1) ?? program);
}

function clean(name: string): string {
  return name.replace(/[^\w-]/g, '_').slice(0, 40) || 'process';
}
