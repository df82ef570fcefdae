/** Sums a V8 CPU profile: how much of a thread's busy time each function had to itself, within a span of time. */
import path from 'node:path';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

/** As `node --cpu-prof` writes it: times in microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Span {
  readonly fromMicros: number;
  readonly toMicros: number;
}

export interface Shares {
  /** Microseconds in which the thread was not idle. */
  readonly busyMicros: number;
  /** Share of the busy time by function, most first. */
  readonly functions: readonly (readonly [string, number])[];
  readonly files: readonly (readonly [string, number])[];
}

const IDLE = new Set(['(idle)', '(root)']);

export function sharesOf(profile: CpuProfile, span: Span): Shares {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const functions = new Map<string, number>();
  const files = new Map<string, number>();
  let busyMicros = 0;
  let at = profile.startTime;
  for (const [i, id] of profile.samples.entries()) {
    const micros = profile.timeDeltas[i]!;
    at += micros;
    const { callFrame } = nodes.get(id)!;
    if (at < span.fromMicros || at > span.toMicros || IDLE.has(callFrame.functionName)) continue;
    busyMicros += micros;
    const file = fileOf(callFrame);
    const name = `${callFrame.functionName || '(anonymous)'} ${file}:${callFrame.lineNumber + 1}`;
    functions.set(name, (functions.get(name) ?? 0) + micros);
    files.set(file, (files.get(file) ?? 0) + micros);
  }
  const ranked = (sums: ReadonlyMap<string, number>) =>
    [...sums].map(([name, micros]) => [name, micros / busyMicros] as const).sort((a, b) => b[1] - a[1]);
  return { busyMicros, functions: ranked(functions), files: ranked(files) };
}

const ROOT = path.join(import.meta.dirname, '../..');

/** Relative to the repository, from node_modules on, `node:…`, or the name that V8 gives to work of its own. */
function fileOf({ url, functionName }: ProfileNode['callFrame']): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  const own = url.startsWith('file://') ? path.relative(ROOT, decodeURIComponent(new URL(url).pathname)) : url;
  const modules = own.lastIndexOf('node_modules/');
  return modules < 0 ? own : own.slice(modules + 'node_modules/'.length);
}
