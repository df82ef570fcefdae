/**
 * One run on this machine from its first process to its last: made ready under limits, started, watched, ended with everything that
 * it started. Knows no server and no lease.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Outcome } from '../work/metering.ts';
import type { CommandLine } from './containment.ts';
import type { RunEnd, RunSpec } from './limits.ts';
import { createOutput } from './output.ts';
import { killMarked, lookAtProcesses, type Snapshot, signal } from './process-tree.ts';
import { cpuOf, overOf, verdictOf } from './run-end.ts';

export interface Run {
  readonly spec: RunSpec;
  /** Lets the program begin; its time counts from here. Again is nothing. */
  start(): void;
  /** By the runner's clock; undefined while it is only ready. */
  readonly startedAt: number | undefined;
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
const LEFT_EVERY_MS = 250;

/** Makes all that is around the program, which takes longer than many a job, and holds it before its first instruction. */
export function prepareRun(
  spec: RunSpec,
  line: CommandLine,
  hasNamespaces: boolean,
  folder: string | undefined,
  now: Monotonic,
): Run {
  const { limits, program, kind } = spec;
  const isPinged = kind === 'shard' && program.health === 'ping';
  const output = kind === 'job' ? createOutput(limits.outputBytes, 'first') : createOutput(SHARD_LOG_BYTES, 'last');
  let startedAt: number | undefined;
  let endedAt: number | undefined;
  let verdict: { outcome: Outcome; detail: string } | undefined;
  let seenCpuMs = 0;
  let toldCpuMs = 0;
  let progress: number | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  let lastAnswerAt = 0;
  let lastPingAt = 0;
  let wallTimer: NodeJS.Timeout | undefined;

  const child = spawn(line.file, line.args, {
    cwd: line.cwd,
    env: line.env,
    detached: true,
    stdio: [isPinged ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  const over = overOf(child);

  const gate = child.stdio[4] as Writable | null | undefined;
  // It may have ended before it was let through.
  gate?.on('error', () => undefined);

  function kill(): void {
    const { pid } = child;
    if (pid === undefined) return;
    gate?.destroy();
    signal(hasNamespaces ? pid : -pid, 'SIGKILL');
    if (!hasNamespaces) killMarked(spec.runId, line.uid);
  }

  function stop(outcome: Outcome, detail: string, graceMs = GRACE_MS): void {
    if (endedAt !== undefined) return;
    verdict ??= { outcome, detail };
    const isNow = graceMs === 0 || startedAt === undefined;
    if (isNow) kill();
    if (isNow || killTimer !== undefined) return;
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

  function start(): void {
    if (startedAt !== undefined || endedAt !== undefined) return;
    startedAt = now();
    lastAnswerAt = startedAt;
    lastPingAt = startedAt;
    gate?.end('go\n');
    if (limits.wallSeconds === 0) return;
    const late = (): void => stop('limit_exceeded', `took longer than ${limits.wallSeconds} s`);
    wallTimer = setTimeout(late, limits.wallSeconds * 1_000);
  }

  function used(): { cpuMs: number; mbMs: number } {
    const wallMs = startedAt === undefined ? 0 : Math.max(0, (endedAt ?? now()) - startedAt);
    return { cpuMs: Math.max(seenCpuMs, toldCpuMs), mbMs: Math.round(limits.memoryGb * 1_024 * wallMs) };
  }

  // What it left behind would hold its output open. In a namespace that is only what bubblewrap had just begun when it was killed:
  // its child asks to die with it in its first steps, not before them.
  let leftTimer: NodeJS.Timeout | undefined;
  child.once('exit', () => {
    if (hasNamespaces) leftTimer = setInterval(() => killMarked(spec.runId, line.uid), LEFT_EVERY_MS);
    else killMarked(spec.runId, line.uid);
  });

  async function end(): Promise<RunEnd> {
    const last = await over;
    clearTimeout(wallTimer);
    clearTimeout(killTimer);
    clearInterval(leftTimer);
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
    start,
    get startedAt() {
      return startedAt;
    },
    ended: end(),
    stop,
    used,
    progress: () => progress,
    tail: () => output.tail(TAIL_BYTES),
    watch(processes) {
      if (child.pid === undefined || startedAt === undefined || endedAt !== undefined) return;
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

/** Hands on whole lines; of a long one only its beginning. */
function lines(onLine: (text: string) => void): (bytes: Buffer) => void {
  let held = '';
  return (bytes) => {
    const parts = (held + bytes.toString('latin1')).split('\n');
    held = (parts.pop() ?? '').slice(0, MAX_LINE);
    for (const part of parts) if (part.length <= MAX_LINE) onLine(part);
  };
}
