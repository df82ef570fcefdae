/**
 * One run on this machine from its first process to its last: started under limits, watched, ended with everything that it
 * started. Knows no server and no lease.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import type { Readable } from 'node:stream';
import type { Outcome } from '../work/metering.ts';
import { type CommandLine, UNLIMITED } from './containment.ts';
import type { RunEnd, RunSpec } from './limits.ts';
import { createOutput } from './output.ts';
import { killMarked, lookAtProcesses, type Snapshot, signal } from './process-tree.ts';

export interface Run {
  readonly spec: RunSpec;
  /** Never rejects. Everything that the run started is gone by then. */
  readonly ended: Promise<RunEnd>;
  /** SIGTERM to all of it, SIGKILL after the grace. The first reason counts. */
  stop(outcome: Outcome, detail: string, graceMs?: number): void;
  used(): { readonly cpuMs: number; readonly mbMs: number };
  /** 0 to 1: the last line `fog:progress 0.5` that it printed. */
  progress(): number | undefined;
  tail(): string;
  /** Called by the runner a few times a second. */
  watch(processes: Snapshot): void;
}

/** Milliseconds from any start that never go back. */
type Monotonic = () => number;

const GRACE_MS = 2_000;
const SHARD_LOG_BYTES = 64 * 1024;
const TAIL_BYTES = 4 * 1024;
const PING_EVERY_MS = 1_000;
/** A shard that answers no ping for so long is ended, and starts again elsewhere. */
const SILENT_MS = 10_000;
const MAX_LINE = 4_096;
const KILL_ROUNDS = 20;

/** What the shell says of a program that the kernel ended for a limit: 128 + SIGXCPU, SIGXFSZ. */
const LIMIT_CODES: ReadonlyMap<number, string> = new Map([
  [152, 'used more processor time than it may'],
  [153, 'wrote a file longer than it may'],
]);

export function startRun(
  spec: RunSpec,
  line: CommandLine,
  hasNamespaces: boolean,
  folder: string | undefined,
  now: Monotonic,
): Run {
  const { limits, program, kind } = spec;
  const isPinged = kind === 'shard' && program.health === 'ping';
  const output = kind === 'job' ? createOutput(limits.outputBytes, 'first') : createOutput(SHARD_LOG_BYTES, 'last');
  const startedAt = now();
  let endedAt: number | undefined;
  let verdict: { outcome: Outcome; detail: string } | undefined;
  let seenCpuMs = 0;
  let toldCpuMs = 0;
  let progress: number | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  let lastAnswerAt = startedAt;
  let lastPingAt = startedAt;

  const child = spawn(line.file, line.args, {
    cwd: line.cwd,
    env: line.env,
    detached: true,
    stdio: [isPinged ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  const over = overOf(child);

  function kill(): void {
    const { pid } = child;
    if (pid === undefined) return;
    signal(hasNamespaces ? pid : -pid, 'SIGKILL');
    if (!hasNamespaces) killMarked(spec.runId, line.uid);
  }

  function stop(outcome: Outcome, detail: string, graceMs = GRACE_MS): void {
    if (endedAt !== undefined) return;
    verdict ??= { outcome, detail };
    if (graceMs === 0) kill();
    if (graceMs === 0 || killTimer !== undefined) return;
    // The first of them is bubblewrap itself, whose end would be everybody's: the program gets its time to end well.
    const [first, ...below] = child.pid === undefined ? [] : lookAtProcesses().useOf(child.pid).pids;
    const told = hasNamespaces ? below : [first, ...below];
    for (const pid of told) if (pid !== undefined) signal(pid, 'SIGTERM');
    killTimer = setTimeout(kill, told.length === 0 ? 0 : graceMs);
  }

  const keep = (stream: 'stdout' | 'stderr', bytes: Uint8Array): void => {
    if (!output.take(stream, bytes)) stop('limit_exceeded', `printed more than ${limits.outputBytes} bytes`, 0);
  };
  for (const stream of ['stdout', 'stderr'] as const) {
    const split = lines((text) => {
      const told = /^fog:progress (0(?:\.\d{1,6})?|1(?:\.0{1,6})?)\s*$/.exec(text)?.[1];
      if (told !== undefined) progress = Number(told);
      if (!isPinged) return;
      if (/^pong \d+\s*$/.test(text)) lastAnswerAt = now();
      else keep(stream, Buffer.from(`${text}\n`, 'latin1'));
    });
    child[stream]?.on('data', (bytes: Buffer) => {
      split(bytes);
      // Answers to pings are no news.
      if (!isPinged) keep(stream, bytes);
    });
  }
  const times = child.stdio[3] as Readable | null | undefined;
  let timesText = '';
  times?.on('data', (bytes: Buffer) => {
    if (timesText.length < MAX_LINE) timesText += bytes.toString('latin1');
  });
  child.stdin?.on('error', () => undefined);

  const wallTimer =
    limits.wallSeconds > 0
      ? setTimeout(() => stop('limit_exceeded', `took longer than ${limits.wallSeconds} s`), limits.wallSeconds * 1_000)
      : undefined;

  function used(): { cpuMs: number; mbMs: number } {
    const wallMs = Math.max(0, (endedAt ?? now()) - startedAt);
    return { cpuMs: Math.max(seenCpuMs, toldCpuMs), mbMs: Math.round(limits.memoryGb * 1_024 * wallMs) };
  }

  // What it left behind would hold its output open.
  child.once('exit', () => {
    if (!hasNamespaces) killMarked(spec.runId, line.uid);
  });

  async function end(): Promise<RunEnd> {
    const last = await over;
    clearTimeout(wallTimer);
    clearTimeout(killTimer);
    if (!hasNamespaces) for (let round = 0; round < KILL_ROUNDS && killMarked(spec.runId, line.uid) > 0; round++);
    endedAt = now();
    toldCpuMs = cpuOf(timesText);
    if (folder !== undefined) fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    return {
      ...(verdict ?? verdictOf(last, timesText)),
      exitCode: last.exitCode,
      ...used(),
      stdout: output.text('stdout'),
      stderr: output.text('stderr'),
      isTruncated: output.isTruncated,
    };
  }

  return {
    spec,
    ended: end(),
    stop,
    used,
    progress: () => progress,
    tail: () => output.tail(TAIL_BYTES),
    watch(processes) {
      if (child.pid === undefined || endedAt !== undefined) return;
      const use = processes.useOf(child.pid);
      seenCpuMs = Math.max(seenCpuMs, use.cpuMs);
      const memoryMb = limits.memoryGb * 1_024;
      if (use.residentBytes > memoryMb * 2 ** 20) {
        stop('limit_exceeded', `used more than ${Math.round(memoryMb)} MB of memory`, 0);
      }
      const cpuSeconds = limits.cpuCores * limits.wallSeconds;
      if (kind === 'job' && cpuSeconds > 0 && use.cpuMs > cpuSeconds * 1_000) {
        stop('limit_exceeded', `used more than ${cpuSeconds} s of processor time`, 0);
      }
      if (isPinged) ping();
    },
  };

  function ping(): void {
    if (now() - lastAnswerAt > SILENT_MS) stop('failed', `answered no ping for ${SILENT_MS / 1_000} s`, 0);
    if (now() - lastPingAt < PING_EVERY_MS) return;
    lastPingAt = now();
    child.stdin?.write(`ping ${Math.round(lastPingAt)}\n`);
  }
}

interface Last {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Why it did not start. */
  readonly error: string | undefined;
}

/** Resolves when it ended and all that it printed is read, or when it did not start. */
function overOf(child: ChildProcess): Promise<Last> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve({ exitCode: undefined, signal: undefined, error: error.code ?? 'unknown' });
    });
    child.once('close', (code, name) => {
      resolve({ exitCode: code ?? undefined, signal: name ?? undefined, error: undefined });
    });
  });
}

function verdictOf({ exitCode, signal: name, error }: Last, times: string): { outcome: Outcome; detail: string } {
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
function cpuOf(text: string): number {
  const [, line = ''] = text.split('\n');
  let ms = 0;
  for (const [, minutes, seconds] of line.matchAll(/(\d+)m([\d.]+)s/g)) {
    ms += Number(minutes) * 60_000 + Number(seconds) * 1_000;
  }
  return Number.isFinite(ms) ? Math.round(ms) : 0;
}

/** Hands on whole lines; of a long one only its beginning. */
function lines(onLine: (text: string) => void): (bytes: Buffer) => void {
  let held = '';
  return (bytes) => {
    const parts = (held + bytes.toString('latin1')).split('\n');
    held = (parts.pop() ?? '').slice(0, MAX_LINE);
    for (const part of parts) if (part.length <= MAX_LINE) onLine(part);
  };
}
